// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

func TestStrangersPositionsAreRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
		says   string
	}{
		{"another source", func(w *world) { w.sourceID = "other" }, `that reads from src; this one reads from other`},
		{"another sink", func(w *world) { w.sinkID = "other" }, `that writes to dst; this one writes to other`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := openWorld(t, 1, 2)
				w.bounded = true
				w.add("orders", 2, 20)
				if err, _ := newProcess(w).start().wait(); err != nil {
					t.Fatal(err)
				}
				tt.change(w)
				w.change(tpOf("orders", 0), func(p *part) { p.bound = 40 })
				p := newProcess(w)
				err, _ := p.start().wait()
				env, ok := errors.AsType[*sdk.EnvironmentError](err)
				if !ok || env.Fix == "" || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), "pipeline copy: ") {
					t.Errorf("got %v", err)
				}
				if s := p.runner.Status(); s.State != Failed {
					t.Errorf("state %s", s.State)
				}
				copied(t, w, tpOf("orders", 0), 0, 20)
			})
		})
	}
}

// Two pipelines of one name are born at the same time: the one that comes second
// finds a stranger's birth only once it owns the control lane.
func TestStrangerThatComesBetweenIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 20)
		entries, err := ledger.NewBirth(ledger.Identity{Pipeline: "copy", Source: "other", Sink: "dst"}, nil).Entries()
		if err != nil {
			t.Fatal(err)
		}
		w.afterOpen = func(lane int) { // the control lane comes first
			if lane != sdk.ControlLane {
				<-time.After(5 * time.Second)
			}
		}
		p := newProcess(w)
		p.ownFault = errors.New("not yet")
		p.start()
		pass(time.Millisecond)
		l, err := (&fakeStore{p: newProcess(w), w: w}).Open(context.Background(), sdk.ControlLane)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Commit(context.Background(), entries); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		p.ownFault = nil
		w.mu.Unlock()
		err, ended := p.wait()
		if _, ok := errors.AsType[*sdk.EnvironmentError](err); !ok || !ended || !strings.Contains(err.Error(), "reads from other") {
			t.Errorf("ended %t with %v", ended, err)
		}
		copied(t, w, tpOf("orders", 0), 0, 0)
		if !ended {
			p.kill()
		}
	})
}

func TestStartIsRefused(t *testing.T) {
	collide := sdk.TopicMapping{{{Kind: sdk.RuleExact, From: "carts", To: "orders"}}}
	tests := []struct {
		name  string
		setup func(*world, *process)
		says  []string
		env   bool
	}{
		{"two topics with one target", func(_ *world, p *process) { p.rules = collide }, []string{`"orders"`, `"carts"`, "mixed"}, true},
		{"a topic into itself on one cluster", func(w *world, p *process) {
			w.sinkID, p.clusters, p.pattern = w.sourceID, true, "*"
		}, []string{`topic "carts"`, "same cluster (id src)"}, true},
		{"a topic into another that is read, on one cluster", func(w *world, p *process) {
			w.sinkID, p.clusters, p.pattern = w.sourceID, true, "*"
			p.rules = sdk.TopicMapping{{{Kind: sdk.RulePrefix, To: "east."}}}
		}, []string{`topic "carts"`, `"east.carts"`, "same cluster (id src)"}, true},
		{"sink without a store", func(_ *world, p *process) { p.noStore = true }, []string{"sink fake", "no place for positions"}, false},
		{"lanes cannot be owned", func(_ *world, p *process) { p.ownFault = &sdk.EnvironmentError{Err: errors.New("no group")} }, []string{"no group"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := openWorld(t, 1, 1)
				w.add("carts", 1, 20)
				w.add("orders", 1, 20)
				p := newProcess(w)
				tt.setup(w, p)
				err, ended := p.start().wait()
				if !ended || err == nil {
					t.Fatalf("ended %t with %v", ended, err)
				}
				for _, says := range tt.says {
					if !strings.Contains(err.Error(), says) {
						t.Errorf("%q does not say %q", err, says)
					}
				}
				if _, ok := errors.AsType[*sdk.EnvironmentError](err); ok != tt.env {
					t.Errorf("got %T %v", err, err)
				}
				if len(w.logs) > 0 {
					t.Errorf("written %v", w.logs)
				}
				if s := p.runner.Status(); s.State != Failed || s.LastError == "" {
					t.Errorf("state %s, %q", s.State, s.LastError)
				}
			})
		})
	}
}

// Once lanes have run, what surrounds Klamm may fail and come back.
func TestLosingTheLanesIsNotTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 2)
		w.add("orders", 3, 20)
		p := newProcess(w).start()
		pass(10 * time.Second)
		w.mu.Lock()
		p.ownFault = &sdk.EnvironmentError{Err: errors.New("unreachable")}
		w.signal()
		w.mu.Unlock()
		pass(10 * time.Second)
		if s := p.runner.Status(); s.State != Degraded || s.LanesOwned != 0 || s.LastError != "unreachable" {
			t.Errorf("status %+v", s)
		}
		w.mu.Lock()
		p.ownFault = nil
		w.mu.Unlock()
		w.grow(40)
		pass(time.Minute)
		for i := range int32(3) {
			copied(t, w, tpOf("orders", i), 0, 40)
		}
		if err := p.stop(); err != nil {
			t.Error(err)
		}
		check(t, w)
	})
}
