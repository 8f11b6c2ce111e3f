// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"fmt"

	"github.com/klamm-io/klamm/sdk"
)

// Open connects both ends and checks what must hold before anything is read. Run
// does it by itself; who calls it before learns whether the pipeline can run, and
// then calls Run or Close.
func (r *Runner) Open(ctx context.Context) error {
	if r.opened {
		return nil
	}
	if err := r.open(ctx); err != nil {
		err = fmt.Errorf("pipeline %s: %w", r.name, err)
		r.health.end(Failed, err)
		return err
	}
	r.opened = true
	return nil
}

// Close gives up a run that was opened, and is not going to Run.
func (r *Runner) Close() { r.close() }

func (r *Runner) open(ctx context.Context) error {
	var err error
	p := r.spec.Load()
	if r.source, err = p.Source.Config.NewSource(ctx, r.env("source", p.Source.Plugin, r.memory[0])); err != nil {
		return fmt.Errorf("source %s: %w", p.Source.Plugin, err)
	}
	if r.fresh && !r.source.Bounded() {
		return &sdk.EnvironmentError{Err: errors.New("a fresh start is for bounded runs: without an end this run would copy everything again"), Fix: "give the source an until, or leave --fresh out"}
	}
	for _, t := range p.Transforms {
		made, err := t.Config.NewTransform(ctx, r.env("transform", t.Plugin, nil))
		if err != nil {
			return fmt.Errorf("transform %s: %w", t.Plugin, err)
		}
		r.transforms = append(r.transforms, made)
	}
	if r.sink, err = p.Sink.Config.NewSink(ctx, r.env("sink", p.Sink.Plugin, r.memory[1])); err != nil {
		return fmt.Errorf("sink %s: %w", p.Sink.Plugin, err)
	}
	if r.topics, err = newTopics(p, r.source, r.sink); err != nil {
		return err
	}
	r.listed = p
	if r.streams, err = r.source.Partitions(ctx); err != nil {
		return fmt.Errorf("source %s: %w", p.Source.Plugin, err)
	}
	if err := r.topics.check(r.streams); err != nil {
		return err
	}
	if err := r.openStore(ctx); err != nil {
		return err
	}
	return r.readControl(ctx)
}

func (r *Runner) openStore(ctx context.Context) error {
	p := r.spec.Load()
	storer, ok := r.sink.(sdk.Storer)
	if !ok {
		return fmt.Errorf("sink %s: it offers no place for positions, and none is named in the file", p.Sink.Plugin)
	}
	if r.resumes {
		found, err := storer.Store(ctx, p.Name, sdk.Existing)
		if errors.Is(err, sdk.ErrNoStore) {
			err = &sdk.EnvironmentError{Err: err, Fix: "it is not what the pipeline writes to now; give it another name to copy to another cluster"}
		}
		if err == nil {
			err = found.Close()
		}
		if err != nil {
			return fmt.Errorf("sink %s: %w", p.Sink.Plugin, err)
		}
	}
	var err error
	if r.store, err = storer.Store(ctx, p.Name, p.Settings.Lanes); err != nil {
		return fmt.Errorf("sink %s: %w", p.Sink.Plugin, err)
	}
	return nil
}

func (r *Runner) env(kind, plugin string, memory *sdk.Budget) sdk.Env {
	log := r.log.With(kind, plugin)
	return sdk.Env{
		Pipeline: r.name, Log: log, Memory: memory,
		Trouble: func(err error) { r.health.trouble(log, err) },
	}
}
