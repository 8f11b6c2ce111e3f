// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// lane is a lane that this process owns. After an error it starts again from
// what is stored, as long as it is owned.
type lane struct {
	runner *Runner
	number int
	ctx    context.Context
	cancel context.CancelFunc
	ended  chan struct{}
	woken  chan struct{} // holds a token when the partitions may have changed

	mu       sync.Mutex
	limit    time.Duration // how long a stop may take
	state    State
	since    time.Time // of the state
	restarts int
	last     error
	batches  ledger.Batches // delivered since this process has the lane
	flow     *flow          // while it runs
	born     bool           // of the control lane: the birth is written
	left     error          // what a stop could not finish
}

// afterFence is half the pause after which a lane that has a newer owner starts
// again, if the store has not taken it away by then.
const afterFence = 5 * time.Second

func startLane(r *Runner, number int) *lane {
	l := &lane{
		runner: r, number: number, ended: make(chan struct{}), woken: make(chan struct{}, 1),
		state: Starting,
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	go l.run()
	return l
}

// stop ends the lane and returns when it has finished what is in hand, or when
// the limit is over.
func (l *lane) stop(limit time.Duration) {
	l.mu.Lock()
	l.limit = limit
	l.mu.Unlock()
	l.cancel()
	<-l.ended
}

func (l *lane) wake() {
	select {
	case l.woken <- struct{}{}:
	default:
	}
}

func (l *lane) run() {
	defer close(l.ended)
	var pause backoff
	for {
		began := time.Now()
		err := l.once()
		if l.ctx.Err() != nil {
			if left, ok := errors.AsType[*unfinished](err); ok {
				l.runner.log.Warn("lane stopped with work in hand; whoever has it next does it again", "lane", l.number, "error", left)
				l.mu.Lock()
				l.left = left
				l.mu.Unlock()
			}
			return
		}
		l.failed(err)
		if l.runner.failAtStart(err) {
			return
		}
		if time.Since(began) > backoffMax {
			pause = backoff{}
		}
		if errors.Is(err, sdk.ErrFenced) {
			// Starting at once would fence the newer owner in turn.
			pause.pause = max(pause.pause, afterFence)
		}
		if pause.wait(l.ctx) != nil {
			return
		}
	}
}

func (l *lane) failed(err error) {
	err = fmt.Errorf("lane %d: %w", l.number, err)
	l.mu.Lock()
	l.state, l.since, l.last = Retrying, time.Now(), err
	l.restarts++
	l.mu.Unlock()
	h := l.runner.health
	h.failed(err)
	h.mu.Lock()
	h.restarts++
	h.mu.Unlock()
	l.runner.log.Warn("lane starts again", "lane", l.number, "error", err)
}

// delivered counts what a position moved over.
func (l *lane) delivered(topic string, moved []*pendingBatch) {
	for _, pb := range moved {
		l.runner.health.delivered(topic, pb)
		l.mu.Lock()
		l.batches.Add(pb.batches)
		l.mu.Unlock()
	}
}

// once runs the lane until it is stopped (nil) or fails. Opening the ledger
// comes first: it fences whoever owned the lane before (invariant 2).
func (l *lane) once() error {
	l.setState(Starting)
	own, err := l.runner.store.Open(l.ctx, l.number)
	if err != nil {
		return err
	}
	defer own.Close()
	if l.number == sdk.ControlLane {
		return l.control(own)
	}
	birth, err := l.runner.awaitBirth(l.ctx)
	if err != nil {
		return err
	}
	f, err := newFlow(l, own, birth)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.flow = f
	l.mu.Unlock()
	if err := f.run(l.ctx); err != nil {
		l.mu.Lock()
		l.flow = nil
		l.mu.Unlock()
		return err
	}
	return nil
}

// control keeps the pipeline's own ledger.
func (l *lane) control(own sdk.Ledger) error {
	if err := l.runner.bear(l.ctx, own); err != nil {
		return err
	}
	l.mu.Lock()
	l.born = true
	l.mu.Unlock()
	l.setState(Running)
	l.changed()
	<-l.ctx.Done()
	return nil
}

func (l *lane) setState(s State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != s {
		l.state, l.since = s, time.Now()
	}
}

// changed tells the runner that the lane runs, or that something of it ended.
func (l *lane) changed() {
	l.runner.mu.Lock()
	l.runner.began = l.runner.began || l.number != sdk.ControlLane
	l.runner.notify()
	l.runner.mu.Unlock()
}

func (l *lane) current() *flow {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flow
}

// finished reports whether nothing is left to do in a bounded run.
func (l *lane) finished() bool {
	if l.number == sdk.ControlLane {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.born
	}
	f := l.current()
	return f != nil && f.finished()
}

// reading returns the partitions that are read.
func (l *lane) reading() []sdk.Stream {
	if f := l.current(); f != nil {
		return f.reading()
	}
	return nil
}

func (l *lane) setEnds(ends map[sdk.TopicPartition]int64) {
	if f := l.current(); f != nil {
		f.setEnds(ends)
	}
}

// stopLimit is how long a stop may take.
func (l *lane) stopLimit() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit
}
