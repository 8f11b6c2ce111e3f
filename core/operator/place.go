// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"fmt"
	"slices"

	"github.com/klamm-io/klamm/sdk"
)

// within is a position at an offset, which has to lie in the log.
func (d *Desk) within(ctx context.Context, s sdk.Stream, offset int64) (sdk.Position, error) {
	first, err := d.resolveOne(ctx, s, "earliest")
	if err != nil {
		return sdk.Position{}, err
	}
	last, err := d.resolveOne(ctx, s, "latest")
	if err != nil {
		return sdk.Position{}, err
	}
	switch {
	case offset < first.Offset:
		return sdk.Position{}, d.refuse(s.TopicPartition, "offset %d is not there: the log begins at %d; use that, or positions reset --to earliest", offset, first.Offset)
	case offset > last.Offset:
		return sdk.Position{}, d.refuse(s.TopicPartition, "offset %d is beyond the log, which ends at %d; records that come later would be passed over. Use at most %d, or positions reset --to latest", offset, last.Offset, last.Offset)
	case offset == first.Offset:
		return first, nil
	case offset == last.Offset:
		return last, nil
	}
	return sdk.Position{Stream: first.Stream, Offset: offset, LeaderEpoch: sdk.NoEpoch}, nil
}

// resolver is the source as far as it can say where a place is.
func (d *Desk) resolver() (sdk.Resolver, error) {
	if d.source == nil {
		return nil, fmt.Errorf("pipeline %s: the source has to be asked, and cannot be reached: %w", d.pipeline.Name, d.noSource)
	}
	resolver, ok := d.source.(sdk.Resolver)
	if !ok {
		return nil, &RequestError{fmt.Errorf("pipeline %s: source %s cannot say where a place is", d.pipeline.Name, d.pipeline.Source.Plugin)}
	}
	return resolver, nil
}

// checkWhere refuses a place that is none: asked about no partition, a source can
// object to nothing else.
func (d *Desk) checkWhere(ctx context.Context, where string) error {
	resolver, err := d.resolver()
	if err != nil {
		return err
	}
	if _, err := resolver.Resolve(ctx, nil, where); err != nil {
		return &RequestError{fmt.Errorf("pipeline %s: %w", d.pipeline.Name, err)}
	}
	return nil
}

// resolve asks the source; partitions it cannot tell are left out. A topic that was
// made again since is another one, and its own id is what the positions then have.
func (d *Desk) resolve(ctx context.Context, of []sdk.Stream, where string) (map[sdk.TopicPartition]sdk.Position, error) {
	resolver, err := d.resolver()
	if err != nil {
		return nil, err
	}
	there, err := d.source.Partitions(ctx)
	if err != nil {
		return nil, fmt.Errorf("pipeline %s: %w", d.pipeline.Name, err)
	}
	now := make(map[sdk.TopicPartition]sdk.Stream, len(there))
	for _, s := range there {
		now[s.TopicPartition] = s
	}
	of = slices.Clone(of)
	for i, s := range of {
		if again, ok := now[s.TopicPartition]; ok {
			of[i] = again
		}
	}
	found, err := resolver.Resolve(ctx, of, where)
	if err != nil {
		return nil, fmt.Errorf("pipeline %s: %w", d.pipeline.Name, err)
	}
	places := make(map[sdk.TopicPartition]sdk.Position, len(found))
	for _, p := range found {
		places[p.TopicPartition] = p
	}
	return places, nil
}

func (d *Desk) resolveOne(ctx context.Context, s sdk.Stream, where string) (sdk.Position, error) {
	places, err := d.resolve(ctx, []sdk.Stream{s}, where)
	if err != nil {
		return sdk.Position{}, err
	}
	p, ok := places[s.TopicPartition]
	if !ok {
		return p, d.unresolved(s.TopicPartition, where)
	}
	return p, nil
}

func (d *Desk) unresolved(tp sdk.TopicPartition, where string) error {
	return d.errorf(tp, "the source cannot say now where %q is; does the topic still exist?", where)
}
