// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
)

// patience is how long a process that cannot finish everything itself waits for
// positions of other processes to move.
const patience = 30 * time.Second

// elsewhere is how far the lanes of other processes have come, and since when.
type elsewhere struct {
	sum   int64
	since time.Time
}

// waitsInVain reports whether the bounded run ends here although lanes elsewhere
// are not finished: a partition is stopped in this process, and no position
// there moves. Otherwise two processes with a stopped partition each would wait
// for each other for ever. Whoever stays comes to the lanes of who leaves.
func (r *Runner) waitsInVain(ctx context.Context, lanes []int) bool {
	if len(r.stopped()) == 0 {
		return false
	}
	var sum int64
	for _, n := range lanes {
		entries, err := r.store.Read(ctx, n)
		if err != nil {
			return false
		}
		l, err := ledger.DecodeLane(entries)
		if err != nil {
			return false
		}
		for _, p := range l.Positions {
			sum += p.Offset + 1
		}
	}
	if sum != r.elsewhere.sum || r.elsewhere.since.IsZero() {
		r.elsewhere = elsewhere{sum, time.Now()}
	}
	return time.Since(r.elsewhere.since) >= patience
}
