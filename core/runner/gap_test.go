// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

func skipGaps(s *config.Settings) { s.OnGap = config.OnGapSkip }

// lose removes offsets of a partition at the source.
func lose(w *world, tp sdk.TopicPartition, lost ...sdk.Offsets) {
	w.change(tp, func(p *part) { p.gaps = append(p.gaps, lost...) })
}

// except are the offsets of [from, to) that have a record and are not lost.
func except(from, to int64, lost ...sdk.Offsets) []int64 {
	return slices.DeleteFunc(offsets(from, to), func(o int64) bool {
		return slices.ContainsFunc(lost, func(l sdk.Offsets) bool { return l.From <= o && o < l.To })
	})
}

// gapsAre checks the gap records of a partition.
func gapsAre(t *testing.T, w *world, tp sdk.TopicPartition, reason sdk.Reason, cause string, want ...sdk.Offsets) {
	t.Helper()
	var got []sdk.Offsets
	for _, g := range w.lane(t, tp).Gaps {
		if g.TopicPartition != tp {
			continue
		}
		got = append(got, g.Offsets)
		if g.Reason != reason || g.Cause != cause || g.At.IsZero() {
			t.Errorf("gap %+v, want reason %s and cause %q", g, reason, cause)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s has the gaps %v, want %v", tp, got, want)
	}
}

// undisturbed checks that a partition has been read without a break.
func undisturbed(t *testing.T, w *world, tp sdk.TopicPartition, adds int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, e := range w.events {
		if strings.HasPrefix(e, fmt.Sprintf("add %s@", tp)) {
			n++
		}
		if e == fmt.Sprintf("remove %s", tp) {
			t.Errorf("%s was removed from its reader", tp)
		}
	}
	if n != adds {
		t.Errorf("%s was added to a reader %d times, want %d", tp, n, adds)
	}
}

func TestGapIsSkippedIfTheFileSaysSo(t *testing.T) {
	tests := []struct {
		name string
		lost []sdk.Offsets
	}{
		{"at the start", []sdk.Offsets{{From: 0, To: 12}}},
		{"in the middle", []sdk.Offsets{{From: 20, To: 31}}},
		{"two, one after the other", []sdk.Offsets{{From: 20, To: 31}, {From: 31, To: 34}}},
		{"up to the end", []sdk.Offsets{{From: 55, To: 60}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				seed := rapid.Uint64().Draw(rt, "seed")
				synctest.Test(t, func(t *testing.T) {
					w := openWorld(t, seed, 1)
					w.slow = 2 * time.Second
					w.add("orders", 3, 60)
					tp := tpOf("orders", 1)
					lose(w, tp, tt.lost...)
					p := newProcess(w)
					p.settings = skipGaps
					p.start()
					pass(2 * time.Minute)
					if got, want := w.written(tp), except(0, 60, tt.lost...); !slices.Equal(got, want) {
						t.Errorf("written %v, want %v", got, want)
					}
					gapsAre(t, w, tp, sdk.ReasonGap, `on_gap = "skip"`, tt.lost...)
					for _, i := range []int32{0, 2} {
						copied(t, w, tpOf("orders", i), 0, 60)
						undisturbed(t, w, tpOf("orders", i), 1)
					}
					if s := p.runner.Status(); s.State != Running || s.Gaps != int64(len(tt.lost)) || s.LaneRestarts != 0 {
						t.Errorf("%s with %d gaps and %d restarts", s.State, s.Gaps, s.LaneRestarts)
					}
					if s := w.lane(t, tp).Stops; len(s) > 0 {
						t.Errorf("stops %v", s)
					}
					_ = p.stop()
					check(t, w)
				})
			})
		})
	}
}

// What is before a gap is at the target and stored before the gap is.
func TestGapWaitsForWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.manual, w.inFlight = true, 100
		w.add("orders", 1, 60)
		tp := tpOf("orders", 0)
		lose(w, tp, sdk.Offsets{From: 20, To: 30})
		p := newProcess(w)
		p.settings = skipGaps
		p.start()
		pass(5 * time.Second)
		if w.happened("gap orders-0 [20, 30)") >= 0 || w.stored(tp) != 0 || len(w.held) < 2 {
			t.Fatalf("position %d with %d batches in flight", w.stored(tp), len(w.held))
		}
		if s := p.status(tp); s.State != Running {
			t.Errorf("state %s", s.State)
		}
		held := slices.Clone(w.held)
		for _, fw := range held {
			fw.persist(fw.b.To)
		}
		for _, fw := range held[1:] {
			fw.answer(fw.b.To, nil)
		}
		pass(5 * time.Second)
		if w.happened("gap orders-0 [20, 30)") >= 0 {
			t.Error("the gap is noted before the first batch is answered")
		}
		held[0].answer(held[0].b.To, nil)
		pass(5 * time.Second)
		before(t, w, "store orders-0@20", "gap orders-0 [20, 30)", "store orders-0@30", "add orders-0@30")
		for _, fw := range slices.Clone(w.held[len(held):]) {
			if fw.b.From < 30 {
				t.Errorf("%s is written behind the gap", fw.b.Offsets)
			}
		}
		_ = p.stop()
		check(t, w)
	})
}

// A commit fails, applied or not, whichever it is: the gap is recorded once, and
// the position is never past it without its record (checked by the world).
func TestGapIsRecordedOnce(t *testing.T) {
	for _, applied := range []bool{false, true} {
		for n := range 12 {
			t.Run(fmt.Sprintf("applied=%t, commit %d", applied, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := openWorld(t, 7, 1)
					w.add("orders", 1, 60)
					tp := tpOf("orders", 0)
					lost := sdk.Offsets{From: 20, To: 30}
					lose(w, tp, lost)
					count := 0
					w.commitFault = func(lane int) (error, bool) {
						if lane == sdk.ControlLane {
							return nil, true
						}
						if count++; count == n+1 {
							return errors.New("no answer"), applied
						}
						return nil, true
					}
					p := newProcess(w)
					p.settings = skipGaps
					p.start()
					pass(time.Minute)
					if missing := w.missing(tp, 0, 60); !slices.Equal(missing, except(20, 30)) {
						t.Errorf("missing %v", missing)
					}
					gapsAre(t, w, tp, sdk.ReasonGap, `on_gap = "skip"`, lost)
					if s := p.runner.Status(); s.Gaps != 1 && !applied {
						t.Errorf("%d gaps counted", s.Gaps)
					}
					_ = p.stop()
					check(t, w)
				})
			})
		}
	}
}

func TestGapStopsUnlessTheFileSaysOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 2, 60)
		tp := tpOf("orders", 0)
		lose(w, tp, sdk.Offsets{From: 20, To: 30})
		p := newProcess(w).start()
		pass(20 * time.Second)
		stop, ok := w.lane(t, tp).Stops[tp]
		place := ledger.PlaceOf(sdk.Position{Stream: w.stream(tp), Offset: 30, LeaderEpoch: sdk.NoEpoch})
		if !ok || stop.Reason != sdk.ReasonGap || stop.Offsets != (sdk.Offsets{From: 20, To: 30}) || stop.Resume == nil || *stop.Resume != place || !strings.Contains(stop.Error, "cannot be read") {
			t.Errorf("stop %+v", stop)
		}
		if w.stored(tp) != 20 {
			t.Errorf("position %d", w.stored(tp))
		}
		_ = p.stop()

		// The cause is there still, then it is not.
		p = newProcess(w).start()
		pass(20 * time.Second)
		if again := w.lane(t, tp).Stops[tp]; again.Offsets != stop.Offsets {
			t.Errorf("stop %+v", again)
		}
		_ = p.stop()
		w.change(tp, func(p *part) { p.gaps = nil })
		p = newProcess(w).start()
		pass(20 * time.Second)
		if l := w.lane(t, tp); len(l.Stops) > 0 || len(l.Gaps) > 0 {
			t.Errorf("stops %v, gaps %v", l.Stops, l.Gaps)
		}
		copied(t, w, tp, 0, 60)
		copied(t, w, tpOf("orders", 1), 0, 60)
		_ = p.stop()
		check(t, w)
	})
}

// The log lost what was read already: the target keeps it.
func TestTruncatedLogIsGoneOnWithIfTheFileSaysSo(t *testing.T) {
	for _, goOn := range []bool{false, true} {
		t.Run(fmt.Sprint(goOn), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := openWorld(t, 1, 1)
				w.add("orders", 2, 20)
				tp := tpOf("orders", 0)
				p := newProcess(w)
				if goOn {
					p.settings = func(s *config.Settings) { s.OnTruncate = config.OnTruncateContinue }
				}
				p.start()
				pass(20 * time.Second)
				w.change(tp, func(p *part) { p.cut, p.end = 15, 40 })
				pass(20 * time.Second)
				if goOn {
					if want := append(offsets(0, 20), offsets(15, 40)...); !slices.Equal(w.written(tp), want) {
						t.Errorf("written %v, want %v", w.written(tp), want)
					}
					gapsAre(t, w, tp, sdk.ReasonTruncated, `on_truncate = "continue"`, sdk.Offsets{From: 15, To: 20})
				} else {
					copied(t, w, tp, 0, 20)
					gapsAre(t, w, tp, "", "")
					if s := w.lane(t, tp).Stops[tp]; s.Reason != sdk.ReasonTruncated || s.Resume == nil || s.Resume.Offset != 15 {
						t.Errorf("stop %+v", s)
					}
				}
				undisturbed(t, w, tpOf("orders", 1), 1)
				_ = p.stop()
				check(t, w)
			})
		})
	}
}

// A file that is edited while a partition is stopped counts for it too.
func TestEditedPolicyLetsAStoppedPartitionGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 2, 60)
		tp := tpOf("orders", 0)
		lost := sdk.Offsets{From: 20, To: 30}
		lose(w, tp, lost)
		p := newProcess(w)
		p.pattern = "*"
		p.start()
		pass(20 * time.Second)
		if s := p.status(tp); s.State != Stopped {
			t.Fatalf("status %+v", s)
		}
		made := p.pipeline()
		skipGaps(&made.Settings)
		if !p.runner.Update(made) {
			t.Fatal("the edited file asks for a new run")
		}
		pass(20 * time.Second)
		gapsAre(t, w, tp, sdk.ReasonGap, `on_gap = "skip"`, lost)
		if got, want := w.written(tp), except(0, 60, lost); !slices.Equal(got, want) {
			t.Errorf("written %v, want %v", got, want)
		}
		if s := w.lane(t, tp).Stops; len(s) > 0 {
			t.Errorf("stops %v", s)
		}
		undisturbed(t, w, tpOf("orders", 1), 1)
		_ = p.stop()
		check(t, w)
	})
}
