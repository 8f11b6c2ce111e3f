// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

func TestTwoProcessesShareABoundedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 4)
		w.bounded, w.slow = true, 2*time.Second
		w.add("orders", 8, 200)
		first, second := newProcess(w).start(), newProcess(w).start()
		pass(20 * time.Second)
		for _, p := range []*process{first, second} {
			if s := p.runner.Status(); s.LanesOwned != 2 || s.State != Running || len(s.Partitions) == 0 {
				t.Errorf("%d lanes, %s, %d partitions", s.LanesOwned, s.State, len(s.Partitions))
			}
		}
		var controls int
		for _, p := range []*process{first, second} {
			if p.runner.Status().ControlOwned {
				controls++
			}
		}
		if controls != 1 {
			t.Errorf("%d processes own the control lane", controls)
		}
		for _, p := range []*process{first, second} {
			if err, ended := p.wait(); err != nil || !ended {
				t.Errorf("ended %t with %v", ended, err)
			}
			if s := p.runner.Status(); s.State != Done || !s.Ready() {
				t.Errorf("state %s", s.State)
			}
		}
		for i := range int32(8) {
			copied(t, w, tpOf("orders", i), 0, 200)
		}
		check(t, w)
	})
}

// A process is done with its own lanes early; it stays until the other's are.
func TestABoundedRunWaitsForTheOtherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 2)
		w.bounded, w.manual, w.inFlight = true, true, 100
		w.add("orders", 1, 20)
		theirs := ledger.LaneOf(tpOf("orders", 0), 2)
		first, second := newProcess(w).start(), newProcess(w).start()
		pass(time.Millisecond)
		w.mu.Lock()
		owner, other := first, second
		if w.holders[theirs] != nil && w.holders[theirs].p == second {
			owner, other = second, first
		}
		w.mu.Unlock()
		pass(time.Minute)
		if len(other.ended) > 0 || len(owner.ended) > 0 {
			t.Error("ended before everything was delivered")
		}
		w.mu.Lock()
		w.manual = false
		held := w.held
		w.mu.Unlock()
		for _, fw := range held {
			fw.deliver()
		}
		if err, ended := other.wait(); err != nil || !ended {
			t.Errorf("ended %t with %v", ended, err)
		}
		if err, _ := owner.wait(); err != nil {
			t.Error(err)
		}
		check(t, w)
	})
}

func TestTheOtherProcessTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 4)
		w.bounded, w.slow = true, 10*time.Second
		w.add("orders", 8, 60)
		first, second := newProcess(w).start(), newProcess(w).start()
		pass(30 * time.Second)
		first.kill()
		if err, ended := second.wait(); err != nil || !ended {
			t.Fatalf("ended %t with %v", ended, err)
		}
		for i := range int32(8) {
			tp := tpOf("orders", i)
			if missing := w.missing(tp, 0, 60); len(missing) > 0 || w.stored(tp) != 60 {
				t.Errorf("%s lacks %v, position %d", tp, missing, w.stored(tp))
			}
		}
		check(t, w)
	})
}

// One partition cannot be finished: whoever comes to it names it, and nobody
// waits for ever.
func TestASharedBoundedRunEndsBesideAStoppedPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 4)
		w.bounded = true
		w.add("orders", 8, 30)
		bad := tpOf("orders", 3)
		w.change(bad, func(p *part) { p.failAt = 10 })
		first, second := newProcess(w).start(), newProcess(w).start()
		for _, p := range []*process{first, second} {
			err, ended := p.wait()
			incomplete, ok := errors.AsType[*Incomplete](err)
			if !ended || !ok || len(incomplete.Partitions) != 1 || incomplete.Partitions[0].TopicPartition != bad {
				t.Errorf("ended %t with %v", ended, err)
			}
		}
		for i := range int32(8) {
			if i != bad.Partition {
				copied(t, w, tpOf("orders", i), 0, 30)
			}
		}
		copied(t, w, bad, 0, 10)
		check(t, w)
	})
}

// Each process has a partition that it cannot finish. Neither waits for the
// other's for ever, and together they name both.
func TestTwoStoppedPartitionsInTwoProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 2)
		w.bounded = true
		w.add("orders", 8, 30)
		want := map[sdk.TopicPartition]bool{tpOf("orders", 0): true, tpOf("orders", 1): true}
		for tp := range want {
			w.change(tp, func(p *part) { p.failAt = 10 })
		}
		if ledger.LaneOf(tpOf("orders", 0), 2) == ledger.LaneOf(tpOf("orders", 1), 2) {
			t.Fatal("both lie in one lane")
		}
		named := map[sdk.TopicPartition]bool{}
		for _, p := range []*process{newProcess(w).start(), newProcess(w).start()} {
			err, ended := p.wait()
			incomplete, ok := errors.AsType[*Incomplete](err)
			if !ended || !ok {
				t.Fatalf("ended %t with %v", ended, err)
			}
			for _, pe := range incomplete.Partitions {
				named[pe.TopicPartition] = true
			}
		}
		if !maps.Equal(named, want) {
			t.Errorf("named %v", named)
		}
		for i := range int32(6) {
			copied(t, w, tpOf("orders", i+2), 0, 30)
		}
		check(t, w)
	})
}

func TestAPartitionWhoseEndIsUnknownIsNotFinished(t *testing.T) {
	w := openWorld(t, 1, 1)
	w.add("orders", 1, 20)
	p := newProcess(w)
	r := New(p.pipeline(), Options{Log: quiet()})
	r.source, r.store = &fakeSource{p}, &fakeStore{p: p, w: w}
	stream := w.parts[tpOf("orders", 0)].Stream
	r.streams = []sdk.Stream{stream}
	e, err := sdk.EncodePosition(sdk.Position{Stream: stream, Offset: 20, LeaderEpoch: sdk.NoEpoch})
	if err != nil {
		t.Fatal(err)
	}
	w.ledgers[1] = map[string][]byte{e.Key: e.Value}
	if !r.finishedElsewhere(t.Context(), 1) {
		t.Error("at its end, and not finished")
	}
	w.remove(tpOf("orders", 0))
	if r.finishedElsewhere(t.Context(), 1) {
		t.Error("finished, though nobody knows its end")
	}
}
