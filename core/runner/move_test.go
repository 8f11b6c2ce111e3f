// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// movedIs checks the outcome of a move.
func movedIs(t *testing.T, w *world, tp sdk.TopicPartition, id string, from, to int64, refused string) {
	t.Helper()
	m := w.lane(t, tp).Moved[tp]
	if m.ID != id || m.From != from || m.To != to || m.Refused != refused || m.Cause != "positions "+id {
		t.Errorf("%s was moved by %+v, want %s from %d to %d, refused %q", tp, m, id, from, to, refused)
	}
}

func TestRefusedRecordIsSkipped(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(t *testing.T) {
			w := openWorld(t, seed, 1)
			w.add("orders", 3, 60)
			tp := tpOf("orders", 1)
			w.change(tp, func(p *part) { p.refuse = []int64{20, 40} })
			p := newProcess(w).start()
			pass(20 * time.Second)
			stop := w.lane(t, tp).Stops[tp]
			if stop.Reason != sdk.ReasonRefused || stop.Resume == nil || stop.Resume.Offset != 21 {
				t.Fatalf("stop %+v", stop)
			}
			w.moveTo(tp, "first", stop.Resume.Offset, true)
			pass(20 * time.Second)
			movedIs(t, w, tp, "first", 20, 21, "")
			if s := w.lane(t, tp).Stops[tp]; s.Offsets != (sdk.Offsets{From: 40, To: 41}) {
				t.Errorf("stop %+v", s)
			}
			w.moveTo(tp, "second", 41, true)
			pass(20 * time.Second)
			if got, want := w.written(tp), except(0, 60, sdk.Offsets{From: 20, To: 21}, sdk.Offsets{From: 40, To: 41}); !slices.Equal(got, want) {
				t.Errorf("written %v, want %v", got, want)
			}
			l := w.lane(t, tp)
			if len(l.Gaps) != 2 || l.Gaps[0].Offsets != (sdk.Offsets{From: 20, To: 21}) || l.Gaps[1].Offsets != (sdk.Offsets{From: 40, To: 41}) ||
				l.Gaps[0].Reason != sdk.ReasonRefused || l.Gaps[0].Cause != "positions first" || l.Gaps[0].Error != stop.Error {
				t.Errorf("gaps %+v", l.Gaps)
			}
			if len(l.Stops) > 0 {
				t.Errorf("stops %v", l.Stops)
			}
			undisturbed(t, w, tpOf("orders", 0), 1)
			undisturbed(t, w, tpOf("orders", 2), 1)
			if s := p.runner.Status(); s.State != Running || s.LaneRestarts != 0 {
				t.Errorf("%s with %d restarts", s.State, s.LaneRestarts)
			}
			_ = p.stop()
			check(t, w)
		})
	})
}

// A batch is refused while later ones of its partition are unanswered: the skip
// waits for them, or they could still be written after it.
func TestSkipWaitsForWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.manual, w.inFlight = true, 100
		w.add("orders", 1, 40)
		tp := tpOf("orders", 0)
		p := newProcess(w).start()
		pass(5 * time.Second)
		w.mu.Lock()
		held := slices.Clone(w.held)
		w.mu.Unlock()
		first := held[0]
		refused := &sdk.PartitionError{TopicPartition: tp, Reason: sdk.ReasonRefused, Offsets: sdk.Offsets{From: 0, To: 1}, Err: errors.New("too large")}
		first.answer(0, refused)
		w.moveTo(tp, "skip", 1, true)
		pass(10 * time.Second)
		if w.stored(tp) != 0 || len(w.held) != len(held) {
			t.Errorf("went on to %d with %d batches unanswered", w.stored(tp), len(held)-1)
		}
		for _, fw := range held[1:] {
			fw.answer(fw.b.From, refused)
		}
		w.mu.Lock()
		w.manual = false
		w.mu.Unlock()
		pass(20 * time.Second)
		copied(t, w, tp, 1, 40)
		movedIs(t, w, tp, "skip", 0, 1, "")
		_ = p.stop()
		check(t, w)
	})
}

func TestPositionIsSet(t *testing.T) {
	tests := []struct {
		name    string
		to      int64
		forward bool
		written []int64
		gaps    []sdk.Offsets
		refused string
	}{
		{"back", 10, false, append(offsets(0, 40), offsets(10, 60)...), nil, ""},
		{"forward", 50, false, append(offsets(0, 40), offsets(50, 60)...), []sdk.Offsets{{From: 40, To: 50}}, ""},
		{"where it stands", 40, false, offsets(0, 60), nil, ""},
		{"skip", 50, true, append(offsets(0, 40), offsets(50, 60)...), []sdk.Offsets{{From: 40, To: 50}}, ""},
		{"skip of what is behind", 21, true, offsets(0, 60), nil, "it is there already"},
	}
	for _, tt := range tests {
		for _, paused := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, paused %t", tt.name, paused), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := openWorld(t, 1, 1)
					w.add("orders", 2, 40)
					tp := tpOf("orders", 0)
					p := newProcess(w).start()
					pass(20 * time.Second)
					if paused {
						w.hold(ledger.Scope(tp))
					}
					w.moveTo(tp, "set", tt.to, tt.forward)
					pass(20 * time.Second)
					movedIs(t, w, tp, "set", 40, tt.to, tt.refused)
					w.grow(60)
					pass(20 * time.Second)
					if paused {
						if s := p.status(tp); s.State != Paused || s.Offset != w.stored(tp) || !slices.Equal(w.written(tp), offsets(0, 40)) {
							t.Errorf("does not stay paused: %+v", s)
						}
						w.resume(ledger.Scope(tp))
						pass(20 * time.Second)
					}
					if got := w.written(tp); !slices.Equal(got, tt.written) {
						t.Errorf("written %v, want %v", got, tt.written)
					}
					gapsAre(t, w, tp, ledger.ReasonSkipped, "positions set", tt.gaps...)
					copied(t, w, tpOf("orders", 1), 0, 60)
					undisturbed(t, w, tpOf("orders", 1), 1)
					_ = p.stop()
					check(t, w)
				})
			})
		}
	}
}

// Whatever is in flight, and whenever the lane fails or moves: a move is carried
// out once (checked by the world), and what is copied is in order.
func TestMoveIsCarriedOutOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		at := rapid.IntRange(0, 15000).Draw(rt, "at")
		to := rapid.Int64Range(0, 60).Draw(rt, "to")
		fail := rapid.IntRange(1, 8).Draw(rt, "fail")
		applied := rapid.Bool().Draw(rt, "applied")
		pair := rapid.Bool().Draw(rt, "pair")
		synctest.Test(t, func(t *testing.T) {
			w := openWorld(t, seed, 2)
			w.slow, w.zombies = 2*time.Second, true
			w.add("orders", 4, 60)
			tp := tpOf("orders", 2)
			p := newProcess(w).start()
			pass(time.Duration(at) * time.Millisecond)
			count := 0
			w.mu.Lock()
			w.commitFault = func(lane int) (error, bool) {
				if lane == sdk.ControlLane {
					return nil, true
				}
				if count++; count == fail {
					return errors.New("no answer"), applied
				}
				return nil, true
			}
			w.mu.Unlock()
			w.moveTo(tp, "set", to, false)
			if pair {
				p = newProcess(w).start()
			}
			pass(5 * time.Minute)
			m := w.lane(t, tp).Moved[tp]
			if m.ID != "set" || m.To != to || m.Refused != "" {
				t.Errorf("moved %+v", m)
			}
			if at := w.stored(tp); at != 60 {
				t.Errorf("position %d", at)
			}
			if missing := w.missing(tp, 0, min(m.From, to)); len(missing) > 0 {
				t.Errorf("missing %v", missing)
			}
			if missing := w.missing(tp, to, 60); len(missing) > 0 {
				t.Errorf("missing %v", missing)
			}
			for _, i := range []int32{0, 1, 3} {
				if missing := w.missing(tpOf("orders", i), 0, 60); len(missing) > 0 {
					t.Errorf("partition %d misses %v", i, missing)
				}
			}
			_ = p.stop()
			check(t, w)
		})
	})
}

// The move of a partition that the file does not select moves its position only.
func TestMoveOfAPartitionThatIsNotSelected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 40)
		w.add("carts", 1, 40)
		p := newProcess(w).start()
		pass(20 * time.Second)
		_ = p.stop()
		tp := tpOf("orders", 0)
		w.moveTo(tp, "set", 10, false)
		p = newProcess(w)
		p.pattern, p.selects = "carts", true
		p.start()
		pass(20 * time.Second)
		movedIs(t, w, tp, "set", 40, 10, "")
		if at := w.stored(tp); at != 10 {
			t.Errorf("position %d", at)
		}
		copied(t, w, tp, 0, 40)
		_ = p.stop()
		p = newProcess(w).start()
		pass(20 * time.Second)
		if got, want := w.written(tp), append(offsets(0, 40), offsets(10, 40)...); !slices.Equal(got, want) {
			t.Errorf("written %v, want %v", got, want)
		}
		_ = p.stop()
		check(t, w)
	})
}
