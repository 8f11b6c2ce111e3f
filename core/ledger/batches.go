// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"maps"
	"strings"

	"github.com/klamm-io/klamm/sdk"
)

// Batches counts the batches of a source that were delivered. Its zero value has
// counted none.
type Batches struct {
	// Encoded were written as they were read.
	Encoded int64 `json:"encoded"`
	// Decoded were not, by the reason. The sink says which reasons there are.
	Decoded map[string]int64 `json:"decoded,omitempty"`
}

// BatchesOf counts those of a delivery. Reasons become text that every reader of
// them takes.
func BatchesOf(d sdk.Delivery) Batches {
	b := Batches{Encoded: int64(d.AsRead)}
	for reason, n := range d.Decoded {
		b.decoded(strings.ToValidUTF8(reason, "\uFFFD"), int64(n))
	}
	return b
}

// Add counts those of others too.
func (b *Batches) Add(others Batches) {
	b.Encoded += others.Encoded
	for reason, n := range others.Decoded {
		b.decoded(reason, n)
	}
}

func (b *Batches) decoded(reason string, n int64) {
	if b.Decoded == nil {
		b.Decoded = map[string]int64{}
	}
	b.Decoded[reason] += n
}

// Clone is a copy that counts on its own.
func (b Batches) Clone() Batches {
	b.Decoded = maps.Clone(b.Decoded)
	return b
}

// Equal reports whether the counts are the same.
func (b Batches) Equal(other Batches) bool {
	return b.Encoded == other.Encoded && maps.Equal(b.Decoded, other.Decoded)
}

// IsZero reports whether none were counted.
func (b Batches) IsZero() bool { return b.Encoded == 0 && len(b.Decoded) == 0 }
