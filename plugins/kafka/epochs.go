// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// epochsBefore gives each offset the epoch of the record before it. ListOffsets
// gives a log's end the epoch of its leader, also if that leader has not written
// a record. Such an epoch is forgotten at the next election, and the log would
// then seem to be another one than the position was in. Where it cannot be asked
// for, there is none.
func (s *source) epochsBefore(ctx context.Context, found map[sdk.TopicPartition]offsetAt) {
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.ReplicaID = -1
	for tp, at := range found {
		if at.epoch <= 0 {
			continue // no epoch, or none before it
		}
		p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
		p.Partition, p.CurrentLeaderEpoch, p.LeaderEpoch = tp.Partition, -1, at.epoch-1
		t := kmsg.NewOffsetForLeaderEpochRequestTopic()
		t.Topic = tp.Topic
		t.Partitions = append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	if len(req.Topics) == 0 {
		return
	}
	before := map[sdk.TopicPartition]kmsg.OffsetForLeaderEpochResponseTopicPartition{}
	for _, shard := range s.client.RequestSharded(ctx, req) {
		if shard.Err != nil {
			continue
		}
		for _, t := range shard.Resp.(*kmsg.OffsetForLeaderEpochResponse).Topics {
			for _, p := range t.Partitions {
				before[sdk.TopicPartition{Topic: t.Topic, Partition: p.Partition}] = p
			}
		}
	}
	for tp, at := range found {
		if at.epoch <= 0 {
			continue
		}
		switch p, ok := before[tp]; {
		case !ok || p.ErrorCode != 0:
			at.epoch = sdk.NoEpoch
		case p.LeaderEpoch >= 0 && p.EndOffset >= at.offset: // earlier epochs reach as far
			at.epoch = p.LeaderEpoch
		}
		found[tp] = at
	}
}
