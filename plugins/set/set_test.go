// SPDX-License-Identifier: Apache-2.0

package set_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/plugins/set"
	"github.com/klamm-io/klamm/sdk"
)

func before() sdk.Record {
	return sdk.Record{
		Offset: 7, Timestamp: 1000, AppendTime: true, Key: []byte("k"), Value: []byte(`{"total": 5, "card": "4111"}`),
		Headers: []sdk.Header{{Key: "trace", Value: []byte("1")}, {Key: "region", Value: []byte("us")}, {Key: "trace", Value: []byte("2")}, {Key: "none"}},
	}
}

// apply sets one record; rejected is why it did not.
func apply(t *testing.T, c *set.Config) (after sdk.Record, rejected error) {
	t.Helper()
	if bad := c.Validate(); len(bad) > 0 {
		t.Fatal(bad)
	}
	transform, err := c.NewTransform(t.Context(), sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	b := sdk.NewBatch(sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: "orders", Partition: 1}}, sdk.Offsets{From: 7, To: 8}, []sdk.Record{before()})
	if err := transform.Apply(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	_, all, err := b.Outcome()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) > 0 {
		return all[0].Record, all[0].Err
	}
	records, err := b.Records()
	if err != nil || len(records) != 1 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	return records[0], nil
}

func TestSet(t *testing.T) {
	tests := []struct {
		name   string
		config set.Config
		change func(r *sdk.Record)
	}{
		{"key", set.Config{Key: `topic + "-" + string(partition)`}, func(r *sdk.Record) { r.Key = []byte("orders-1") }},
		{"no key", set.Config{Key: `nil`}, func(r *sdk.Record) { r.Key = nil }},
		{"an empty key", set.Config{Key: `""`}, func(r *sdk.Record) { r.Key = []byte{} }},
		{"one field", set.Config{Value: `merge(value, {"card": "***"})`}, func(r *sdk.Record) { r.Value = []byte(`{"card":"***","total":5}`) }},
		{"without a field", set.Config{Value: `omit(value, "card")`}, func(r *sdk.Record) { r.Value = []byte(`{"total":5}`) }},
		{"a number", set.Config{Value: `value.total`}, func(r *sdk.Record) { r.Value = []byte("5") }},
		{"a tombstone", set.Config{Value: `nil`}, func(r *sdk.Record) { r.Value = nil }},
		{"each sees what was before", set.Config{Key: `raw_value`, Value: `key`}, func(r *sdk.Record) { r.Key, r.Value = r.Value, r.Key }},
		{"timestamp, a number", set.Config{Timestamp: `2000 + value.total`}, func(r *sdk.Record) { r.Timestamp, r.AppendTime = 2005, false }},
		{"timestamp, a time", set.Config{Timestamp: `timestamp + duration("1s")`}, func(r *sdk.Record) { r.Timestamp, r.AppendTime = 2000, false }},
		{"a header more", set.Config{Headers: sdk.Expressions{"a": `offset`, "b": `"x"`}}, func(r *sdk.Record) {
			r.Headers = append(r.Headers, sdk.Header{Key: "a", Value: []byte("7")}, sdk.Header{Key: "b", Value: []byte("x")})
		}},
		{"a header anew", set.Config{Headers: sdk.Expressions{"trace": `headers.trace + "!"`}}, func(r *sdk.Record) {
			r.Headers = []sdk.Header{{Key: "trace", Value: []byte("2!")}, r.Headers[1], r.Headers[3]}
		}},
		{"a header left out", set.Config{Headers: sdk.Expressions{"trace": `nil`}}, func(r *sdk.Record) { r.Headers = []sdk.Header{r.Headers[1], r.Headers[3]} }},
		{"headers removed", set.Config{RemoveHeaders: []string{"*", "!n*"}}, func(r *sdk.Record) { r.Headers = r.Headers[3:] }},
		{"removed before others are set", set.Config{RemoveHeaders: []string{"*"}, Headers: sdk.Expressions{"trace": `headers.region`}}, func(r *sdk.Record) {
			r.Headers = []sdk.Header{{Key: "trace", Value: []byte("us")}}
		}},
		{"nothing there to remove", set.Config{RemoveHeaders: []string{"x-*"}}, func(*sdk.Record) {}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := before()
			test.change(&want)
			got, rejected := apply(t, &test.config)
			if diff := cmp.Diff(want, got); diff != "" || rejected != nil {
				t.Errorf("rejected because of %v (-want +got):\n%s", rejected, diff)
			}
		})
	}
}

func TestRejectedAsAWhole(t *testing.T) {
	tests := []struct {
		config set.Config
		says   string
	}{
		{set.Config{Key: `"new"`, Value: `value.total.deeper`}, "value: "},
		{set.Config{Key: `"new"`, Headers: sdk.Expressions{"a": `int(key)`}}, `headers["a"]: `},
		{set.Config{Timestamp: `value.card`}, "timestamp: it gives a text, not a time"},
		{set.Config{Timestamp: `-5`}, "timestamp: it gives a number"},
		{set.Config{Timestamp: `value.total / 2`}, "timestamp: it gives a number"},
	}
	for _, test := range tests {
		got, rejected := apply(t, &test.config)
		if rejected == nil || !strings.HasPrefix(rejected.Error(), test.says) {
			t.Errorf("rejected because of %v, want %s", rejected, test.says)
		}
		if diff := cmp.Diff(before(), got); diff != "" {
			t.Errorf("it was changed:\n%s", diff)
		}
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		config set.Config
		path   string
		within sdk.Span
	}{
		{set.Config{}, "", sdk.Span{}},
		{set.Config{Key: "kye"}, "key", sdk.Span{To: 3}},
		{set.Config{Headers: sdk.Expressions{"b": `"x"`, "a": `" " + vlaue`}}, `headers["a"]`, sdk.Span{From: 6, To: 11}},
		{set.Config{Timestamp: `topic`}, "timestamp", sdk.Span{To: 5}},
		{set.Config{RemoveHeaders: []string{"a", "[b"}}, "remove_headers[1]", sdk.Span{}},
	}
	for _, test := range tests {
		bad := test.config.Validate()
		if len(bad) != 1 || bad[0].Path != test.path || bad[0].Within != test.within {
			t.Errorf("%+v: %+v", test.config, bad)
		}
	}
}
