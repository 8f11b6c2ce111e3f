// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// The timestamps that ListOffsets takes for the ends of a log.
const (
	timestampLatest        = -1
	timestampEarliest      = -2
	timestampEarliestLocal = -4 // KIP-405
)

const (
	isolationUncommitted = 0
	isolationCommitted   = 1
)

// offsetAt is an answer of ListOffsets.
type offsetAt struct {
	offset int64 // -1 if no record is that young
	epoch  int32
	err    error
}

func (s *source) isolation() int8 {
	if s.config.Isolation == "read_uncommitted" {
		return isolationUncommitted
	}
	return isolationCommitted
}

// listOffsets asks for the first offset at or after a time, in milliseconds. The
// latest offset of a read_committed source is its last stable offset.
func (s *source) listOffsets(ctx context.Context, streams []sdk.Stream, timestamp int64) (map[sdk.TopicPartition]offsetAt, error) {
	return listOffsets(ctx, s.client, streams, timestamp, s.isolation())
}

func listOffsets(ctx context.Context, c *client, streams []sdk.Stream, timestamp int64, isolation int8) (map[sdk.TopicPartition]offsetAt, error) {
	out := make(map[sdk.TopicPartition]offsetAt, len(streams))
	if len(streams) == 0 {
		return out, nil
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	req.IsolationLevel = isolation
	topics := map[string]int{}
	for _, stream := range streams {
		i, ok := topics[stream.Topic]
		if !ok {
			t := kmsg.NewListOffsetsRequestTopic()
			t.Topic = stream.Topic
			req.Topics = append(req.Topics, t)
			i = len(req.Topics) - 1
			topics[stream.Topic] = i
		}
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp, p.CurrentLeaderEpoch = stream.Partition, timestamp, -1
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, p)
	}
	var failed error
	for _, shard := range c.RequestSharded(ctx, req) {
		if shard.Err != nil {
			failed = fmt.Errorf("listing offsets: %w", shard.Err)
			continue
		}
		for _, t := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
			for _, p := range t.Partitions {
				out[sdk.TopicPartition{Topic: t.Topic, Partition: p.Partition}] = offsetAt{p.Offset, p.LeaderEpoch, kerr.ErrorForCode(p.ErrorCode)}
			}
		}
	}
	if failed == nil {
		for _, stream := range streams {
			if _, ok := out[stream.TopicPartition]; !ok {
				out[stream.TopicPartition] = offsetAt{offset: -1, epoch: sdk.NoEpoch, err: kerr.UnknownTopicOrPartition}
			}
		}
	}
	return out, failed
}

// resolve finds the offset that a bound means in each partition; those of which
// it cannot be said now have an error. Nothing lies outside the log, so an
// offset outside is moved to its nearer end.
func (s *source) resolve(ctx context.Context, streams []sdk.Stream, b bound) (map[sdk.TopicPartition]offsetAt, error) {
	switch {
	case b.name == earliest:
		return s.listOffsets(ctx, streams, timestampEarliest)
	case b.name == latest:
		return s.listOffsets(ctx, streams, timestampLatest)
	}
	timed := !b.time.IsZero()
	asked := int64(timestampEarliest)
	if timed {
		asked = b.time.UnixMilli()
	}
	found, err := s.listOffsets(ctx, streams, asked)
	if err != nil {
		return nil, err
	}
	last, err := s.listOffsets(ctx, streams, timestampLatest)
	if err != nil {
		return nil, err
	}
	for tp, end := range last {
		at := found[tp]
		switch {
		case at.err != nil:
		case end.err != nil, timed && (at.offset < 0 || at.offset > end.offset), !timed && b.offset >= end.offset:
			found[tp] = end
		case !timed && b.offset > at.offset:
			found[tp] = offsetAt{offset: b.offset, epoch: sdk.NoEpoch}
		}
	}
	return found, nil
}

func (s *source) resolveEnds(ctx context.Context, streams []sdk.Stream) (map[sdk.Stream]int64, error) {
	until, err := parseBound(s.config.Until)
	if err != nil {
		return nil, err
	}
	found, err := s.resolve(ctx, streams, until)
	if err != nil {
		return nil, fmt.Errorf("resolving where to end: %w", err)
	}
	ends := make(map[sdk.Stream]int64, len(streams))
	for _, stream := range streams {
		at := found[stream.TopicPartition]
		if at.err != nil {
			return nil, fmt.Errorf("resolving where %s ends: %w", stream.TopicPartition, at.err)
		}
		ends[stream] = at.offset
	}
	return ends, nil
}
