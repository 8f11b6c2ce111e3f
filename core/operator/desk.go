// SPDX-License-Identifier: Apache-2.0

// Package operator is what a person does with a pipeline by hand, beside whatever
// runs it: see how it is, pause it, move a position. It goes by what the pipeline
// keeps on its target, so it sees all its processes, and needs none of them.
package operator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/sdk"
)

// Desk is where a person sits: a pipeline's store and, if it can be reached, its
// source. It is safe for concurrent use.
type Desk struct {
	pipeline *config.Pipeline
	store    sdk.Store
	source   sdk.Source // nil if it cannot be reached
	noSource error      // why
	running  *runner.Runner
	close    []func() error
}

// Open connects to both ends of a pipeline. It creates nothing: without a store
// the error is sdk.ErrNoStore. A source that cannot be reached is no error; what
// needs it then says so.
func Open(ctx context.Context, p *config.Pipeline, log *slog.Logger) (*Desk, error) {
	d := &Desk{pipeline: p}
	env := sdk.Env{
		Pipeline: p.Name, Log: log, Memory: sdk.NewBudget(1 << 20),
		Trouble: func(err error) { log.Debug("retrying", "pipeline", p.Name, "error", err) },
	}
	fail := func(err error) (*Desk, error) {
		return nil, errors.Join(fmt.Errorf("pipeline %s: %w", p.Name, err), d.Close())
	}
	sink, err := p.Sink.Config.NewSink(ctx, env)
	if err != nil {
		return fail(err)
	}
	d.close = append(d.close, sink.Close)
	storer, ok := sink.(sdk.Storer)
	if !ok {
		return fail(fmt.Errorf("sink %s keeps no positions", p.Sink.Plugin))
	}
	if d.store, err = storer.Store(ctx, p.Name, sdk.Existing); err != nil {
		return fail(err)
	}
	d.close = append(d.close, d.store.Close)
	if _, err := d.control(ctx); err != nil {
		return fail(err)
	}
	if d.source, d.noSource = p.Source.Config.NewSource(ctx, env); d.noSource != nil {
		d.source = nil
		return d, nil
	}
	d.close = append(d.close, d.source.Close)
	return d, nil
}

// Of is the desk of a pipeline that runs in this process; it needs no Close. What
// this process does is then told as it is, not as it was last written down.
func Of(r *runner.Runner) (*Desk, error) {
	p, source, store, ok := r.Ends()
	if !ok {
		return nil, fmt.Errorf("pipeline %s: it is just starting: try again in a moment", p.Name)
	}
	return &Desk{pipeline: p, source: source, store: store, running: r}, nil
}

// Close ends what Open has begun.
func (d *Desk) Close() error {
	var errs []error
	for _, end := range slices.Backward(d.close) {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}

// Pipeline is the pipeline's name.
func (d *Desk) Pipeline() string { return d.pipeline.Name }

// control reads the control lane's ledger.
func (d *Desk) control(ctx context.Context) (*ledger.Control, error) {
	entries, err := d.store.Read(ctx, sdk.ControlLane)
	if err != nil {
		return nil, err
	}
	c, err := ledger.DecodeControl(entries)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.store.Name(), err)
	}
	if c.Birth == nil {
		return nil, sdk.ErrNoStore
	}
	return c, nil
}

// lane reads the ledger of a lane.
func (d *Desk) lane(ctx context.Context, number int) (*ledger.Lane, error) {
	entries, err := d.store.Read(ctx, number)
	if err != nil {
		return nil, err
	}
	l, err := ledger.DecodeLane(entries)
	if err != nil {
		return nil, fmt.Errorf("%s, lane %d: %w", d.store.Name(), number, err)
	}
	return l, nil
}

// lanes reads the ledgers of all lanes; that of lane k is at k-1.
func (d *Desk) lanes(ctx context.Context) ([]*ledger.Lane, error) {
	all := make([]*ledger.Lane, d.store.Lanes())
	for i := range all {
		var err error
		if all[i], err = d.lane(ctx, i+1); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Gaps lists what was passed over, oldest first.
func (d *Desk) Gaps(ctx context.Context) ([]ledger.Gap, error) {
	lanes, err := d.lanes(ctx)
	if err != nil {
		return nil, err
	}
	var gaps []ledger.Gap
	for _, l := range lanes {
		gaps = append(gaps, l.Gaps...)
	}
	slices.SortStableFunc(gaps, func(a, b ledger.Gap) int { return a.At.Compare(b.At) })
	return gaps, nil
}

// attempts is how often something is said to the control lane while others speak.
const attempts = 5

// say writes into the control lane's ledger, owning it for a moment.
func (d *Desk) say(ctx context.Context, entries ...sdk.Entry) error {
	return d.sayOf(ctx, func(*ledger.Control) []sdk.Entry { return entries })
}

// sayOf writes what follows from what is said already; nobody speaks in between.
func (d *Desk) sayOf(ctx context.Context, what func(*ledger.Control) []sdk.Entry) error {
	var err error
	for range attempts {
		if err = d.sayOnce(ctx, what); !errors.Is(err, sdk.ErrFenced) {
			return err
		}
	}
	return err
}

func (d *Desk) sayOnce(ctx context.Context, what func(*ledger.Control) []sdk.Entry) error {
	control, err := d.store.Open(ctx, sdk.ControlLane)
	if err != nil {
		return err
	}
	said, err := ledger.DecodeControl(control.Entries())
	if err == nil {
		err = control.Commit(ctx, what(said))
	}
	return errors.Join(err, control.Close())
}
