// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"testing"
	"testing/synctest"
	"time"
)

// A topic that one listing does not have, as of a broker that is behind, is not lost
// for good.
func TestATopicMissedByOneListingComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 60)
		w.add("carts", 1, 60)
		orders := tpOf("orders", 0)
		p := selecting(w, "*").start()
		pass(30 * time.Second)
		w.mu.Lock()
		kept := w.parts[orders]
		w.mu.Unlock()
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		w.remove(orders)
		p = selecting(w, "*").start()
		pass(500 * time.Millisecond)
		w.mu.Lock()
		w.parts[orders] = kept
		w.signal()
		w.mu.Unlock()
		w.grow(100)
		pass(time.Minute)
		if s := p.status(orders); s.State != Running || s.LastError != "" {
			t.Errorf("status %+v", s)
		}
		copied(t, w, orders, 0, 100)
		if err := p.stop(); err != nil {
			t.Error(err)
		}
		check(t, w)
	})
}

// A topic is deleted, which is noticed, and made again only then.
func TestDeletedThenMadeAgainRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 60)
		w.add("carts", 1, 60)
		orders := tpOf("orders", 0)
		p := selecting(w, "*")
		p.settings = restartRecreated
		p.start()
		pass(30 * time.Second)
		w.remove(orders)
		pass(10 * time.Second)
		if s := p.status(orders); s.State != Stopped {
			t.Errorf("gone: status %+v", s)
		}
		w.recreate("orders", newTopic, 1, 20)
		pass(time.Minute)
		if s := p.status(orders); s.State != Running || s.Offset != 20 {
			t.Errorf("made again: status %+v", s)
		}
		if gaps := w.lane(t, orders).Gaps; len(gaps) != 1 {
			t.Errorf("gaps %v", gaps)
		}
		if err := p.stop(); err != nil {
			t.Error(err)
		}
		check(t, w)
	})
}

// A stop is forgotten with the topic that the file does not select any more.
func TestTheStopOfADeselectedTopicIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 60)
		w.add("carts", 1, 60)
		orders := tpOf("orders", 0)
		p := selecting(w, "*").start()
		pass(30 * time.Second)
		w.remove(orders)
		pass(30 * time.Second)
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		if len(w.lane(t, orders).Stops) == 0 {
			t.Fatal("nothing is noted of the topic that is gone")
		}
		p = selecting(w, "carts").start()
		pass(time.Minute)
		if stops := w.lane(t, orders).Stops; len(stops) > 0 {
			t.Errorf("stops %v", stops)
		}
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
}

// A gap that a person's move leaves counts like any other.
func TestGapsByHandCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 60)
		orders := tpOf("orders", 0)
		w.change(orders, func(p *part) { p.refuse = []int64{20} })
		p := newProcess(w).start()
		pass(20 * time.Second)
		w.moveTo(orders, "first", 21, true)
		pass(20 * time.Second)
		if s := p.runner.Status(); s.Gaps != 1 || len(w.lane(t, orders).Gaps) != 1 {
			t.Errorf("counted %d, records %v", s.Gaps, w.lane(t, orders).Gaps)
		}
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
}
