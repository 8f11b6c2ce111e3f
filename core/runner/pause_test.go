// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

func TestPausedIsNotReadUntilItIsResumed(t *testing.T) {
	tests := []struct {
		name   string
		scope  ledger.Scope
		paused [3]bool // orders-0, orders-1, carts-0
		state  State
	}{
		{"pipeline", ledger.Everything(), [3]bool{true, true, true}, Paused},
		{"topic", ledger.Scope{Topic: "orders", Partition: ledger.AllPartitions}, [3]bool{true, true, false}, Running},
		{"partition", ledger.Scope{Topic: "orders", Partition: 1}, [3]bool{false, true, false}, Running},
	}
	all := [3]sdk.TopicPartition{tpOf("orders", 0), tpOf("orders", 1), tpOf("carts", 0)}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				seed := rapid.Uint64().Draw(rt, "seed")
				at := rapid.IntRange(0, 20000).Draw(rt, "at")
				synctest.Test(t, func(t *testing.T) {
					w := openWorld(t, seed, 2)
					w.slow = time.Second
					w.add("orders", 2, 60)
					w.add("carts", 1, 60)
					p := newProcess(w).start()
					pass(time.Duration(at) * time.Millisecond)
					w.hold(tt.scope)
					pass(20 * time.Second)
					var stood [3]int64
					for i, tp := range all {
						s := p.status(tp)
						stood[i] = s.Offset
						if (s.State == Paused) != tt.paused[i] {
							t.Errorf("%s is %s", tp, s.State)
						}
						if tt.paused[i] {
							copied(t, w, tp, 0, max(w.stored(tp), 0)) // what was in flight is finished and stored
						}
					}
					if s := p.runner.Status(); s.State != tt.state || !s.Ready() {
						t.Errorf("state %s", s.State)
					}
					w.grow(80)
					pass(time.Minute)
					for i, tp := range all {
						if now := p.status(tp).Offset; tt.paused[i] && now != stood[i] {
							t.Errorf("%s went on from %d to %d", tp, stood[i], now)
						}
					}
					w.resume(tt.scope)
					pass(2 * time.Minute)
					for i, tp := range all {
						copied(t, w, tp, 0, 80)
						if !tt.paused[i] {
							undisturbed(t, w, tp, 1)
						}
					}
					if s := p.runner.Status(); s.State != Running || s.LaneRestarts != 0 {
						t.Errorf("%s with %d restarts", s.State, s.LaneRestarts)
					}
					_ = p.stop()
					check(t, w)
				})
			})
		})
	}
}

// A batch has been read and is held up while its partition is paused and resumed:
// it comes once, and the lane does not start again.
func TestBatchOnItsWayWhilePausedAndResumed(t *testing.T) {
	for _, hold := range []time.Duration{500 * time.Millisecond, 3 * time.Second, 8 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := openWorld(t, 1, 1)
			w.add("orders", 2, 40)
			tp := tpOf("orders", 0)
			once := true
			w.afterRead = func(b *sdk.Batch) {
				if once && b.Source.TopicPartition == tp && b.From > 10 {
					once = false
					w.hold(ledger.Scope(tp))
					<-time.After(3 * time.Second)
					w.resume(ledger.Scope(tp))
					<-time.After(hold)
				}
			}
			p := newProcess(w).start()
			pass(time.Minute)
			copied(t, w, tp, 0, 40)
			copied(t, w, tpOf("orders", 1), 0, 40)
			if s := p.runner.Status(); s.LaneRestarts != 0 || s.State != Running {
				t.Errorf("%s with %d restarts: %s", s.State, s.LaneRestarts, s.LastError)
			}
			_ = p.stop()
			check(t, w)
		})
	}
}

func TestPauseOutlivesProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 4)
		w.add("orders", 8, 40)
		tp := tpOf("orders", 3)
		first := newProcess(w).start()
		pass(20 * time.Second)
		_ = first.stop()
		w.hold(ledger.Everything(), ledger.Scope(tp)) // while nothing runs
		w.grow(60)
		w.add("late", 1, 20) // born while everything is paused
		first, second := newProcess(w).start(), newProcess(w).start()
		pass(time.Minute)
		w.add("later", 1, 20)
		pass(time.Minute)
		for i := range int32(8) {
			copied(t, w, tpOf("orders", i), 0, 40)
		}
		for _, topic := range []string{"late", "later"} {
			copied(t, w, tpOf(topic, 0), 0, 0)
			if at := w.stored(tpOf(topic, 0)); at != 0 {
				t.Errorf("%s has position %d: where it begins is not settled", topic, at)
			}
		}
		w.resume(ledger.Everything())
		pass(time.Minute)
		for i := range int32(8) {
			if i == tp.Partition {
				copied(t, w, tp, 0, 40) // its own pause lasts
			} else {
				copied(t, w, tpOf("orders", i), 0, 60)
			}
		}
		copied(t, w, tpOf("late", 0), 0, 20)
		copied(t, w, tpOf("later", 0), 0, 20)
		second.kill() // the lane may move: the pause stays
		pass(time.Minute)
		copied(t, w, tp, 0, 40)
		w.resume(ledger.Scope(tp))
		pass(time.Minute)
		copied(t, w, tp, 0, 60)
		_ = first.stop()
		check(t, w)
	})
}

func TestABoundedRunWaitsWhilePaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 2)
		w.bounded, w.slow = true, 2*time.Second
		w.add("orders", 4, 60)
		p := newProcess(w).start()
		pass(10 * time.Second)
		w.hold(ledger.Everything())
		if _, ended := p.wait(); ended {
			t.Fatal("ended while it was paused")
		}
		w.resume(ledger.Everything())
		if err, ended := p.wait(); err != nil || !ended {
			t.Fatalf("ended %t with %v", ended, err)
		}
		for i := range int32(4) {
			copied(t, w, tpOf("orders", i), 0, 60)
		}
		check(t, w)
	})
}

// Paused behind its last record, a bounded partition is at its end all the same.
func TestAPauseAtTheEndOfABoundedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.bounded, w.manual, w.inFlight = true, true, 100
		w.add("orders", 1, 10)
		p := newProcess(w).start()
		pass(5 * time.Second)
		w.hold(ledger.Everything())
		pass(5 * time.Second)
		w.resume(ledger.Everything())
		pass(5 * time.Second)
		w.mu.Lock()
		w.manual = false
		w.mu.Unlock()
		for _, fw := range slices.Clone(w.held) {
			fw.deliver()
		}
		if err, ended := p.wait(); err != nil || !ended {
			t.Errorf("ended %t with %v", ended, err)
		}
		copied(t, w, tpOf("orders", 0), 0, 10)
		check(t, w)
	})
}
