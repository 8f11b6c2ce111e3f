// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/klamm-io/klamm/sdk"
)

// plan is what happens to the pipeline in a simulated life.
type plan struct {
	seed       uint64
	lanes      int
	partitions int32
	end        int64
	since      int64
	steps      []string // kill, stop, and what fails from then on
	waits      []int64  // milliseconds before each step
}

func drawPlan(t *rapid.T) plan {
	steps := rapid.SliceOfN(rapid.SampledFrom([]string{"kill", "stop", "commit lost", "commit unknown", "read", "fence", "pair", "grow"}), 0, 8).Draw(t, "steps")
	return plan{
		seed:       rapid.Uint64().Draw(t, "seed"),
		lanes:      rapid.IntRange(1, 4).Draw(t, "lanes"),
		partitions: rapid.Int32Range(1, 6).Draw(t, "partitions"),
		end:        rapid.Int64Range(0, 60).Draw(t, "end"),
		since:      rapid.Int64Range(0, 3).Draw(t, "since"),
		steps:      steps,
		waits:      rapid.SliceOfN(rapid.Int64Range(0, 6000), len(steps), len(steps)).Draw(t, "waits"),
	}
}

// fenceAll opens every lane on behalf of nobody.
func (w *world) fenceAll() {
	for lane := range w.lanes {
		_, _ = (&fakeStore{p: newProcess(w), w: w}).Open(context.Background(), lane+1)
	}
}

// live goes through the plan, then runs the pipeline to its end.
func (p plan) live() (*world, []error) {
	w := newWorld(p.seed, p.lanes)
	w.bounded, w.zombies = true, slices.Contains(p.steps, "fence") || slices.Contains(p.steps, "pair")
	w.add("orders", p.partitions, p.end)
	for i := range p.partitions {
		w.since[tpOf("orders", i)] = min(p.since, p.end)
	}
	var fail string
	w.commitFault = func(lane int) (error, bool) {
		if was := fail; lane != sdk.ControlLane && (was == "commit lost" || was == "commit unknown") {
			fail = ""
			return errors.New(was), was == "commit unknown"
		}
		return nil, true
	}
	w.readFault = func(int) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if fail == "read" {
			fail = ""
			return errors.New("connection lost")
		}
		return nil
	}
	running := []*process{newProcess(w).start()}
	var errs []error
	for i, step := range p.steps {
		pass(time.Duration(p.waits[i]) * time.Millisecond)
		last := running[len(running)-1]
		switch step {
		case "kill", "stop":
			if step == "stop" {
				errs = append(errs, last.stop())
			} else {
				last.kill()
			}
			running[len(running)-1] = newProcess(w).start()
		case "pair":
			running = append(running, newProcess(w).start())
		case "fence":
			w.fenceAll()
		case "grow":
			w.grow(p.end + 10) // beyond the bound: not to be read
		default:
			w.mu.Lock()
			fail = step
			w.mu.Unlock()
		}
	}
	for _, r := range running {
		err, ended := r.wait()
		if !ended {
			err = errors.New("the run does not end")
			r.kill()
		}
		errs = append(errs, err)
	}
	return w, errs
}

// Whatever happens, nothing vanishes, nothing is written out of order or behind
// a hole, and positions only ever cover what is durable (checked at every write
// and every commit by the world).
func TestNothingVanishesWhateverHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		var w *world
		var errs []error
		synctest.Test(t, func(*testing.T) { w, errs = p.live() })
		if err := errors.Join(errs...); err != nil {
			rt.Errorf("ended with %v", err)
		}
		for i := range p.partitions {
			tp := tpOf("orders", i)
			if missing := w.missing(tp, min(p.since, p.end), p.end); len(missing) > 0 {
				rt.Errorf("%s lost %v", tp, missing)
			}
			if log := w.written(tp); len(log) > 0 && (slices.Max(log) >= p.end || slices.Min(log) < p.since) {
				rt.Errorf("%s has records outside the bounds: %v", tp, log)
			}
			if at := w.stored(tp); at != p.end {
				rt.Errorf("%s has position %d of %d", tp, at, p.end)
			}
			if !slices.ContainsFunc(p.steps, func(s string) bool { return s != "grow" && s != "stop" }) {
				if log, want := w.written(tp), offsets(min(p.since, p.end), p.end); !slices.Equal(log, want) {
					rt.Errorf("%s was written as %v", tp, log)
				}
			}
		}
		for _, f := range w.problems() {
			rt.Error(f)
		}
		if rt.Failed() {
			rt.FailNow()
		}
	})
}
