// SPDX-License-Identifier: Apache-2.0

package status

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/klamm-io/klamm/core/ledger"
)

// decoded is how many batches were decoded, for whatever reason.
func decoded(b ledger.Batches) int64 {
	var n int64
	for _, of := range b.Decoded {
		n += of
	}
	return n
}

// untouched is the share of the batches that went through as they were read. It is
// rounded down: 100% is all of them.
func untouched(b ledger.Batches) string {
	of := b.Encoded + decoded(b)
	if b.Encoded == of {
		return "100%"
	}
	permille := b.Encoded * 1000 / of
	return fmt.Sprintf("%d.%d%%", permille/10, permille%10)
}

// batchWords says how many batches went through untouched, and why the others did
// not, the most frequent reason first.
func batchWords(b ledger.Batches) string {
	words := fmt.Sprintf("%s of %s untouched", untouched(b), Count(b.Encoded+decoded(b)))
	if len(b.Decoded) == 0 {
		return words
	}
	reasons := slices.SortedFunc(maps.Keys(b.Decoded), func(x, y string) int {
		return cmp.Or(cmp.Compare(b.Decoded[y], b.Decoded[x]), cmp.Compare(x, y))
	})
	var why []string
	for _, reason := range reasons {
		why = append(why, Count(b.Decoded[reason])+" "+oneLine(reason))
	}
	return words + "; decoded: " + strings.Join(why, ", ")
}
