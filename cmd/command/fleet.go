// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/operator"
	"github.com/klamm-io/klamm/core/runner"
)

// fleet is the pipelines of one process, side by side. A reload changes which
// there are.
type fleet struct {
	ctx context.Context // when it ends, everything drains
	log *slog.Logger

	mu        sync.Mutex
	members   []*member // in the order of the files
	reloading bool
	over      bool          // all have ended; no reload begins any more
	changed   chan struct{} // closed and replaced when a member ends, or a reload
}

// member is a pipeline that runs.
type member struct {
	pipeline string
	runner   *runner.Runner
	cancel   context.CancelFunc
	ended    chan struct{}
	err      error // once it has ended
}

func newFleet(ctx context.Context, pipelines []*config.Pipeline, o runner.Options) *fleet {
	f := &fleet{ctx: ctx, log: o.Log, changed: make(chan struct{})}
	for _, p := range pipelines {
		f.members = append(f.members, newMember(p.Name, runner.New(p, o)))
	}
	return f
}

// begin begins to run the pipelines.
func (f *fleet) begin() {
	for _, m := range f.current() {
		f.start(m)
	}
}

func newMember(pipeline string, r *runner.Runner) *member {
	return &member{pipeline: pipeline, runner: r, ended: make(chan struct{})}
}

// start runs a member until it has ended; one that fails does not stop the others,
// and is told at once.
func (f *fleet) start(m *member) {
	ctx, cancel := context.WithCancel(f.ctx)
	m.cancel = cancel
	go func() {
		defer cancel()
		err := m.runner.Run(ctx)
		f.mu.Lock()
		defer f.mu.Unlock()
		m.err = err
		if err != nil && len(f.members) > 1 {
			f.log.Error("a pipeline has failed; it does not stop the others", "pipeline", m.pipeline, "error", err)
		}
		close(m.ended)
		f.notify()
	}()
}

// notify wakes whoever waits for the end. The caller holds the mutex.
func (f *fleet) notify() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// wait waits until every pipeline has ended, and no reload is under way that may
// start one.
func (f *fleet) wait() error {
	release := context.AfterFunc(f.ctx, func() {
		f.log.Info("stopping: what is in flight is finished first; a second signal ends at once")
	})
	defer release()
	for {
		f.mu.Lock()
		changed := f.changed
		var errs []error
		running := f.reloading
		for _, m := range f.members {
			running = running || !m.hasEnded()
			errs = append(errs, m.err)
		}
		f.over = !running
		f.mu.Unlock()
		if !running {
			return errors.Join(errs...)
		}
		<-changed
	}
}

func (m *member) hasEnded() bool {
	select {
	case <-m.ended:
		return true
	default:
		return false
	}
}

// stop drains a member and returns when it has ended.
func (m *member) stop() {
	m.cancel()
	<-m.ended
}

// snapshot is a [status.Snapshot].
func (f *fleet) snapshot() []runner.Status {
	members := f.current()
	all := make([]runner.Status, len(members))
	for i, m := range members {
		all[i] = m.runner.Status()
	}
	return all
}

func (f *fleet) current() []*member {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*member{}, f.members...)
}

// Desk implements [status.Control].
func (f *fleet) Desk(pipeline string) (*operator.Desk, error) {
	for _, m := range f.current() {
		switch {
		case m.pipeline != pipeline:
		case m.hasEnded():
			return nil, fmt.Errorf("pipeline %s has ended in this process; klamm status without --server asks its target", pipeline)
		default:
			return operator.Of(m.runner)
		}
	}
	return nil, &operator.RequestError{Err: fmt.Errorf("this process runs no pipeline %q", pipeline)}
}
