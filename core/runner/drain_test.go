// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klamm-io/klamm/sdk"
)

func TestStopDrainsWhatIsInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 2)
		w.slow = 2 * time.Second
		w.add("orders", 4, 1000)
		p := newProcess(w).start()
		pass(20 * time.Second)
		began := time.Now()
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took == 0 || took >= p.limit {
			t.Errorf("took %v", took)
		}
		for i := range int32(4) {
			tp := tpOf("orders", i)
			at := w.stored(tp)
			copied(t, w, tp, 0, at) // what is written is stored: nothing comes twice
			if at == 0 || at == 1000 {
				t.Errorf("%s has position %d", tp, at)
			}
		}
		if s := p.runner.Status(); s.State != Stopped {
			t.Errorf("state %s", s.State)
		}
		if !slices.Equal(w.closed, []string{"store", "sink", "source"}) {
			t.Errorf("closed %v", w.closed)
		}
		check(t, w)
	})
}

func TestStopGivesUpAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.manual, w.inFlight = true, 100
		w.add("orders", 2, 8)
		p := newProcess(w)
		p.limit = 7 * time.Second
		p.start()
		pass(5 * time.Second)
		held := slices.Clone(w.held)
		time.AfterFunc(6*time.Second, func() { // only partition 1 is answered in time
			for _, fw := range held {
				if fw.b.Source.Partition == 1 {
					fw.deliver()
				}
			}
		})
		began := time.Now()
		if err := p.stop(); err == nil || !strings.Contains(err.Error(), "stopped with work in hand") {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("took %v", took)
		}
		if stuck, done := w.stored(tpOf("orders", 0)), w.stored(tpOf("orders", 1)); stuck != 0 || done != 8 {
			t.Errorf("positions %d and %d", stuck, done)
		}
		check(t, w)
	})
}

func TestStopBeforeAnythingRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 3)
		w.add("orders", 4, 100)
		if err := newProcess(w).start().stop(); err != nil {
			t.Fatal(err)
		}
		check(t, w)
	})
}

// A bounded run is over when its positions are stored, not before.
func TestABoundedRunEndsWithItsPositionsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.bounded = true
		w.add("orders", 1, 20)
		refuse := true
		w.commitFault = func(lane int) (error, bool) {
			if lane == 1 && refuse && len(w.durable[w.stream(tpOf("orders", 0))]) > 0 {
				return errors.New("not now"), false
			}
			return nil, true
		}
		p := newProcess(w).start()
		pass(time.Minute)
		if len(p.ended) > 0 || len(w.missing(tpOf("orders", 0), 0, 20)) > 0 {
			t.Error("ended with its positions not stored, or delivered nothing")
		}
		w.mu.Lock()
		refuse = false
		w.mu.Unlock()
		if err, ended := p.wait(); err != nil || !ended || w.stored(tpOf("orders", 0)) != 20 {
			t.Errorf("ended %t with %v, position %d", ended, err, w.stored(tpOf("orders", 0)))
		}
		check(t, w)
	})
}

func TestRevokedLanesDrainFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 4)
		w.slow = 2 * time.Second
		w.add("orders", 8, 200)
		first := newProcess(w).start()
		pass(20 * time.Second)
		second := newProcess(w).start()
		pass(time.Minute)
		for lane := 1; lane <= 4; lane += 2 {
			released := w.happened("released " + string(rune('0'+lane)))
			if released < 0 {
				t.Fatalf("lane %d was not given up; events %v", lane, w.events)
			}
			opened := slices.Index(w.events[released:], "open "+string(rune('0'+lane)))
			if opened < 0 || slices.Contains(w.events[:released], "fenced "+string(rune('0'+lane))) {
				t.Errorf("lane %d: opened %d after its release", lane, opened)
			}
		}
		for _, p := range []*process{first, second} {
			if s := p.runner.Status(); s.LanesOwned != 2 || s.LaneRestarts != 0 || s.LanesTotal != 4 {
				t.Errorf("%d of %d lanes owned, %d restarts", s.LanesOwned, s.LanesTotal, s.LaneRestarts)
			}
		}
		_, _ = first.stop(), second.stop()
		for i := range int32(8) {
			copied(t, w, tpOf("orders", i), 0, w.stored(tpOf("orders", i)))
		}
		check(t, w)
	})
}

// A lane that another process fenced commits nothing; it goes on only behind
// another Open.
func TestFencedLaneStartsAgainThroughOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 2, 40)
		p := newProcess(w).start()
		pass(10 * time.Second)
		if _, err := (&fakeStore{p: newProcess(w), w: w}).Open(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
		at := w.stored(tpOf("orders", 0))
		w.grow(80)
		for w.happened("fenced 1") < 0 {
			pass(100 * time.Millisecond)
		}
		if now := w.stored(tpOf("orders", 0)); now != at {
			t.Errorf("the fenced lane moved its position from %d to %d", at, now)
		}
		pass(20 * time.Second)
		fenced := w.happened("fenced 1")
		if !slices.Contains(w.events[fenced:], "open 1") || w.count("fenced 1") != 1 {
			t.Errorf("events %v", w.events[fenced:])
		}
		for i := range int32(2) {
			if w.stored(tpOf("orders", i)) != 80 || len(w.missing(tpOf("orders", i), 0, 80)) > 0 {
				t.Errorf("partition %d has position %d", i, w.stored(tpOf("orders", i)))
			}
		}
		s := p.runner.Status()
		if s.LaneRestarts != 1 || s.LastError == "" || s.Lanes[1].Restarts != 1 || s.Lanes[1].LastError != "lane 1: "+sdk.ErrFenced.Error() {
			t.Errorf("status %+v", s)
		}
		_ = p.stop()
		check(t, w)
	})
}

func TestFailingLaneBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 40)
		down := true
		w.readFault = func(int) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if down {
				return errors.New("connection refused")
			}
			return nil
		}
		p := newProcess(w).start()
		pass(5 * time.Minute)
		s := p.runner.Status()
		if s.State != Degraded || s.Lanes[1].State != Retrying || s.Lanes[1].LastError != "lane 1: reading: connection refused" {
			t.Errorf("status %+v", s)
		}
		if n := w.count("open 1"); n < 10 || n > 25 {
			t.Errorf("started %d times in five minutes", n)
		}
		w.mu.Lock()
		down = false
		w.mu.Unlock()
		pass(time.Minute)
		copied(t, w, tpOf("orders", 0), 0, 40)
		if s := p.runner.Status(); s.State != Running || !s.Ready() {
			t.Errorf("state %s", s.State)
		}
		_ = p.stop()
		check(t, w)
	})
}
