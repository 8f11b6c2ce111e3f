// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"fmt"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// identity is what this run would be born as.
func (r *Runner) identity() ledger.Identity {
	return ledger.Identity{
		Pipeline: r.name, Source: r.source.ID(), Sink: r.sink.ID(),
		Lanes: r.store.Lanes(), Created: time.Now().UTC().Format(time.RFC3339),
	}
}

// readControl takes over what the control lane's ledger says. One reads at a time:
// what is said never goes back to what was said before.
func (r *Runner) readControl(ctx context.Context) error {
	select {
	case r.listening <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.listening }()
	entries, err := r.store.Read(ctx, sdk.ControlLane)
	if err != nil {
		return err
	}
	return r.accept(entries)
}

// accept remembers what the control lane's ledger says, and refuses a birth that
// belongs to something else. Lanes are woken if there is something to do.
func (r *Runner) accept(entries map[string][]byte) error {
	c, err := ledger.DecodeControl(entries)
	if err != nil {
		return fmt.Errorf("%s: %w", r.store.Name(), err)
	}
	if c.Birth == nil {
		return nil
	}
	mine := r.identity()
	switch b := c.Birth; {
	case b.Source != mine.Source:
		return &sdk.EnvironmentError{
			Err: fmt.Errorf("%s holds the positions of a pipeline %q that reads from %s; this one reads from %s", r.store.Name(), b.Pipeline, b.Source, mine.Source),
			Fix: "give this pipeline another name",
		}
	case b.Sink != mine.Sink:
		return &sdk.EnvironmentError{
			Err: fmt.Errorf("%s holds the positions of a pipeline %q that writes to %s; this one writes to %s", r.store.Name(), b.Pipeline, b.Sink, mine.Sink),
			Fix: "give this pipeline another name",
		}
	}
	r.mu.Lock()
	news := r.control == nil || !r.control.Equal(c)
	r.control = c
	lanes := r.ownedLanes()
	r.mu.Unlock()
	if news {
		for _, l := range lanes {
			l.wake()
		}
	}
	return nil
}

// follow keeps reading what people say in the control lane's ledger.
func (r *Runner) follow(ctx context.Context) {
	every(ctx, followEvery, func() {
		if err := r.readControl(ctx); err != nil && ctx.Err() == nil {
			r.health.trouble(r.log, err)
		}
	})
}

// said is what the control lane's ledger says; nil before the birth is known.
func (r *Runner) said() *ledger.Control {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.control
}

// awaitBirth waits until the owner of the control lane has written the birth. What
// is said then is no older than what an earlier owner of a lane that is open has
// obeyed: no move of before is carried out again.
func (r *Runner) awaitBirth(ctx context.Context) (*ledger.Birth, error) {
	for {
		if err := r.readControl(ctx); err != nil {
			return nil, err
		}
		if c := r.said(); c != nil {
			return c.Birth, nil
		}
		timer := time.NewTimer(backoffMin)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

// bear writes the birth into the control lane's ledger, unless there is one.
func (r *Runner) bear(ctx context.Context, control sdk.Ledger) error {
	c, err := ledger.DecodeControl(control.Entries())
	if err != nil {
		return err
	}
	if c.Birth == nil {
		r.mu.Lock()
		streams := r.streams
		r.mu.Unlock()
		if surveyor, ok := r.source.(sdk.Surveyor); ok {
			if streams, err = surveyor.Survey(ctx); err != nil {
				return err
			}
		}
		entries, err := ledger.NewBirth(r.identity(), streams).Entries()
		if err != nil {
			return err
		}
		if err := control.Commit(ctx, entries); err != nil {
			return err
		}
	}
	return r.readControl(ctx)
}
