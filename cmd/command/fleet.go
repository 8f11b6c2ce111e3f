// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/runner"
)

// fleet is the pipelines of one process, side by side.
type fleet struct{ runners []*runner.Runner }

func newFleet(pipelines []*config.Pipeline, o runner.Options) *fleet {
	f := &fleet{}
	for _, p := range pipelines {
		f.runners = append(f.runners, runner.New(p, o))
	}
	return f
}

// snapshot is a [status.Snapshot].
func (f *fleet) snapshot() []runner.Status {
	all := make([]runner.Status, len(f.runners))
	for i, r := range f.runners {
		all[i] = r.Status()
	}
	return all
}

// run runs all pipelines until each has ended; one that fails does not stop
// the others, and is told at once.
func (f *fleet) run(ctx context.Context, log *slog.Logger) error {
	release := context.AfterFunc(ctx, func() {
		log.Info("stopping: what is in flight is finished first; a second signal ends at once")
	})
	defer release()
	errs := make([]error, len(f.runners))
	var running sync.WaitGroup
	for i, r := range f.runners {
		running.Go(func() {
			if errs[i] = r.Run(ctx); errs[i] != nil && len(f.runners) > 1 {
				log.Error("a pipeline has failed; it does not stop the others", "pipeline", r.Status().Pipeline, "error", errs[i])
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}
