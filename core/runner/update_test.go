// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/sdk"
)

func selecting(w *world, pattern string) *process {
	p := newProcess(w)
	p.pattern, p.selects = pattern, true
	return p
}

func TestEditedSelectionIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 2)
		w.slow = time.Second
		w.add("orders", 2, 60)
		w.add("carts", 2, 60)
		p := selecting(w, "orders").start()
		pass(5 * time.Second)
		if !p.runner.Update(p.edited("*", nil)) {
			t.Fatal("a topic more asks for a new run")
		}
		pass(5 * time.Second)
		if s := p.status(tpOf("carts", 0)); s.State != Running || s.Records == 0 {
			t.Errorf("the topic that was added: %+v", s)
		}
		if !p.runner.Update(p.edited("orders", nil)) {
			t.Fatal("a topic less asks for a new run")
		}
		pass(30 * time.Second)
		for i := range int32(2) {
			tp := tpOf("carts", i)
			if s := p.status(tp); s.Topic != "" {
				t.Errorf("the topic that was removed: %+v", s)
			}
			if at := w.stored(tp); at == 0 || at == 60 {
				t.Errorf("%s has position %d", tp, at)
			} else {
				copied(t, w, tp, 0, at) // what was in flight is finished and stored
			}
		}
		if !p.runner.Update(p.edited("*", nil)) {
			t.Fatal("a topic more asks for a new run")
		}
		pass(2 * time.Minute)
		for i := range int32(2) {
			copied(t, w, tpOf("carts", i), 0, 60) // where it was
			copied(t, w, tpOf("orders", i), 0, 60)
			undisturbed(t, w, tpOf("orders", i), 1)
		}
		if s := p.runner.Status(); s.State != Running || s.LaneRestarts != 0 {
			t.Errorf("%s with %d restarts", s.State, s.LaneRestarts)
		}
		_ = p.stop()
		check(t, w)
	})
}

// A topic is taken out and put back before what it has in flight is finished.
func TestTopicThatIsTakenOutAndPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.slow = 4 * time.Second
		w.add("orders", 1, 60)
		p := selecting(w, "*").start()
		pass(5 * time.Second)
		for _, pattern := range []string{"carts", "*"} {
			if !p.runner.Update(p.edited(pattern, nil)) {
				t.Fatalf("%q asks for a new run", pattern)
			}
			synctest.Wait()
		}
		pass(5 * time.Minute)
		copied(t, w, tpOf("orders", 0), 0, 60)
		_ = p.stop()
		check(t, w)
	})
}

// A topic whose target is not fit has no position; taken out and put back, it
// begins where it would have begun.
func TestUnfitTopicThatIsTakenOutAndPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 20)
		w.since[tpOf("orders", 0)] = 8
		unfit := true
		w.ensureFault = func(string) error {
			if unfit {
				return errGaveUp
			}
			return nil
		}
		p := selecting(w, "*").start()
		pass(5 * time.Second)
		if s := p.status(tpOf("orders", 0)); s.State != Stopped || s.Reason != sdk.ReasonTarget {
			t.Fatalf("status %+v", s)
		}
		for _, pattern := range []string{"carts", "*"} {
			if !p.runner.Update(p.edited(pattern, nil)) {
				t.Fatalf("%q asks for a new run", pattern)
			}
			pass(5 * time.Second)
			w.mu.Lock()
			unfit = false
			w.mu.Unlock()
		}
		pass(20 * time.Second)
		copied(t, w, tpOf("orders", 0), 8, 20)
		_ = p.stop()
		check(t, w)
	})
}

func TestWhatAsksForANewRun(t *testing.T) {
	tests := []struct {
		name string
		edit func(*config.Pipeline)
		want bool
	}{
		{"nothing", func(*config.Pipeline) {}, true},
		{"limit", func(p *config.Pipeline) { p.Settings.Limit = &config.Limit{Records: 5} }, true},
		{"policies", func(p *config.Pipeline) {
			p.Settings.OnGap, p.Settings.OnTruncate, p.Settings.OnRecreate = "skip", "continue", "restart"
		}, true},
		{"shutdown timeout", func(p *config.Pipeline) { p.Settings.ShutdownTimeout = sdk.Duration(time.Minute) }, true},
		{"selection", func(p *config.Pipeline) { p.Source.Config = &selection{p.Source.Config.(*process), "orders"} }, true},
		{"another source", func(p *config.Pipeline) { p.Source.Config = newProcess(nil) }, false},
		{"source plugin", func(p *config.Pipeline) { p.Source.Plugin = "other" }, false},
		{"sink", func(p *config.Pipeline) { p.Sink.Config = newProcess(nil) }, false},
		{"sink plugin", func(p *config.Pipeline) { p.Sink.Plugin = "other" }, false},
		{"transform", func(p *config.Pipeline) { p.Transforms[0].Config = newProcess(nil) }, false},
		{"no transform", func(p *config.Pipeline) { p.Transforms = nil }, false},
		{"lanes", func(p *config.Pipeline) { p.Settings.Lanes = 7 }, false},
		{"memory", func(p *config.Pipeline) { p.Settings.Memory = 2 << 20 }, false},
		{"delivery", func(p *config.Pipeline) { p.Settings.Delivery = "exactly_once" }, false},
		{"name", func(p *config.Pipeline) { p.Name = "other" }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := openWorld(t, 1, 1)
				w.add("orders", 1, 20)
				p := selecting(w, "*").start()
				pass(5 * time.Second)
				old := p.runner.spec.Load()
				made := p.pipeline()
				tt.edit(made)
				if same := p.runner.Same(made); same != (tt.name == "nothing") {
					t.Errorf("same %t", same)
				}
				if got := p.runner.Update(made); got != tt.want {
					t.Errorf("taken over %t", got)
				}
				if now := p.runner.spec.Load(); tt.want && now != made || !tt.want && now != old {
					t.Error("the file that counts is another one")
				}
				w.grow(40)
				pass(20 * time.Second)
				copied(t, w, tpOf("orders", 0), 0, 40)
				undisturbed(t, w, tpOf("orders", 0), 1)
				_ = p.stop()
				check(t, w)
			})
		})
	}
}
