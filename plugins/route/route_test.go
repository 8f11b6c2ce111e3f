// SPDX-License-Identifier: Apache-2.0

package route_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/plugins/rename"
	"github.com/klamm-io/klamm/plugins/route"
	"github.com/klamm-io/klamm/sdk"
)

func made(t *testing.T, c sdk.TransformConfig) sdk.Transform {
	t.Helper()
	if bad := c.(sdk.Validator).Validate(); len(bad) > 0 {
		t.Fatal(bad)
	}
	transform, err := c.NewTransform(t.Context(), sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return transform
}

// events is a batch of values with keys a, b, and so on.
func events(values ...string) *sdk.Batch {
	var records []sdk.Record
	for i, v := range values {
		records = append(records, sdk.Record{Offset: int64(i), Key: []byte{byte('a' + i)}, Value: []byte(v)})
	}
	return sdk.NewBatch(sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: "events"}}, sdk.Offsets{To: int64(len(values))}, records)
}

// targets are the topics that the records go to.
func targets(t *testing.T, b *sdk.Batch) []string {
	t.Helper()
	records, err := b.Records()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range records {
		if r.Topic == "" {
			r.Topic = b.Topic
		}
		out = append(out, r.Topic)
	}
	return out
}

func TestRoute(t *testing.T) {
	b := events(`{"kind":"click"}`, `{"kind":"view"}`, `{"kind":"not a name"}`, `{}`, `{"kind":""}`)
	transform := made(t, &route.Config{Topic: `value.kind == "" ? topic : topic + "." + value.kind`})
	if err := transform.Apply(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	_, rejected, err := b.Outcome()
	if err != nil || len(rejected) != 2 || rejected[0].Offset != 2 || rejected[1].Offset != 3 {
		t.Fatalf("rejected %v, %v", rejected, err)
	}
	if why := rejected[0].Err.Error(); why != `"events.not a name" cannot be the name of a topic` {
		t.Errorf("rejected because %s", why)
	}
	if diff := cmp.Diff([]string{"events.click", "events.view", "events"}, targets(t, b)); diff != "" {
		t.Error(diff)
	}
}

func TestIllegalNames(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a b", "ä", strings.Repeat("x", 250)} {
		b := events(name)
		if err := made(t, &route.Config{Topic: `value`}).Apply(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if _, rejected, _ := b.Outcome(); len(rejected) != 1 {
			t.Errorf("%q was taken for the name of a topic", name)
		}
	}
}

// What a transform names, a transform behind it renames, in either order.
func TestRouteAndRename(t *testing.T) {
	named := &route.Config{Topic: `value == "x" ? topic + ".x" : topic`}
	prefixed := &rename.Config{Prefix: "eu."}
	for name, transforms := range map[string][]sdk.TransformConfig{"route first": {named, prefixed}, "rename first": {prefixed, named}} {
		t.Run(name, func(t *testing.T) {
			b := events("x", "y")
			for _, c := range transforms {
				if err := made(t, c).Apply(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff([]string{"eu.events.x", "eu.events"}, targets(t, b)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	bad := (&route.Config{Topic: "offset"}).Validate()
	if len(bad) != 1 || bad[0].Path != "topic" || !strings.Contains(bad[0].Detail, "It has to give a text, and gives int") {
		t.Errorf("%+v", bad)
	}
	var c sdk.TransformConfig = &route.Config{}
	if _, routes := c.(sdk.RecordRouter); !routes {
		t.Error("it does not say that no mapping knows its topics")
	}
}
