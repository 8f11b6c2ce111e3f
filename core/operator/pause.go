// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// Pause stops the reading of a pipeline, a topic or a partition, in all processes
// and over restarts, until Resume. Running processes follow within a second or two
// and finish what is in flight. By says who wants it.
func (d *Desk) Pause(ctx context.Context, scope ledger.Scope, by string) error {
	if err := d.checkScope(ctx, scope); err != nil {
		return err
	}
	e, err := ledger.Pause{At: time.Now().UTC().Format(time.RFC3339), By: by}.Entry(scope)
	if err != nil {
		return err
	}
	return d.say(ctx, e)
}

// Resume ends a pause. Only what was paused can be resumed: a partition whose
// whole topic is paused is not.
func (d *Desk) Resume(ctx context.Context, scope ledger.Scope) error {
	c, err := d.control(ctx)
	if err != nil {
		return err
	}
	if _, paused := c.Pauses[scope]; !paused {
		return &RequestError{fmt.Errorf("pipeline %s: %s is not paused%s", d.pipeline.Name, scope, others(c.Pauses))}
	}
	return d.say(ctx, ledger.ResumeEntry(scope))
}

func others(pauses ledger.Pauses) string {
	var all []string
	for s := range pauses {
		all = append(all, s.String())
	}
	if len(all) == 0 {
		return "; nothing is"
	}
	slices.Sort(all)
	return fmt.Sprintf("; paused are %q: resume these", all)
}

// checkScope refuses what the pipeline does not have.
func (d *Desk) checkScope(ctx context.Context, scope ledger.Scope) error {
	if scope.Topic == "" {
		return nil
	}
	known, err := d.partitions(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(known, scope.Holds) {
		return nil
	}
	return d.unknown(sdk.TopicPartition(scope), known)
}

// partitions are those that have a position.
func (d *Desk) partitions(ctx context.Context) ([]sdk.TopicPartition, error) {
	lanes, err := d.lanes(ctx)
	if err != nil {
		return nil, err
	}
	var all []sdk.TopicPartition
	for _, l := range lanes {
		for tp := range l.Positions {
			all = append(all, tp)
		}
	}
	slices.SortFunc(all, compare)
	return all, nil
}
