// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// batchesAre checks what a process counts of a topic's batches.
func batchesAre(t *testing.T, p *process, topic string, want ledger.Batches) {
	t.Helper()
	if diff := cmp.Diff(want, p.runner.Status().Topics[topic].Batches); diff != "" {
		t.Errorf("batches of %s: %s", topic, diff)
	}
}

// Batches are counted by topic, by lane and all told, with the reasons that the
// sink gives; the ledger says the same.
func TestBatchesAreCountedByReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 2)
		want := map[string]*ledger.Batches{"carts": {}, "orders": {}}
		lanes := make([]ledger.Batches, 3)
		var all ledger.Batches
		w.whyDecoded = func(b *sdk.Batch) string {
			w.mu.Lock()
			defer w.mu.Unlock()
			reason, one := "", ledger.Batches{Encoded: 1}
			if b.Source.Topic == "carts" && b.From%2 == 1 {
				reason, one = "gap", ledger.Batches{Decoded: map[string]int64{"gap": 1}}
			}
			if b.From < b.To {
				want[b.Source.Topic].Add(one)
				lanes[ledger.LaneOf(b.Source.TopicPartition, 2)].Add(one)
				all.Add(one)
			}
			return reason
		}
		w.add("orders", 2, 40)
		w.add("carts", 2, 40)
		p := newProcess(w).start()
		pass(time.Minute)
		batchesAre(t, p, "orders", *want["orders"])
		batchesAre(t, p, "carts", *want["carts"])
		s := p.runner.Status()
		if diff := cmp.Diff(all, s.Batches); diff != "" || all.Encoded == 0 || all.Decoded["gap"] == 0 {
			t.Errorf("all told: %s", diff)
		}
		for _, l := range s.Lanes {
			if diff := cmp.Diff(lanes[l.Lane], l.Batches); diff != "" {
				t.Errorf("lane %d: %s", l.Lane, diff)
			}
		}
		for _, topic := range []string{"orders", "carts"} {
			for i := range int32(2) {
				tp := tpOf(topic, i)
				if diff := cmp.Diff(lanes[ledger.LaneOf(tp, 2)], w.lane(t, tp).State.Batches); diff != "" {
					t.Errorf("ledger of the lane of %s: %s", tp, diff)
				}
			}
		}
		_ = p.stop()
		check(t, w)
	})
}

// A batch counts when the position moves over it, and not before.
func TestBatchesCountInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.manual, w.inFlight = true, 100
		w.whyDecoded = func(b *sdk.Batch) string {
			if b.From == 0 || b.To == 20 {
				return "cut"
			}
			return ""
		}
		w.add("orders", 1, 20)
		p := newProcess(w).start()
		pass(time.Second)
		held := slices.Clone(w.held)
		held[0].persist(held[0].b.To)
		held[1].deliver()
		batchesAre(t, p, "orders", ledger.Batches{})
		held[0].answer(held[0].b.To, nil)
		two := ledger.Batches{Encoded: 1, Decoded: map[string]int64{"cut": 1}}
		batchesAre(t, p, "orders", two)
		before := p.runner.Status()
		for _, fw := range held[2:] {
			fw.deliver()
		}
		batchesAre(t, p, "orders", ledger.Batches{Encoded: int64(len(held) - 2), Decoded: map[string]int64{"cut": 2}})
		if !before.Batches.Equal(two) || !before.Topics["orders"].Batches.Equal(two) || !before.Lanes[1].Batches.Equal(two) {
			t.Errorf("a snapshot has changed since: %+v", before)
		}
		_ = p.stop()
		check(t, w)
	})
}

// Of a batch that the target refuses in the middle, what is before it counts, in
// records and batches; what comes behind it does not.
func TestBatchDeliveredInPartCounts(t *testing.T) {
	for name, tt := range map[string]struct {
		into    int64 // the batch, the record that is refused
		decoded map[string]int64
	}{
		"in the middle": {1, map[string]int64{"refused": 1}},
		"at its start":  {0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := openWorld(t, 1, 1)
				w.manual, w.inFlight = true, 100
				w.add("orders", 1, 20)
				tp := tpOf("orders", 0)
				p := newProcess(w).start()
				pass(time.Second)
				held := slices.Clone(w.held)
				n := slices.IndexFunc(held, func(fw *fakeWrite) bool { return fw.b.To-fw.b.From > 1 })
				at := held[n].b.From + tt.into
				w.whyDecoded = func(b *sdk.Batch) string {
					if b.From == held[n].b.From {
						return "refused"
					}
					return ""
				}
				for i, fw := range held {
					if i != n {
						fw.deliver()
					}
				}
				held[n].persist(at)
				held[n].answer(at, &sdk.PartitionError{
					TopicPartition: tp, Reason: sdk.ReasonRefused, Offsets: sdk.Offsets{From: at, To: at + 1}, Err: errors.New("record too large"),
				})
				batchesAre(t, p, "orders", ledger.Batches{Encoded: int64(n), Decoded: tt.decoded})
				want := int64(len(offsets(0, at)))
				if s := p.status(tp); s.Offset != at || s.Records != want || p.runner.Status().Records != want {
					t.Errorf("status %+v, want %d records", s, want)
				}
				p.kill()
			})
		})
	}
}

// A lane's count goes on when it starts again, and is a new one in another process.
func TestBatchesOfALane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 40)
		tp := tpOf("orders", 0)
		fail := false
		w.readFault = func(int) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if fail {
				fail = false
				return errors.New("connection lost")
			}
			return nil
		}
		written := func() ledger.Batches { return w.lane(t, tp).State.Batches }
		p := newProcess(w).start()
		pass(20 * time.Second)
		before := written()
		w.mu.Lock()
		fail = true
		w.signal()
		w.mu.Unlock()
		pass(20 * time.Second)
		w.grow(60)
		pass(20 * time.Second)
		after := written()
		if s := w.lane(t, tp).State; before.Encoded == 0 || after.Encoded <= before.Encoded || s.Restarts != 1 {
			t.Errorf("%+v before the lane started again, %+v after it, in %+v", before, after, s)
		}
		_ = p.stop()
		p = newProcess(w).start()
		pass(20 * time.Second)
		if now := written(); !now.IsZero() {
			t.Errorf("another process, which delivered nothing, has written %+v", now)
		}
		_ = p.stop()
		check(t, w)
	})
}

// What is counted all the time is not written all the time.
func TestBatchesAreWrittenNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 1)
		tp := tpOf("orders", 0)
		p := newProcess(w).start()
		pass(20 * time.Second)
		var seen []int64
		for i := range int64(60) {
			w.grow(2 + i)
			pass(time.Second)
			if n := w.lane(t, tp).State.Batches.Encoded; len(seen) == 0 || seen[len(seen)-1] != n {
				seen = append(seen, n)
			}
		}
		if len(seen) < 10 || len(seen) > 13 {
			t.Errorf("in a minute the ledger had the counts %v", seen)
		}
		_ = p.stop()
		if got, want := w.lane(t, tp).State.Batches, p.runner.Status().Batches; !got.Equal(want) || want.Encoded < 61 {
			t.Errorf("stopped with %+v in the ledger, counted were %+v", got, want)
		}
		check(t, w)
	})
}
