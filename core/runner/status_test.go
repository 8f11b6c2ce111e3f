// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestStatusBeforeAnythingRuns(t *testing.T) {
	r := New(newProcess(openWorld(t, 1, 2)).pipeline(), Options{Log: quiet()})
	s := r.Status()
	if s.Pipeline != "copy" || s.State != Starting || s.Ready() || s.Source.Plugin != "fake" || s.MemoryLimit != 170393 {
		t.Errorf("status %+v", s)
	}
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"lanes", "partitions"} {
		if v, ok := m[list].([]any); !ok || len(v) != 0 {
			t.Errorf("%s is %v, want an empty list", list, m[list])
		}
	}
}

func TestStatusOfAPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.manual, w.inFlight = true, 100
		w.add("orders", 1, 20)
		tp := tpOf("orders", 0)
		p := newProcess(w).start()
		pass(11 * time.Second)
		s := p.status(tp)
		if s.State != Running || s.Offset != 0 || s.End != 20 || s.LagRecords != 20 || s.LagSeconds < 5 || s.LagSeconds > 11 || s.Lane != 1 || s.Records != 0 {
			t.Errorf("nothing delivered: %+v", s)
		}
		all := p.runner.Status()
		if all.LagRecords != 20 || all.LagSeconds != s.LagSeconds || all.Source.ID != "src" || all.Sink.ID != "dst" || all.LanesTotal != 1 || !all.ControlOwned || all.Bounded {
			t.Errorf("pipeline: %+v", all)
		}
		held := slices.Clone(w.held)
		held[0].persist(held[0].b.To)
		held[1].deliver() // answered first: nothing moves
		if s := p.status(tp); s.Offset != 0 || s.Records != 0 {
			t.Errorf("position moved over what is not delivered: %+v", s)
		}
		held[0].answer(held[0].b.To, nil)
		records := int64(len(offsets(0, held[1].b.To)))
		s = p.status(tp)
		// All records were read at the start, when they were three seconds old.
		if want := (11*time.Second + newestAge).Seconds(); s.Offset != held[1].b.To || s.Records != records || s.LagRecords != 20-held[1].b.To || s.LagSeconds < want-1 || s.LagSeconds > want {
			t.Errorf("two delivered: %+v, want %d records and a lag of %v s", s, records, want)
		}
		if now := w.stored(tp); now != 0 {
			t.Errorf("stored %d before a commit was due", now)
		}
		for _, fw := range held[2:] {
			fw.deliver()
		}
		s = p.status(tp)
		all = p.runner.Status()
		if s.Offset != 20 || s.LagRecords != 0 || s.LagSeconds != 0 || all.Records != int64(len(offsets(0, 20))) || all.Topics["orders"].Records != all.Records || all.Bytes == 0 {
			t.Errorf("all delivered: %+v, %+v", s, all)
		}
		var counted uint64
		for _, n := range all.Latency.Counts {
			counted += n
		}
		if counted == 0 || all.Latency.Sum < float64(counted)*newestAge.Seconds() {
			t.Errorf("latency of %d batches: %+v", counted, all.Latency)
		}
		_ = p.stop()
		check(t, w)
	})
}

// The totals of a process never go back, although its lanes leave and return.
func TestTotalsNeverGoBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 4)
		w.slow = time.Second
		w.add("orders", 8, 2000)
		p := newProcess(w).start()
		var before Status
		var owned []int
		for i := range 6 {
			var other *process
			if i%2 == 1 {
				other = newProcess(w).start()
			}
			for range 10 {
				pass(time.Second)
				s := p.runner.Status()
				if s.Records < before.Records || s.Bytes < before.Bytes || s.Topics["orders"].Records != s.Records {
					t.Errorf("records went from %d to %d, by topic %v", before.Records, s.Records, s.Topics)
				}
				before = s
				owned = append(owned, s.LanesOwned)
			}
			if other != nil {
				_ = other.stop()
			}
		}
		if !slices.Contains(owned, 4) || !slices.Contains(owned, 2) {
			t.Errorf("lanes did not move: %v", owned)
		}
		_ = p.stop()
		var written int64
		for i := range int32(8) {
			written += int64(len(w.written(tpOf("orders", i))))
		}
		if s := p.runner.Status(); s.Records == 0 || s.Records >= written {
			t.Errorf("counts %d of %d, part of which are the other's", s.Records, written)
		}
		check(t, w)
	})
}

func TestStatusOfABoundedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 2)
		w.bounded = true
		w.add("orders", 3, 20)
		p := newProcess(w).start()
		if err, ended := p.wait(); err != nil || !ended {
			t.Fatal(err, ended)
		}
		s := p.runner.Status()
		if s.State != Done || !s.Bounded || len(s.Partitions) != 3 || s.LagRecords != 0 || s.Records != int64(3*len(offsets(0, 20))) {
			t.Errorf("status %+v", s)
		}
		for i, ps := range s.Partitions {
			if ps.Partition != int32(i) || ps.State != Done || ps.Offset != 20 || ps.LastError != "" {
				t.Errorf("partition %+v", ps)
			}
		}
		check(t, w)
	})
}

func TestReady(t *testing.T) {
	ready := map[State]bool{Running: true, Done: true, Draining: true}
	for _, state := range []State{Starting, Running, Degraded, Retrying, Draining, Stopped, Done, Failed} {
		if s := (&Status{State: state}); s.Ready() != ready[state] {
			t.Errorf("%s: ready %t", state, s.Ready())
		}
	}
}

func TestLaneOfIsFixed(t *testing.T) {
	// Stored positions lie by it: it never changes.
	for tp, want := range map[sdk.TopicPartition]int{
		tpOf("orders", 0): 5, tpOf("orders", 1): 8, tpOf("orders", 10): 6, tpOf("payments", 3): 4,
	} {
		if got := ledger.LaneOf(tp, 8); got != want {
			t.Errorf("%s lies in lane %d, want %d", tp, got, want)
		}
	}
}
