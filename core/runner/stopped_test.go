// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/klamm-io/klamm/sdk"
)

// check reports what the world found wrong.
func check(t *testing.T, w *world) {
	t.Helper()
	for _, f := range w.problems() {
		t.Error(f)
	}
}

// copied checks that exactly [from, to) of a partition is at the target, in
// order and once.
func copied(t *testing.T, w *world, tp sdk.TopicPartition, from, to int64) {
	t.Helper()
	if got, want := w.written(tp), offsets(from, to); !slices.Equal(got, want) {
		t.Errorf("%s was written as %v, want %v", tp, got, want)
	}
}

func TestStoppedPartitionStandsAtItsError(t *testing.T) {
	bad := tpOf("orders", 1)
	tests := []struct {
		name   string
		spoil  func(w *world, p *process)
		reason sdk.Reason
		says   string
	}{
		{"cannot be read", func(w *world, _ *process) { w.change(bad, func(p *part) { p.failAt = 20 }) }, sdk.ReasonGap, "offset 20"},
		{"record refused in the middle of a batch", func(w *world, _ *process) { w.change(bad, func(p *part) { p.refuse = []int64{20} }) }, sdk.ReasonRefused, "offset 20"},
		{"record rejected in the middle of a batch", func(_ *world, p *process) {
			p.apply = rejecting(func(s sdk.Stream, o int64) bool { return s.TopicPartition == bad && o >= 20 })
		}, sdk.ReasonRejected, "offset 20: rejected: transform shape: no such field"},
		{"transform fails", func(_ *world, p *process) {
			p.apply = func(b *sdk.Batch) error {
				if b.Source.TopicPartition == bad && b.From <= 20 && 20 < b.To {
					return errors.New("no such field")
				}
				return nil
			}
		}, sdk.ReasonTransform, "transform shape: no such field"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				seed := rapid.Uint64().Draw(rt, "seed")
				synctest.Test(t, func(t *testing.T) {
					w := openWorld(t, seed, 2)
					w.bounded = true
					w.add("orders", 4, 40)
					p := newProcess(w)
					tt.spoil(w, p)
					err, ended := p.start().wait()
					incomplete, ok := errors.AsType[*Incomplete](err)
					if !ended || !ok || len(incomplete.Partitions) != 1 {
						t.Fatalf("ended %t with %v", ended, err)
					}
					stop := incomplete.Partitions[0]
					if stop.TopicPartition != bad || stop.Reason != tt.reason || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "pipeline copy: stopped before their end: 1 of its partitions") {
						t.Errorf("got %v", err)
					}
					for _, i := range []int32{0, 2, 3} {
						copied(t, w, tpOf("orders", i), 0, 40)
						if at := w.stored(tpOf("orders", i)); at != 40 {
							t.Errorf("partition %d has position %d", i, at)
						}
					}
					at := w.stored(bad)
					copied(t, w, bad, 0, at)
					if at > 20 || tt.reason != sdk.ReasonTransform && at != 20 {
						t.Errorf("the stopped partition has position %d", at)
					}
					if s := p.runner.Status(); s.State != Failed || s.LastError == "" {
						t.Errorf("status %s, %q", s.State, s.LastError)
					}
					check(t, w)
				})
			})
		})
	}
}

func TestUnboundedRunGoesOnBesideAStoppedPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 2, 30)
		w.change(tpOf("orders", 0), func(p *part) { p.failAt = 10 })
		p := newProcess(w).start()
		pass(20 * time.Second)
		w.grow(60)
		pass(20 * time.Second)
		copied(t, w, tpOf("orders", 0), 0, 10)
		copied(t, w, tpOf("orders", 1), 0, 60)
		s := p.runner.Status()
		stopped := p.status(tpOf("orders", 0))
		if s.State != Degraded || s.Ready() || s.LaneRestarts != 0 {
			t.Errorf("state %s, ready %t, %d restarts", s.State, s.Ready(), s.LaneRestarts)
		}
		if stopped.State != Stopped || stopped.Reason != sdk.ReasonGap || stopped.Offset != 10 || stopped.Lost == nil || *stopped.Lost != (sdk.Offsets{From: 10, To: 11}) {
			t.Errorf("stopped partition: %+v", stopped)
		}
		if err := p.stop(); err != nil {
			t.Errorf("stopped with %v", err)
		}
		check(t, w)
	})
}

// A transform fails while earlier batches are still in flight: later ones must
// not overtake the hole.
func TestNothingIsWrittenBehindAFailedTransform(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 3, 1)
		w.manual, w.inFlight = true, 100
		w.add("orders", 1, 40)
		p := newProcess(w)
		failed := false
		p.apply = func(b *sdk.Batch) error {
			if b.From >= 10 && !failed {
				failed = true
				return errors.New("bad value")
			}
			return nil
		}
		p.start()
		pass(5 * time.Second)
		w.mu.Lock()
		held := slices.Clone(w.held)
		w.mu.Unlock()
		tp := tpOf("orders", 0)
		for _, fw := range held {
			if fw.b.From >= 10 {
				t.Errorf("[%d, %d) went to the writer behind the failure", fw.b.From, fw.b.To)
			}
		}
		end := held[len(held)-1].b.To
		for _, fw := range slices.Backward(held) {
			if s := p.status(tp); s.Offset != 0 {
				t.Errorf("position %d before the first is delivered", s.Offset)
			}
			fw.persist(fw.b.To)
			fw.answer(fw.b.To, nil)
		}
		pass(2 * time.Second)
		if at := w.stored(tp); at != end {
			t.Errorf("position %d, want %d: what came before the failure counts", at, end)
		}
		_ = p.stop()
	})
}

// Reading stops at an offset, then a batch that was in flight is refused before
// it: the partition stands where it is refused, and says so.
func TestTheEarlierErrorIsTheOneReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 4, 1)
		w.manual, w.bounded, w.inFlight = true, true, 100
		w.add("orders", 1, 20)
		tp := tpOf("orders", 0)
		w.change(tp, func(p *part) { p.failAt = 12 })
		p := newProcess(w).start()
		pass(3 * time.Second)
		if s := p.status(tp); s.State != Stopped || s.Reason != sdk.ReasonGap {
			t.Fatalf("status %+v", s)
		}
		first := w.held[0]
		refused := &sdk.PartitionError{TopicPartition: tp, Reason: sdk.ReasonRefused, Offsets: first.b.Offsets, Err: errors.New("too large")}
		first.answer(first.b.From, refused)
		for _, fw := range slices.Clone(w.held[1:]) {
			fw.answer(fw.b.To, nil) // even if the writer said so: behind a hole it does not count
		}
		err, _ := p.wait()
		incomplete, ok := errors.AsType[*Incomplete](err)
		if !ok || len(incomplete.Partitions) != 1 || incomplete.Partitions[0] != refused {
			t.Errorf("got %v", err)
		}
		if at := w.stored(tp); at != 0 {
			t.Errorf("position %d", at)
		}
	})
}

// An answer about a partition that the batch is not of is no reason to stop any
// partition; it is not lost either.
func TestErrorOfAnotherPartitionEndsTheLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 5, 1)
		w.manual = true
		w.add("orders", 2, 4)
		p := newProcess(w).start()
		pass(2 * time.Second)
		fw := w.held[0]
		fw.answer(fw.b.From, &sdk.PartitionError{TopicPartition: tpOf("elsewhere", 0), Reason: sdk.ReasonRefused, Err: errors.New("too large")})
		w.mu.Lock()
		w.manual = false
		w.mu.Unlock()
		pass(20 * time.Second)
		if s := p.runner.Status(); s.LaneRestarts != 1 || s.State != Running {
			t.Errorf("%d restarts, state %s", s.LaneRestarts, s.State)
		}
		for i := range int32(2) {
			if missing := w.missing(tpOf("orders", i), 0, 4); len(missing) > 0 {
				t.Errorf("partition %d lacks %v", i, missing)
			}
		}
		_ = p.stop()
		check(t, w)
	})
}
