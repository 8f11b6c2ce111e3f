// SPDX-License-Identifier: Apache-2.0

package status

import (
	"testing"

	"github.com/klamm-io/klamm/core/ledger"
)

func TestBatchWords(t *testing.T) {
	type reasons = map[string]int64
	tests := []struct {
		name string
		b    ledger.Batches
		want string
	}{
		{"none", ledger.Batches{}, "100% of 0 untouched"},
		{"all untouched", ledger.Batches{Encoded: 1234}, "100% of 1,234 untouched"},
		{"one of very many", ledger.Batches{Encoded: 5_000_000_000, Decoded: reasons{"cut": 1}}, "99.9% of 5,000,000,001 untouched; decoded: 1 cut"},
		{"most frequent first", ledger.Batches{Encoded: 7, Decoded: reasons{"cut": 1, "header": 3, "gap": 3}}, "50.0% of 14 untouched; decoded: 3 gap, 3 header, 1 cut"},
		{"one of very many untouched", ledger.Batches{Encoded: 1, Decoded: reasons{"compression": 1_000_000}}, "0.0% of 1,000,001 untouched; decoded: 1,000,000 compression"},
		{"a reason of a sink's own", ledger.Batches{Encoded: 1, Decoded: reasons{"the\nmoon": 1}}, "50.0% of 2 untouched; decoded: 1 the moon"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := batchWords(tt.b); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
