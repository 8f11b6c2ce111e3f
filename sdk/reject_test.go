// SPDX-License-Identifier: Apache-2.0

package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/sdk"
)

var errBad = errors.New("bad")

// five is a batch of five records as read.
func five() (*sdk.Batch, *fakeEncoded) {
	e := &fakeEncoded{bytes: []byte("raw")}
	for i := range int64(5) {
		e.records = append(e.records, sdk.Record{Offset: 10 + i, Key: []byte("k"), Value: fmt.Append(nil, i)})
	}
	return sdk.NewEncodedBatch(batchSource, sdk.Offsets{From: 10, To: 15}, e), e
}

func valuesOf(t *testing.T, b *sdk.Batch) string {
	t.Helper()
	records, err := b.Records()
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, r := range records {
		values = append(values, string(r.Value))
	}
	return strings.Join(values, " ")
}

func TestEach(t *testing.T) {
	tests := []struct {
		name     string
		apply    func(r *sdk.Record) error
		values   string
		asRead   bool
		dropped  int
		rejected []int64
	}{
		{"nothing is changed", func(*sdk.Record) error { return nil }, "0 1 2 3 4", true, 0, nil},
		{"set to what it was", func(r *sdk.Record) error { r.Key = r.Key[:1]; return nil }, "0 1 2 3 4", true, 0, nil},
		{"one is changed", func(r *sdk.Record) error {
			if r.Offset == 12 {
				r.Value = []byte("new")
			}
			return nil
		}, "0 1 new 3 4", false, 0, nil},
		{"one becomes a tombstone", func(r *sdk.Record) error {
			if r.Offset == 12 {
				r.Value = nil
			}
			return nil
		}, "0 1  3 4", false, 0, nil},
		{"two are dropped", func(r *sdk.Record) error {
			if r.Offset%2 == 1 {
				return sdk.ErrDrop
			}
			return nil
		}, "0 2 4", false, 2, nil},
		{"the last is rejected", func(r *sdk.Record) error {
			if r.Value = []byte("new"); r.Offset == 14 {
				return fmt.Errorf("looking at it: %w", sdk.Reject(errBad))
			}
			return nil
		}, "new new new new", false, 0, []int64{14}},
		{"all are dropped or rejected", func(r *sdk.Record) error {
			if r.Offset < 13 {
				return sdk.ErrDrop
			}
			return sdk.Reject(errBad)
		}, "", false, 3, []int64{13, 14}},
		{"an offset is not to be changed", func(r *sdk.Record) error { r.Offset, r.Value = 0, []byte("x"); return nil }, "x x x x x", false, 0, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, e := five()
			transform := sdk.Each(func(_ context.Context, _ *sdk.Batch, r *sdk.Record) error { return test.apply(r) })
			if err := transform.Apply(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			dropped, rejected, err := b.Outcome()
			if err != nil || dropped != test.dropped {
				t.Errorf("%d dropped, %v", dropped, err)
			}
			var offsets []int64
			for _, r := range rejected {
				offsets = append(offsets, r.Offset)
				if string(r.Value) != fmt.Sprint(r.Offset-10) || !errors.Is(r.Err, errBad) {
					t.Errorf("rejected %q because of %v", r.Value, r.Err)
				}
			}
			if diff := cmp.Diff(test.rejected, offsets); diff != "" {
				t.Errorf("rejected (-want +got):\n%s", diff)
			}
			if got := valuesOf(t, b); got != test.values {
				t.Errorf("records %q", got)
			}
			if _, asRead := b.Encoded(); asRead != test.asRead || e.decoded != 1 {
				t.Errorf("as read: %t; decoded %d times", asRead, e.decoded)
			}
			if dropped, rejected, err := b.Outcome(); dropped != 0 || rejected != nil || err != nil {
				t.Errorf("asked again: %d, %v, %v", dropped, rejected, err)
			}
		})
	}
}

func TestEachPassesErrorsOn(t *testing.T) {
	for _, want := range []error{errBad, sdk.Retry(time.Second, errBad)} {
		b, _ := five()
		err := sdk.Each(func(_ context.Context, _ *sdk.Batch, r *sdk.Record) error {
			switch r.Offset {
			case 11:
				return sdk.Reject(errBad)
			case 12:
				return want
			}
			return sdk.ErrDrop
		}).Apply(t.Context(), b)
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "offset 12") {
			t.Errorf("%v is not %v", err, want)
		}
		if got := valuesOf(t, b); got != "0 1 2 3 4" {
			t.Errorf("the batch was changed: %q", got)
		}
		if dropped, rejected, _ := b.Outcome(); dropped > 0 || len(rejected) > 0 {
			t.Errorf("%d dropped, %d rejected of a batch that comes again", dropped, len(rejected))
		}
	}
}

func TestEachOfWhatCannotBeRead(t *testing.T) {
	b, e := five()
	e.err = errBad
	err := sdk.Each(func(context.Context, *sdk.Batch, *sdk.Record) error { return nil }).Apply(t.Context(), b)
	if pe, ok := sdk.AsPartitionError(err); !ok || pe.Reason != sdk.ReasonCorrupt || pe.Offsets != b.Offsets || !errors.Is(err, errBad) {
		t.Errorf("%v", err)
	}
}

// A stage may replace all records unseen, and the next one reject some.
func TestRejectedAreAsTheyWereRead(t *testing.T) {
	b, _ := five()
	b.SetRecords([]sdk.Record{{Offset: 10, Value: []byte("new")}, {Offset: 13, Value: []byte("new")}})
	if dropped, _, err := b.Outcome(); dropped != 3 || err != nil {
		t.Errorf("%d dropped, %v", dropped, err)
	}
	b.Reject(13, errBad)
	b.Reject(13, errors.New("again"))
	dropped, rejected, err := b.Outcome()
	if err != nil || dropped != 0 || len(rejected) != 1 || string(rejected[0].Value) != "3" || !errors.Is(rejected[0].Err, errBad) {
		t.Errorf("%d dropped, rejected %v, %v", dropped, rejected, err)
	}
	if got := valuesOf(t, b); got != "new" {
		t.Errorf("records %q", got)
	}
	b.Reject(99, errBad)
	if _, _, err := b.Outcome(); err == nil || !strings.Contains(err.Error(), "offset 99") {
		t.Errorf("rejecting what is not there: %v", err)
	}
}
