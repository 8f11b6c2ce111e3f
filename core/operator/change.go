// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// Change is a position that is to be moved: planned, not yet carried out.
type Change struct {
	sdk.TopicPartition
	From sdk.Position
	To   sdk.Position
	// Gap is what will be passed over; nil if nothing is. It is exact if the
	// partition does not move meanwhile.
	Gap *ledger.Gap
	// Repeats is how many offsets will be copied again.
	Repeats int64

	lane int
	move ledger.Move
	stop *ledger.Stop
}

// Skip plans to let a partition go on past what stopped it, or at an offset (-1 is
// none) further on.
func (d *Desk) Skip(ctx context.Context, tp sdk.TopicPartition, offset int64) (*Change, error) {
	c, stop, err := d.change(ctx, tp, "positions skip")
	if err != nil {
		return nil, err
	}
	c.move.Forward = true
	switch {
	case offset >= 0:
		if c.To, err = d.within(ctx, c.From.Stream, offset); err != nil {
			return nil, err
		}
		if c.To.TopicID == c.From.TopicID && offset <= c.From.Offset {
			return nil, d.refuse(tp, "it is at offset %d already; skip goes forward only. To copy again, use positions set or reset", c.From.Offset)
		}
	case stop == nil:
		return nil, d.refuse(tp, "it is not stopped, so there is nothing to skip; say where it shall go on with --to OFFSET")
	case stop.Resume == nil:
		return nil, d.refuse(tp, "what stopped it names no place to go on: %s. Mend that, or say where it shall go on with --to OFFSET", stop.Error)
	default:
		if c.To, err = stop.Resume.Position(tp); err != nil {
			return nil, err
		}
	}
	return c.complete(stop), nil
}

// Set plans to let a partition go on at an offset of its log.
func (d *Desk) Set(ctx context.Context, tp sdk.TopicPartition, offset int64) (*Change, error) {
	c, stop, err := d.change(ctx, tp, fmt.Sprintf("positions set --offset %d", offset))
	if err != nil {
		return nil, err
	}
	if c.To, err = d.within(ctx, c.From.Stream, offset); err != nil {
		return nil, err
	}
	return c.complete(stop), nil
}

// Reset plans to let partitions go on at a place that is named as in `since`.
func (d *Desk) Reset(ctx context.Context, scope ledger.Scope, where string) ([]*Change, error) {
	if err := d.checkScope(ctx, scope); err != nil {
		return nil, err
	}
	known, err := d.partitions(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.checkWhere(ctx, where); err != nil {
		return nil, err
	}
	var changes []*Change
	var stops []*ledger.Stop
	var streams []sdk.Stream
	for _, tp := range known {
		if !scope.Holds(tp) {
			continue
		}
		c, stop, err := d.change(ctx, tp, "positions reset --to "+where)
		if err != nil {
			return nil, err
		}
		changes, stops, streams = append(changes, c), append(stops, stop), append(streams, c.From.Stream)
	}
	places, err := d.resolve(ctx, streams, where)
	if err != nil {
		return nil, err
	}
	for i, c := range changes {
		var ok bool
		if c.To, ok = places[c.TopicPartition]; !ok {
			return nil, d.unresolved(c.TopicPartition, where)
		}
		c.complete(stops[i])
	}
	return changes, nil
}

// change begins a plan: where the partition is, and why it is stopped, if it is.
func (d *Desk) change(ctx context.Context, tp sdk.TopicPartition, cause string) (*Change, *ledger.Stop, error) {
	c := &Change{TopicPartition: tp, lane: ledger.LaneOf(tp, d.store.Lanes())}
	l, err := d.lane(ctx, c.lane)
	if err != nil {
		return nil, nil, err
	}
	var known bool
	if c.From, known = l.Positions[tp]; !known {
		all, err := d.partitions(ctx)
		if err != nil {
			return nil, nil, err
		}
		return nil, nil, d.unknown(tp, all)
	}
	c.move = ledger.Move{TopicPartition: tp, ID: rand.Text(), Cause: cause}
	if s, stopped := l.Stops[tp]; stopped {
		return c, &s, nil
	}
	return c, nil, nil
}

// complete says what the change costs.
func (c *Change) complete(stop *ledger.Stop) *Change {
	c.stop, c.Gap, c.Repeats = stop, nil, 0
	c.To.Target = c.From.Target
	c.move.To = ledger.PlaceOf(c.To)
	reason, text := ledger.ReasonSkipped, ""
	if stop != nil {
		reason, text = stop.Reason, stop.Error
	}
	if g, ok := ledger.GapBetween(c.From, c.To, reason); ok {
		g.Cause, g.Error = c.move.Cause, text
		c.Gap = &g
	} else {
		c.Repeats = c.From.Offset - c.To.Offset
	}
	return c
}
