// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"fmt"

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
		if !stored && !fresh && !f.birth.has(s) {
			if at, err = f.firstOf(ctx, s.Topic, ledgers); err != nil {
				return nil, nil, err
			}
		}
		switch {
		case at.TopicID == sdk.TopicID{}, at.TopicID == s.TopicID:
			usual = append(usual, s)
		case stored:
			apart = append(apart, s)
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
	number := laneOf(tp, f.runner.store.Lanes())
	if _, ok := ledgers[number]; !ok {
		entries, err := f.runner.store.Read(ctx, number)
		if err != nil {
			return sdk.Position{}, err
		}
		if ledgers[number], err = decodePositions(entries); err != nil {
			return sdk.Position{}, err
		}
	}
	return ledgers[number][tp], nil
}

// refuseRecreated stops a partition that is not read: its topic was read under
// another id than it has now.
func (f *flow) refuseRecreated(at sdk.Position, now sdk.TopicID) {
	f.mu.Lock()
	if _, ok := f.partitions[at.TopicPartition]; !ok {
		p := newPartition(at.Stream, f.runner.topics.target(at.Topic))
		p.at(at)
		f.partitions[at.TopicPartition] = p
	}
	f.mu.Unlock()
	f.stopPartition(&sdk.PartitionError{
		TopicPartition: at.TopicPartition, Reason: sdk.ReasonRecreated, Offsets: sdk.Offsets{From: at.Offset, To: at.Offset},
		Err: fmt.Errorf("the topic was deleted and made again: it was read up to offset %d as topic id %s, and is now topic id %s", at.Offset, at.TopicID, now),
		Fix: "what the old topic held behind that offset is lost; to copy the new one, read it by a pipeline of another name",
	})
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
