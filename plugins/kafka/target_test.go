// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"errors"
	"testing"

	"github.com/klamm-io/klamm/sdk"
)

// TestSequenceFollowsWhatIsThere has two batches written and their answers lost. They
// do not show in the log at once, so that the first is sent again, alone; then both
// show. The third has to follow the second.
func TestSequenceFollowsWhatIsThere(t *testing.T) {
	w := &writer{memory: sdk.NewBudget(1 << 20), sink: &sink{}, open: map[*write]struct{}{}}
	to := &target{writer: w, proven: true}
	for range 3 {
		o := &outgoing{write: &write{missing: 1}, users: 9}
		o.head.seal(producerState{}, false)
		o.head[60] = 5 // records
		to.queue = append(to.queue, o)
	}
	gone := errors.New("the connection is gone")
	one, two := to.take(), to.take()
	to.lost(one, gone)
	to.lost(two, gone)
	w.settle(to, nil, nil)
	to.resume()
	to.lost(to.take(), gone)
	w.settle(to, map[int32]int64{0: 100, 5: 105}, nil)
	to.resume()
	if len(to.queue) != 1 || to.end != 110 {
		t.Fatalf("%d batches are left, behind offset %d", len(to.queue), to.end)
	}
	if got := to.take().sequence(); got != 10 {
		t.Errorf("the third batch has the sequence %d, not 10", got)
	}
}
