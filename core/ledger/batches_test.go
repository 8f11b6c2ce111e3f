// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/sdk"
)

func TestBatchesOf(t *testing.T) {
	tests := []struct {
		name string
		d    sdk.Delivery
		want Batches
	}{
		{"of a sink that does not say", sdk.Delivery{}, Batches{}},
		{"as read", sdk.Delivery{AsRead: 3}, Batches{Encoded: 3}},
		{"some decoded", sdk.Delivery{AsRead: 3, Decoded: map[string]int{"gap": 2, "cut": 1}}, Batches{3, map[string]int64{"gap": 2, "cut": 1}}},
		{"reasons that are no text", sdk.Delivery{Decoded: map[string]int{"a\xff": 2, "a\xfe": 1}}, Batches{0, map[string]int64{"a\uFFFD": 3}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, BatchesOf(tt.d)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBatchesAdd(t *testing.T) {
	var all Batches
	if !all.IsZero() {
		t.Error("nothing was counted yet")
	}
	one := Batches{3, map[string]int64{"gap": 2}}
	all.Add(one)
	before := all.Clone()
	all.Add(Batches{1, map[string]int64{"gap": 1, "cut": 4}})
	if want := (Batches{4, map[string]int64{"gap": 3, "cut": 4}}); !all.Equal(want) {
		t.Errorf("counted %+v, want %+v", all, want)
	}
	if !before.Equal(one) || one.Decoded["gap"] != 2 || before.Equal(all) || all.IsZero() {
		t.Errorf("counting on has changed a copy: %+v, %+v", before, one)
	}
}

func TestBatchesAsJSON(t *testing.T) {
	for want, b := range map[string]Batches{
		`{"encoded":0}`:                     {},
		`{"encoded":7,"decoded":{"gap":2}}`: {7, map[string]int64{"gap": 2}},
	} {
		if raw, err := json.Marshal(b); err != nil || string(raw) != want {
			t.Errorf("%+v is %s, want %s (%v)", b, raw, want, err)
		}
	}
}
