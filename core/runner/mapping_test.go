// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// segments are the offsets at which the stored segments of a partition's mapping
// begin. (That the mapping is exact the world checks at every commit.)
func (w *world) segments(tp sdk.TopicPartition) []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []int64
	for key := range w.ledgers[ledger.LaneOf(tp, w.lanes)] {
		if rest, ok := strings.CutPrefix(key, fmt.Sprintf("map/%s/%d/", tp.Topic, tp.Partition)); ok {
			from, err := strconv.ParseInt(rest, 10, 64)
			if err != nil {
				w.fault("%v", err)
			}
			all = append(all, from)
		}
	}
	slices.Sort(all)
	return all
}

// segmentsAre checks where the stored segments begin.
func segmentsAre(t *testing.T, w *world, tp sdk.TopicPartition, want ...int64) {
	t.Helper()
	if got := w.segments(tp); !slices.Equal(got, want) {
		t.Errorf("the mapping of %s is stored from %v on, want %v", tp, got, want)
	}
}

// copiesOf returns the offsets of a record's copies at the target.
func (w *world) copiesOf(s sdk.Stream, target string, offset int64) (all []int64) {
	for i, l := range w.copies[tpOf(target, s.Partition)] {
		if l == (landed{s, offset}) {
			all = append(all, int64(i))
		}
	}
	return all
}

// mappedTo checks what an offset is at the target: the n-th copy of a record.
func mappedTo(t *testing.T, w *world, tp sdk.TopicPartition, offset int64, found ledger.Found, source int64, n int) {
	t.Helper()
	got, err := w.lane(t, tp).Mapping(tp).Lookup(offset)
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	copies := w.copiesOf(w.stream(tp), tp.Topic, source)
	if len(copies) <= n || got != (ledger.Translation{Found: found, Source: source, Target: copies[n]}) {
		t.Errorf("offset %d of %s is mapped to %+v, want copy %d of %d at %v (%s)", offset, tp, got, n, source, copies, found)
	}
}

func TestMappingGoesOnAfterARestart(t *testing.T) {
	for _, kill := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed %t", kill), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := openWorld(t, 1, 2)
				tp := tpOf("orders", 0)
				for i := range int64(3) {
					w.add("orders", 1, 0)
					w.grow(20 * (i + 1))
					p := newProcess(w).start()
					pass(20 * time.Second)
					if kill {
						p.kill()
					} else if err := p.stop(); err != nil {
						t.Error(err)
					}
					segmentsAre(t, w, tp, 0)
				}
				copied(t, w, tp, 0, 60)
				mappedTo(t, w, tp, 0, ledger.Exact, 0, 0)
				mappedTo(t, w, tp, 3, ledger.Next, 4, 0)
				mappedTo(t, w, tp, 58, ledger.Exact, 58, 0)
				check(t, w)
			})
		})
	}
}

// The positions of what was written cannot be stored: it comes again, and the
// mapping names the second copy.
func TestMappingNamesTheSecondCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 20)
		tp := tpOf("orders", 0)
		p := newProcess(w).start()
		pass(20 * time.Second)
		failed := false
		w.mu.Lock()
		w.commitFault = func(lane int) (error, bool) {
			if lane == sdk.ControlLane || failed {
				return nil, true
			}
			failed = true
			return errors.New("no answer"), false
		}
		w.mu.Unlock()
		w.grow(24)
		pass(time.Minute)
		if got, want := w.written(tp), slices.Concat(offsets(0, 20), offsets(20, 24), offsets(20, 24)); !slices.Equal(got, want) {
			t.Fatalf("written %v, want %v", got, want)
		}
		mappedTo(t, w, tp, 19, ledger.Exact, 19, 0)
		for _, o := range offsets(20, 24) {
			mappedTo(t, w, tp, o, ledger.Exact, o, 1)
		}
		segmentsAre(t, w, tp, 0)
		_ = p.stop()
		check(t, w)
	})
}

// A position is moved back into a mapping of several segments: from there on it is
// removed with the move, and made again by what is copied again.
func TestMappingIsCutWhereThePositionGoesBackTo(t *testing.T) {
	const end = 9000
	tests := []struct {
		name   string
		to     int64
		pieces int // of the mapping after the move
	}{
		{"into the newest segment", 8000, 4},
		{"into a segment before", 5000, 3},
		{"to where a segment begins", -1, 1},
		{"into the first", 10, 1},
		{"to the beginning", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := openWorld(t, 1, 1)
				w.slow, w.inFlight = 20*time.Millisecond, 100
				w.add("orders", 1, end)
				tp := tpOf("orders", 0)
				p := newProcess(w).start()
				pass(3 * time.Minute)
				before := w.segments(tp)
				if len(before) != 4 || w.stored(tp) != end {
					t.Fatalf("the mapping is stored from %v on, up to %d", before, w.stored(tp))
				}
				to := tt.to
				if to < 0 {
					to = before[1]
				}
				w.hold(ledger.Scope(tp))
				w.moveTo(tp, "set", to, false)
				pass(20 * time.Second)
				segmentsAre(t, w, tp, before[:tt.pieces]...)
				w.resume(ledger.Scope(tp))
				pass(3 * time.Minute)
				if at := w.stored(tp); at != end {
					t.Errorf("position %d", at)
				}
				if to > 0 {
					mappedTo(t, w, tp, 0, ledger.Exact, 0, 0)
				}
				mappedTo(t, w, tp, to+20, ledger.Exact, to+20, 1)
				_ = p.stop()
				check(t, w)
			})
		})
	}
}

func TestMappingHasAHoleWhereTheSourceHasAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 2, 40)
		lost, first := tpOf("orders", 0), tpOf("orders", 1)
		lose(w, lost, sdk.Offsets{From: 20, To: 30})
		lose(w, first, sdk.Offsets{From: 0, To: 12})
		p := newProcess(w)
		p.settings = skipGaps
		p.start()
		pass(20 * time.Second)
		segmentsAre(t, w, lost, 0)
		mappedTo(t, w, lost, 19, ledger.Exact, 19, 0)
		mappedTo(t, w, lost, 20, ledger.Next, 30, 0)
		mappedTo(t, w, lost, 30, ledger.Exact, 30, 0)
		segmentsAre(t, w, first, 0)
		mappedTo(t, w, first, 0, ledger.Next, 12, 0)
		_ = p.stop()
		check(t, w)
	})
}

// Of a topic that was made again the mapping begins anew; of a partition that it
// has no more nothing is left.
func TestMappingOfATopicMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.since[tpOf("orders", 0)] = 5
		w.add("orders", 2, 40)
		p := newProcess(w)
		p.pattern, p.settings = "*", restartRecreated
		p.start()
		pass(20 * time.Second)
		segmentsAre(t, w, tpOf("orders", 0), 5)
		segmentsAre(t, w, tpOf("orders", 1), 0)
		w.recreate("orders", newTopic, 1, 20)
		pass(time.Minute)
		copied(t, w, tpOf("orders", 0), 0, 20)
		segmentsAre(t, w, tpOf("orders", 0), 0)
		segmentsAre(t, w, tpOf("orders", 1))
		mappedTo(t, w, tpOf("orders", 0), 0, ledger.Exact, 0, 0)
		_ = p.stop()
		check(t, w)
	})
}

// A run that starts over keeps what is mapped before its start.
func TestMappingOfAFreshRun(t *testing.T) {
	for _, since := range []int64{0, 12} {
		t.Run(fmt.Sprintf("since %d", since), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := openWorld(t, 1, 1)
				w.bounded, w.fresh = true, true
				w.add("orders", 1, 40)
				tp := tpOf("orders", 0)
				for range 2 {
					p := newProcess(w)
					p.fresh = true
					if err, ended := p.start().wait(); err != nil || !ended {
						t.Fatal(err, ended)
					}
					w.since[tp] = since
				}
				segmentsAre(t, w, tp, 0)
				if since > 0 {
					mappedTo(t, w, tp, since-1, ledger.Exact, since-1, 0)
				}
				mappedTo(t, w, tp, since, ledger.Exact, since, 1)
				mappedTo(t, w, tp, 39, ledger.Exact, 39, 1)
				check(t, w)
			})
		})
	}
}
