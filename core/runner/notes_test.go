// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

func (w *world) committed() map[int]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[int]int{}
	for lane, n := range w.commits {
		out[lane] = n
	}
	return out
}

func TestNothingIsCommittedWhileNothingChanges(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(w *world, tp sdk.TopicPartition)
	}{
		{"at the end", func(*world, sdk.TopicPartition) {}},
		{"paused", func(w *world, tp sdk.TopicPartition) { w.hold(ledger.Scope(tp)) }},
		{"stopped", func(w *world, tp sdk.TopicPartition) { w.change(tp, func(p *part) { p.failAt = 10 }) }},
		{"target not fit", func(w *world, _ sdk.TopicPartition) {
			w.ensureFault = func(string) error { return errors.New("no such right") }
		}},
		{"moved", func(w *world, tp sdk.TopicPartition) { w.moveTo(tp, "set", 15, false) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := openWorld(t, 1, 2)
				w.add("orders", 4, 40)
				tt.spoil(w, tpOf("orders", 0))
				p := newProcess(w).start()
				pass(time.Minute)
				before := w.committed()
				pass(time.Hour)
				for lane, n := range w.committed() {
					if n != before[lane] {
						t.Errorf("lane %d: %d commits while nothing changed", lane, n-before[lane])
					}
				}
				_ = p.stop()
				check(t, w)
			})
		})
	}
}

func TestLedgerSaysHowALaneIsDoing(t *testing.T) {
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
		p := newProcess(w).start()
		pass(20 * time.Second)
		if s := w.lane(t, tp).State; s == nil || s.State != "running" || s.Process != processName() || s.Restarts != 0 || s.LastError != "" || s.Since.IsZero() {
			t.Errorf("running: %+v", s)
		}
		w.mu.Lock()
		fail = true
		w.signal()
		w.mu.Unlock()
		pass(20 * time.Second)
		if s := w.lane(t, tp).State; s.State != "running" || s.Restarts != 1 || s.LastError != "lane 1: reading: connection lost" || s.LastErrorAt.IsZero() {
			t.Errorf("started again: %+v", s)
		}
		_ = p.stop()
		if s := w.lane(t, tp).State; s.State != "stopped" || s.LastError != "lane 1: reading: connection lost" {
			t.Errorf("stopped: %+v", s)
		}
		p = newProcess(w).start()
		pass(20 * time.Second)
		if s := w.lane(t, tp).State; s.State != "running" || s.Restarts != 0 || s.LastError != "" {
			t.Errorf("another process: %+v", s)
		}
		p.kill()
		if s := w.lane(t, tp).State; s.State != "running" { // the store knows that nobody has the lane
			t.Errorf("killed: %+v", s)
		}
		check(t, w)
	})
}

// An error that is another one each time is not written each time.
func TestErrorsThatChangeAreWrittenNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 40)
		p := newProcess(w).start()
		pass(20 * time.Second)
		before := w.committed()[1]
		for i := range 600 {
			p.runner.health.trouble(quiet(), fmt.Errorf("attempt %d", i))
			pass(100 * time.Millisecond)
		}
		if n := w.committed()[1] - before; n < 10 || n > 12 {
			t.Errorf("%d commits in a minute", n)
		}
		pass(10 * time.Second)
		if s := w.lane(t, tpOf("orders", 0)).State; s.LastError != "attempt 599" {
			t.Errorf("state %+v", s)
		}
		_ = p.stop()
		check(t, w)
	})
}

// A skip that comes too late changes nothing: what is stopped stays noted as long
// as its cause is there, and no longer.
func TestStopIsNotedAfterASkipThatComesTooLate(t *testing.T) {
	for _, lasts := range []bool{true, false} {
		t.Run(fmt.Sprint(lasts), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := openWorld(t, 1, 1)
				w.add("orders", 1, 60)
				tp := tpOf("orders", 0)
				w.change(tp, func(p *part) { p.refuse = []int64{40} })
				p := newProcess(w).start()
				pass(20 * time.Second)
				if !lasts {
					w.change(tp, func(p *part) { p.refuse = nil })
				}
				w.moveTo(tp, "skip", 21, true)
				pass(20 * time.Second)
				movedIs(t, w, tp, "skip", 40, 21, "it is there already")
				stop, noted := w.lane(t, tp).Stops[tp]
				if noted != lasts || lasts && stop.Offsets != (sdk.Offsets{From: 40, To: 41}) {
					t.Errorf("noted %t: %+v", noted, stop)
				}
				if s := p.status(tp); (s.State == Stopped) != lasts {
					t.Errorf("status %+v", s)
				}
				gapsAre(t, w, tp, "", "")
				_ = p.stop()
				check(t, w)
			})
		})
	}
}

// A partition whose target is not fit has its position all the same, and can be
// moved; it is read once the target is fit.
func TestMoveOfAPartitionWithoutATarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 40)
		w.add("carts", 1, 40)
		tp := tpOf("orders", 0)
		p := newProcess(w).start()
		pass(20 * time.Second)
		_ = p.stop()
		unfit := true
		w.ensureFault = func(topic string) error {
			if unfit && topic == "orders" {
				return errors.New("no such right")
			}
			return nil
		}
		w.grow(60)
		p = newProcess(w).start()
		pass(5 * time.Second)
		if s := p.status(tp); s.State != Stopped || s.Offset != 40 {
			t.Errorf("status %+v", s)
		}
		w.moveTo(tp, "set", 50, false)
		pass(5 * time.Second)
		gapsAre(t, w, tp, sdk.ReasonTarget, "positions set", sdk.Offsets{From: 40, To: 50})
		copied(t, w, tp, 0, 40)
		if s := p.status(tp); s.State != Stopped || s.Offset != 50 {
			t.Errorf("moved: %+v", s)
		}
		w.mu.Lock()
		unfit = false
		w.mu.Unlock()
		pass(time.Minute)
		if missing := w.missing(tp, 50, 60); len(missing) > 0 {
			t.Errorf("missing %v", missing)
		}
		undisturbed(t, w, tpOf("carts", 0), 2)
		_ = p.stop()
		check(t, w)
	})
}

// What was copied to another target is not gone on with because it was moved.
func TestMoveOfAPartitionThatWentElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 40)
		tp := tpOf("orders", 0)
		p := newProcess(w).start()
		pass(20 * time.Second)
		_ = p.stop()
		w.grow(60)
		p = newProcess(w)
		p.rules = sdk.TopicMapping{{{Kind: sdk.RulePrefix, To: "east."}}}
		p.start()
		pass(5 * time.Second)
		w.moveTo(tp, "set", 50, false)
		pass(time.Minute)
		copied(t, w, tp, 0, 40)
		movedIs(t, w, tp, "set", 40, 50, "")
		if s := p.status(tp); s.State != Stopped || s.Reason != sdk.ReasonTarget || w.stored(tp) != 50 {
			t.Errorf("position %d, status %+v", w.stored(tp), s)
		}
		_ = p.stop()
		check(t, w)
	})
}
