// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/sdk"
)

// total is the number and the size of the records at the target.
func (w *world) total() (records, bytes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s, log := range w.logs {
		for _, o := range log {
			r := sdk.Record{Value: []byte(valueAt(s.TopicPartition, o))}
			records, bytes = records+1, bytes+r.Size()
		}
	}
	return records, bytes
}

// within checks that got is want, give or take a hundredth and what a batch or a
// burst makes.
func within(t *testing.T, what string, got, want, slack int) {
	t.Helper()
	if math.Abs(float64(got-want)) > float64(want)/100+float64(slack) {
		t.Errorf("%s: %d, want %d", what, got, want)
	}
}

func TestLimitHolds(t *testing.T) {
	tests := []struct {
		name             string
		lanes, processes int
		limit            config.Limit
	}{
		{"records, one lane", 1, 1, config.Limit{Records: 100}},
		{"records, three lanes", 3, 1, config.Limit{Records: 100}},
		{"records, two processes", 4, 2, config.Limit{Records: 100}},
		{"batches larger than a burst", 1, 1, config.Limit{Records: 10}},
		{"bytes, one lane", 1, 1, config.Limit{Bytes: 1000}},
		{"bytes, three lanes", 3, 1, config.Limit{Bytes: 1000}},
		{"bytes, two processes", 4, 2, config.Limit{Bytes: 1000}},
		{"both, and records are fewer", 2, 1, config.Limit{Bytes: 1 << 30, Records: 50}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := openWorld(t, 1, tt.lanes)
				w.slow, w.inFlight = time.Millisecond, 100
				w.add("orders", 12, 1<<40)
				for range tt.processes {
					p := newProcess(w)
					p.settings = func(s *config.Settings) { s.Limit = &tt.limit }
					p.start()
				}
				pass(10 * time.Second) // until the lanes are shared
				records, bytes := w.total()
				pass(time.Minute)
				recordsNow, bytesNow := w.total()
				if tt.limit.Records > 0 {
					within(t, "records", recordsNow-records, 60*int(tt.limit.Records), 4*tt.lanes)
				} else {
					within(t, "bytes", bytesNow-bytes, 60*int(tt.limit.Bytes), 60*tt.lanes)
				}
				for _, p := range w.started { // before one takes over from another
					if s := p.runner.Status(); s.LaneRestarts != 0 || s.LanesOwned != tt.lanes/tt.processes {
						t.Errorf("%d lanes, %d restarts", s.LanesOwned, s.LaneRestarts)
					}
				}
				for _, p := range w.started {
					_ = p.stop()
				}
				check(t, w)
			})
		})
	}
}

func TestEditedLimitHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 2)
		w.slow = time.Millisecond
		w.add("orders", 4, 1<<40)
		p := selecting(w, "*")
		p.settings = func(s *config.Settings) { s.Limit = &config.Limit{Records: 1} }
		p.start()
		pass(20 * time.Second)
		for _, limit := range []int64{200, 20, 100} {
			made := p.pipeline()
			made.Settings.Limit = &config.Limit{Records: limit}
			if !p.runner.Update(made) {
				t.Fatal("a limit asks for a new run")
			}
			pass(10 * time.Second)
			before, _ := w.total()
			pass(time.Minute)
			now, _ := w.total()
			within(t, fmt.Sprint("limit ", limit), now-before, 60*int(limit), 8)
		}
		_ = p.stop()
		check(t, w)
	})
}

// What waits for the limit is not copied and holds up no stop.
func TestStopDoesNotWaitForTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.slow = time.Millisecond
		w.add("orders", 1, 1000)
		p := newProcess(w)
		p.settings = func(s *config.Settings) { s.Limit = &config.Limit{Bytes: 1} }
		p.start()
		pass(time.Minute)
		began := time.Now()
		if err := p.stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %s", took)
		}
		copied(t, w, tpOf("orders", 0), 0, w.stored(tpOf("orders", 0)))
		check(t, w)
	})
}

func TestNoLimitIsNoWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		m := newLimiter(nil)
		for range 1000 {
			if err := m.wait(t.Context(), 1<<20, 1<<40); err != nil {
				t.Fatal(err)
			}
		}
		m.set(&config.Limit{Records: 10}, 1)
		m.set(nil, 1) // taken away again
		if err := m.wait(t.Context(), 1<<20, 1<<40); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("waited %s", took)
		}
	})
}

// A limit that is taken away or raised lets go what waits for it.
func TestWaitingForALimitThatIsRaised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newLimiter(&config.Limit{Records: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		time.AfterFunc(5*time.Second, func() { m.set(&config.Limit{Records: 1000}, 1) })
		began := time.Now()
		if err := m.wait(ctx, 1000, 0); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 5*time.Second || took > 8*time.Second {
			t.Errorf("waited %s", took)
		}
	})
}
