// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// before checks that events happened, in this order.
func before(t *testing.T, w *world, events ...string) {
	t.Helper()
	last := -1
	for _, e := range events {
		at := w.happened(e)
		if at <= last {
			t.Errorf("%q happened at %d, what comes before it at %d", e, at, last)
		}
		last = at
	}
}

func TestStartIsStoredBeforeTheFirstRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 20)
		tp := tpOf("orders", 0)
		w.since[tp] = 8
		p := newProcess(w)
		p.rules = sdk.TopicMapping{{{Kind: sdk.RulePrefix, To: "east."}}}
		p.start()
		pass(10 * time.Second)
		before(t, w, "ensure east.orders 1", "start orders-0 born=false", "store orders-0@8", "add orders-0@8")
		copied(t, w, tp, 8, 20)
		if !w.targets["east.orders"][valueAt(tp, 19)] || p.status(tp).Target != "east.orders" {
			t.Errorf("targets %v, status %+v", w.targets, p.status(tp))
		}
		_ = p.stop()
		check(t, w)
	})
}

func TestStartThatCannotBeStoredIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 20)
		w.commitFault = func(lane int) (error, bool) {
			if lane == 1 && w.epochs[1] < 3 {
				return errors.New("not now"), false
			}
			return nil, true
		}
		p := newProcess(w).start()
		pass(10 * time.Second)
		before(t, w, "store orders-0@0", "add orders-0@0")
		if n := w.count("open 1"); n != 3 {
			t.Errorf("the lane was opened %d times", n)
		}
		copied(t, w, tpOf("orders", 0), 0, 20)
		_ = p.stop()
		check(t, w)
	})
}

func TestPartitionsBornLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 3)
		w.add("orders", 1, 20)
		w.since[tpOf("orders", 0)], w.since[tpOf("orders", 1)], w.since[tpOf("carts", 0)] = 20, 20, 20
		p := newProcess(w).start()
		pass(10 * time.Second)
		w.add("orders", 2, 20)
		w.add("carts", 1, 20)
		pass(5 * time.Second)
		if w.count("start orders-0 born=false") != 1 || w.count("start orders-1 born=true") != 1 || w.count("start carts-0 born=true") != 1 {
			t.Errorf("events %v", w.events)
		}
		before(t, w, "ensure orders 1", "ensure orders 2")
		before(t, w, "store orders-1@0", "add orders-1@0")
		copied(t, w, tpOf("orders", 0), 20, 20)
		copied(t, w, tpOf("orders", 1), 0, 20)
		copied(t, w, tpOf("carts", 0), 0, 20)
		_ = p.stop()

		// Born while nothing ran, they are no older for it.
		w.add("orders", 3, 20)
		w.since[tpOf("orders", 2)] = 20
		p = newProcess(w).start()
		pass(10 * time.Second)
		copied(t, w, tpOf("orders", 2), 0, 20)
		_ = p.stop()
		check(t, w)
	})
}

func TestSinceIsIgnoredWherePositionsAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 2)
		w.bounded = true
		w.add("orders", 3, 20)
		if err, _ := newProcess(w).start().wait(); err != nil {
			t.Fatal(err)
		}
		for i := range int32(3) {
			w.since[tpOf("orders", i)] = 5
		}
		var log strings.Builder
		p := newProcess(w)
		p.log = &log
		if err, ended := p.start().wait(); err != nil || !ended {
			t.Fatal(err, ended)
		}
		for i := range int32(3) {
			copied(t, w, tpOf("orders", i), 0, 20)
			if n := w.count("start " + tpOf("orders", i).String() + " born=false"); n != 1 {
				t.Errorf("partition %d was started %d times", i, n)
			}
		}
		if strings.Count(log.String(), "going on from stored positions") != 1 {
			t.Errorf("log: %s", log.String())
		}
		check(t, w)
	})
}

func TestFreshStartsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 2)
		w.bounded, w.fresh = true, true
		w.add("orders", 4, 20)
		if err, _ := newProcess(w).start().wait(); err != nil {
			t.Fatal(err)
		}
		w.logs = map[sdk.Stream][]int64{}
		once := true
		w.commitFault = func(lane int) (error, bool) {
			if lane == 1 && once && w.storedLocked(tpOf("orders", 0)) == 0 {
				once = false
				return errors.New("lost"), false
			}
			return nil, true
		}
		p := newProcess(w)
		p.fresh = true
		if err, ended := p.start().wait(); err != nil || !ended {
			t.Fatal(err, ended)
		}
		for i := range int32(4) {
			tp := tpOf("orders", i)
			if n := w.count("start " + tp.String() + " born=false"); n != 2 {
				t.Errorf("partition %d was started %d times, want once in each run", i, n)
			}
			if missing := w.missing(tp, 0, 20); len(missing) > 0 || w.stored(tp) != 20 || len(w.written(tp)) < len(offsets(0, 20)) {
				t.Errorf("partition %d: written %v, position %d", i, w.written(tp), w.stored(tp))
			}
		}
		check(t, w)
	})
}

// A topic that was made again is a new one to a run that starts over.
func TestFreshTakesATopicMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 4)
		w.bounded, w.fresh = true, true
		w.add("orders", 6, 20)
		if err, _ := newProcess(w).start().wait(); err != nil {
			t.Fatal(err)
		}
		w.recreate("orders", sdk.TopicID{2}, 6, 20)
		w.afterOpen = func(lane int) { // the other lanes come first
			if lane == ledger.LaneOf(tpOf("orders", 0), 4) {
				<-time.After(5 * time.Second)
			}
		}
		p := newProcess(w)
		p.fresh = true
		if err, ended := p.start().wait(); err != nil || !ended {
			t.Errorf("ended %t with %v", ended, err)
		}
		for i := range int32(6) {
			copied(t, w, tpOf("orders", i), 0, 20)
		}
		check(t, w)
	})
}

// A lane of a fresh run that goes to another process and comes back goes on.
func TestFreshStartsOverOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 2)
		w.bounded, w.slow = true, 20*time.Second
		w.add("orders", 4, 60)
		p := newProcess(w)
		p.fresh = true
		p.start()
		pass(30 * time.Second)
		other := newProcess(w).start()
		pass(30 * time.Second)
		other.kill()
		if err, ended := p.wait(); err != nil || !ended {
			t.Fatal(err, ended)
		}
		for i := range int32(4) {
			if n := w.count("start " + tpOf("orders", i).String() + " born=false"); n != 1 {
				t.Errorf("partition %d was started %d times", i, n)
			}
		}
		check(t, w)
	})
}

func TestFreshIsForBoundedRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(openWorld(t, 1, 1))
		p.fresh = true
		err, _ := p.start().wait()
		if _, ok := errors.AsType[*sdk.EnvironmentError](err); !ok {
			t.Errorf("got %v", err)
		}
	})
}

func TestTargetThatIsNotFitIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 20)
		w.add("carts", 1, 20)
		unfit := true
		w.ensureFault = func(topic string) error {
			if topic == "orders" && unfit {
				return errors.New("not authorised")
			}
			return nil
		}
		p := newProcess(w).start()
		pass(15 * time.Second)
		s := p.status(tpOf("orders", 0))
		if s.State != Stopped || s.Reason != sdk.ReasonTarget || !strings.Contains(s.LastError, "not authorised") || w.happened("add orders-0@0") >= 0 {
			t.Errorf("status %+v", s)
		}
		copied(t, w, tpOf("carts", 0), 0, 20)
		w.mu.Lock()
		unfit = false
		w.mu.Unlock()
		pass(15 * time.Second)
		copied(t, w, tpOf("orders", 0), 0, 20)
		if s := p.runner.Status(); s.State != Running {
			t.Errorf("state %s", s.State)
		}
		_ = p.stop()
		check(t, w)
	})
}

func TestTopicThatIsGoneStopsItsPartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 20)
		w.add("carts", 1, 20)
		p := newProcess(w).start()
		pass(5 * time.Second)
		_ = p.stop()
		w.remove(tpOf("orders", 0))
		for _, pattern := range []string{"*", "c*"} {
			p = newProcess(w)
			p.pattern = pattern
			p.start()
			pass(5 * time.Second)
			s := p.status(tpOf("orders", 0))
			if pattern == "*" && (s.State != Stopped || s.Reason != sdk.ReasonDeleted || s.Offset != 20) {
				t.Errorf("selected: %+v", s)
			}
			if pattern == "c*" && s.Topic != "" {
				t.Errorf("not selected: %+v", s)
			}
			_ = p.stop()
		}
		check(t, w)
	})
}
