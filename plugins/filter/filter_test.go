// SPDX-License-Identifier: Apache-2.0

package filter_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/plugins/filter"
	"github.com/klamm-io/klamm/sdk"
)

// apply filters values and says what became of them.
func apply(t *testing.T, where string, values ...string) (kept []string, dropped int, rejected []sdk.Rejected, b *sdk.Batch) {
	t.Helper()
	c := &filter.Config{Where: sdk.Expression(where)}
	if bad := c.Validate(); len(bad) > 0 {
		t.Fatal(bad)
	}
	transform, err := c.NewTransform(t.Context(), sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	b = sdk.NewEncodedBatch(sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: "orders"}}, sdk.Offsets{To: int64(len(values))}, encoded(values))
	if err := transform.Apply(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	dropped, rejected, err = b.Outcome()
	if err != nil {
		t.Fatal(err)
	}
	records, err := b.Records()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		kept = append(kept, string(r.Value))
	}
	return kept, dropped, rejected, b
}

// encoded are values as read.
type encoded []string

func (e encoded) Bytes() []byte { return nil }
func (e encoded) Count() int    { return len(e) }
func (e encoded) Release()      {}

func (e encoded) Decode() ([]sdk.Record, error) {
	var records []sdk.Record
	for i, v := range e {
		records = append(records, sdk.Record{Offset: int64(i), Value: []byte(v)})
	}
	return records, nil
}

func TestFilter(t *testing.T) {
	kept, dropped, rejected, b := apply(t, "value.total > 100", `{"total":101}`, `{"total":5}`, `{"total":"many"}`, `{"total":200}`, `text`)
	if diff := cmp.Diff([]string{`{"total":101}`, `{"total":200}`}, kept); diff != "" || dropped != 1 {
		t.Errorf("%d dropped; %s", dropped, diff)
	}
	if len(rejected) != 2 || rejected[0].Offset != 2 || rejected[1].Offset != 4 || !strings.Contains(rejected[0].Err.Error(), "string > int") {
		t.Errorf("rejected %v", rejected)
	}
	if _, asRead := b.Encoded(); asRead {
		t.Error("the bytes as read still have what was dropped")
	}
}

func TestNothingDroppedStaysAsRead(t *testing.T) {
	kept, dropped, rejected, b := apply(t, `topic == "orders"`, "a", "b")
	if _, asRead := b.Encoded(); !asRead || len(kept) != 2 || dropped != 0 || len(rejected) > 0 {
		t.Errorf("as read: %t; kept %v, dropped %d, rejected %v", asRead, kept, dropped, rejected)
	}
}

// What is known only when a record comes is still checked.
func TestNeitherTrueNorFalse(t *testing.T) {
	_, _, rejected, _ := apply(t, `value.flag`, `{"flag":true}`, `{"flag":"true"}`, `{}`)
	if len(rejected) != 2 || rejected[0].Err.Error() != `it gives a text, not true or false: "value.flag"` {
		t.Errorf("rejected %v", rejected)
	}
}

func TestValidate(t *testing.T) {
	bad := (&filter.Config{Where: "value.total > tresh"}).Validate()
	if len(bad) != 1 || bad[0].Path != "where" || bad[0].Within != (sdk.Span{From: 14, To: 19}) {
		t.Errorf("%+v", bad)
	}
}
