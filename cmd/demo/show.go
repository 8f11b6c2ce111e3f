// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/klamm-io/klamm/core/runner"
)

const (
	redraw = 250 * time.Millisecond
	tell   = 2 * time.Second // on what is no terminal
)

// show writes the traffic and shows it arriving, until it has ended and all of
// it has arrived.
func show(ctx context.Context, o Options, m *mirror, t *traffic, west *side) error {
	if err := ready(ctx, m); err != nil {
		return err
	}
	writing, stop := context.WithTimeout(ctx, o.Duration)
	defer stop()
	written := make(chan error, 1)
	go func() { written <- t.write(writing) }()

	table := newTable(o, t)
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	var deadline <-chan time.Time // of catching up
	for {
		select {
		case <-ctx.Done():
			return errors.New("interrupted")
		case <-m.ended:
			return fmt.Errorf("the mirror ended: %w", m.err)
		case <-deadline:
			return fmt.Errorf("the mirror did not catch up within %s of the end of the traffic", catchUpTimeout)
		case err := <-written:
			if err != nil {
				return err
			}
			written, deadline = nil, time.After(catchUpTimeout)
		case <-tick.C:
		}
		at, err := west.counts(ctx, table.targets()...)
		if err != nil {
			return err
		}
		caughtUp := deadline != nil && table.arrived(at) && m.Status().LagRecords == 0
		table.show(time.Now(), at, caughtUp)
		if caughtUp {
			return nil
		}
	}
}

func ready(ctx context.Context, m *mirror) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(startTimeout)
	for m.Status().State != runner.Running {
		select {
		case <-ctx.Done():
			return errors.New("interrupted")
		case <-m.ended:
			return fmt.Errorf("the mirror did not start: %w", m.err)
		case <-deadline:
			return fmt.Errorf("the mirror did not start within %s", startTimeout)
		case <-tick.C:
		}
	}
	return nil
}
