// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"fmt"
	"time"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// setApart returns the partitions that may need a target, apart from those of
// topics that were deleted and made again. Of these, partitions that have a
// position are read, which is what stops them; partitions that only the new
// topic has stop here, or they would be mixed with what the old one held. A fresh
// run knows of no old one.
func (f *flow) setApart(ctx context.Context, streams []sdk.Stream, fresh bool) (usual, apart []sdk.Stream, err error) {
	ledgers := map[int]map[sdk.TopicPartition]sdk.Position{f.lane.number: f.stored}
	for _, s := range streams {
		at, stored := f.stored[s.TopicPartition]
		if !stored && !fresh && !f.birth.Has(s) {
			if at, err = f.firstOf(ctx, s.Topic, ledgers); err != nil {
				return nil, nil, err
			}
		}
		switch {
		case at.TopicID == sdk.TopicID{}, at.TopicID == s.TopicID:
			usual = append(usual, s)
		case stored:
			apart = append(apart, s)
		case f.runner.restartsRecreated():
			usual = append(usual, s)
		default:
			f.refuseRecreated(sdk.Position{Stream: sdk.Stream{TopicPartition: s.TopicPartition, TopicID: at.TopicID}}, s.TopicID)
		}
	}
	return usual, apart, nil
}

// firstOf returns the position of a topic's partition 0, whichever lane has it;
// the zero position if there is none.
func (f *flow) firstOf(ctx context.Context, topic string, ledgers map[int]map[sdk.TopicPartition]sdk.Position) (sdk.Position, error) {
	tp := sdk.TopicPartition{Topic: topic}
	number := ledger.LaneOf(tp, f.runner.store.Lanes())
	if _, ok := ledgers[number]; !ok {
		entries, err := f.runner.store.Read(ctx, number)
		if err != nil {
			return sdk.Position{}, err
		}
		l, err := ledger.DecodeLane(entries)
		if err != nil {
			return sdk.Position{}, err
		}
		ledgers[number] = l.Positions
	}
	return ledgers[number][tp], nil
}

// refuseRecreated stops a partition that is not read: its topic was read under
// another id than it has now.
func (f *flow) refuseRecreated(at sdk.Position, now sdk.TopicID) {
	f.mu.Lock()
	if _, ok := f.partitions[at.TopicPartition]; !ok {
		p := newPartition(at.Stream, f.runner.topics.target(at.Topic))
		f.partitions[at.TopicPartition] = p
		if _, stored := f.stored[at.TopicPartition]; stored {
			p.at(at)
		} else { // of the new topic only: when the others have gone on with it, so does this one
			p.retryAt = time.Now().Add(retryTarget)
		}
	}
	f.mu.Unlock()
	f.stopPartition(&sdk.PartitionError{
		TopicPartition: at.TopicPartition, Reason: sdk.ReasonRecreated, Offsets: sdk.Offsets{From: at.Offset, To: at.Offset},
		Err: fmt.Errorf("the topic was deleted and made again: it was read up to offset %d as topic id %s, and is now topic id %s", at.Offset, at.TopicID, now),
		Fix: `what the old topic held behind that offset is lost; to go on with the new one, set on_recreate = "restart", or use klamm positions skip`,
	})
}

// restartsRecreated reports whether the file wants topics that were made again to
// be copied from their beginning. What a bounded run shall copy is settled when it
// begins: a topic that is made again in its course is none of it.
func (r *Runner) restartsRecreated() bool {
	return r.spec.Load().Settings.OnRecreate == config.OnRecreateRestart && !r.source.Bounded()
}

// leftBehind reports whether a partition's topic was made again without it, and
// that is no reason to stop. The caller holds the mutex.
func (f *flow) leftBehind(p *partition) bool {
	return p.stop != nil && p.stop.Reason == sdk.ReasonRecreated && p.stop.Resume == nil && p.turn == nil &&
		f.runner.restartsRecreated() && f.settledDown(p)
}

// forget removes the position and the mapping of a partition that the topic does
// not have any more since it was made again, and leaves a gap record.
func (f *flow) forget(ctx context.Context, at sdk.Position) error {
	now := time.Now()
	gap := ledger.Gap{
		Stream: at.Stream, Offsets: sdk.Offsets{From: at.Offset, To: ledger.OpenEnd}, Reason: sdk.ReasonRecreated,
		Cause: `on_recreate = "restart"`, Error: "the topic was made again with fewer partitions", At: now,
	}
	e, err := gap.Entry()
	if err != nil {
		return err
	}
	stored, err := f.readBack(ctx)
	if err != nil {
		return err
	}
	entries := append(stored.Mapping(at.TopicPartition).Remove(), e, sdk.Entry{Key: sdk.PositionKey(at.TopicPartition)}, ledger.UnstopEntry(at.TopicPartition))
	if err := f.store(ctx, nil, entries...); err != nil {
		return err
	}
	f.mu.Lock()
	delete(f.partitions, at.TopicPartition)
	delete(f.stored, at.TopicPartition)
	delete(f.tails, at.TopicPartition)
	delete(f.notes.stops, at.TopicPartition)
	f.mu.Unlock()
	f.runner.log.Warn("partition is gone since its topic was made again; a gap record says so", "topic", at.Topic, "partition", at.Partition, "offset", at.Offset)
	return nil
}

// topicID returns the id of a topic, as last seen; false if there is none.
func (r *Runner) topicID(topic string) (sdk.TopicID, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.streams {
		if s.Topic == topic {
			return s.TopicID, true
		}
	}
	return sdk.TopicID{}, false
}
