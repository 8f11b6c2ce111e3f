// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/sdk"
)

// prepare makes a batch ready to be written: transformed, without what was rejected,
// and with topics to go to. If stop is not nil, the batch ends before what the
// partition stops at.
func (f *flow) prepare(ctx context.Context, b *sdk.Batch, pending *pendingBatch) (stop *sdk.PartitionError, err error) {
	all, err := f.transform(ctx, b, pending)
	if err != nil {
		return nil, err
	}
	if stop, err = f.settleRejected(b, pending, all); err != nil {
		return nil, err
	}
	return stop, f.reach(ctx, b)
}

func (f *flow) transformError(i int, b *sdk.Batch, err error) error {
	if pe, ok := sdk.AsPartitionError(err); ok && pe.TopicPartition == b.Source.TopicPartition {
		return pe
	}
	err = fmt.Errorf("transform %s: %w", stageName(f.runner.spec.Load(), i), err)
	if _, ok := errors.AsType[*sdk.RetryError](err); ok {
		return err // the time to stop is over
	}
	return &sdk.PartitionError{TopicPartition: b.Source.TopicPartition, Reason: sdk.ReasonTransform, Offsets: b.Offsets, Err: err}
}

// stageName is what a transform is called: its plugin, and its number among those of
// the same one, if there are several.
func stageName(p *config.Pipeline, i int) string {
	name, before, all := p.Transforms[i].Plugin, 0, 0
	for n, t := range p.Transforms {
		if t.Plugin != name {
			continue
		}
		all++
		if n <= i {
			before++
		}
	}
	if all == 1 {
		return name
	}
	return fmt.Sprintf("%s#%d", name, before)
}

// transform brings a batch through the transforms. What they reject is not in it any
// more.
func (f *flow) transform(ctx context.Context, b *sdk.Batch, pb *pendingBatch) ([]rejected, error) {
	spec := f.runner.spec.Load()
	var out []rejected
	for i, t := range f.runner.transforms {
		if err := f.apply(ctx, t, b); err != nil {
			return nil, f.transformError(i, b, err)
		}
		dropped, refused, err := b.Outcome()
		if err != nil {
			return nil, f.transformError(i, b, err)
		}
		if dropped > 0 {
			pb.dropped = counted(pb.dropped, stageName(spec, i), int64(dropped))
		}
		for _, r := range refused {
			out = append(out, rejected{r, stageName(spec, i)})
		}
	}
	slices.SortStableFunc(out, func(a, b rejected) int { return cmp.Compare(a.Offset, b.Offset) })
	return out, nil
}

func counted(counts map[string]int64, key string, n int64) map[string]int64 {
	if counts == nil {
		counts = map[string]int64{}
	}
	counts[key] += n
	return counts
}

const (
	retryLeast = 10 * time.Millisecond
	retryMost  = time.Minute
)

// apply applies a transform, again and again as long as it asks for that.
func (f *flow) apply(ctx context.Context, t sdk.Transform, b *sdk.Batch) error {
	for {
		err := t.Apply(ctx, b)
		again, is := errors.AsType[*sdk.RetryError](err)
		if !is {
			return err
		}
		f.runner.health.trouble(f.runner.log, fmt.Errorf("%s offsets %s: %w", b.Source.TopicPartition, b.Offsets, err))
		pause := time.NewTimer(min(max(again.After, retryLeast), retryMost))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}
