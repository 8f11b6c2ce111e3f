// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// outOfRange finds out why a log does not continue from the cursor. Nothing
// moves it to where there is data (invariant 7): the range is reported.
func (s *source) outOfRange(ctx context.Context, c *cursor) {
	one := []sdk.Stream{c.stream}
	first, err1 := listOffsets(ctx, s.client, one, timestampEarliest, isolationUncommitted)
	last, err2 := listOffsets(ctx, s.client, one, timestampLatest, isolationUncommitted)
	s.epochsBefore(ctx, first)
	start, end := first[c.stream.TopicPartition], last[c.stream.TopicPartition]
	// Offsets are listed by name, and fetched by name before version 13: only
	// metadata that is younger tells that they are about the same topic.
	err3 := s.metadata.refresh(ctx)
	if err := errors.Join(err1, err2, err3, start.err, end.err); err != nil {
		s.env.Trouble(fmt.Errorf("cluster %s: %s: %w", s.client.name, c.stream.TopicPartition, err))
		c.retry.again(time.Now())
		return
	}
	switch {
	case s.vanished(c, time.Now()):
	case c.offset < start.offset:
		s.gap(c, sdk.Position{Stream: c.stream, Offset: start.offset, LeaderEpoch: start.epoch})
	case c.offset > end.offset:
		s.truncated(c, sdk.Position{Stream: c.stream, Offset: end.offset, LeaderEpoch: sdk.NoEpoch})
	default:
		s.doubt(c, fmt.Errorf("cluster %s says that offset %d is out of range, although its log is [%d, %d)", s.client.name, c.offset, start.offset, end.offset))
	}
}

// maxDoubts is how often a broker may contradict itself; a follower that is
// behind does.
const maxDoubts = 5

// diverged is about a log that does not know the epoch of what was read last, or
// in which it ends before the cursor. Only the latter is a truncation, as for
// Kafka's own consumer: an epoch of which compaction left nothing is unknown to a
// replica that was made later.
func (s *source) diverged(ctx context.Context, c *cursor, d kmsg.FetchResponseTopicPartitionDivergingEpoch) {
	switch err := s.metadata.refresh(ctx); {
	case err != nil:
		s.env.Trouble(fmt.Errorf("cluster %s: asking for metadata: %w", s.client.name, err))
		c.retry.again(time.Now())
	case s.recreated(c):
	case d.EndOffset < c.offset:
		s.truncated(c, sdk.Position{Stream: c.stream, Offset: d.EndOffset, LeaderEpoch: d.Epoch})
	default:
		c.epoch = d.Epoch
	}
}

// gap stops a cursor whose log now begins behind it.
func (s *source) gap(c *cursor, start sdk.Position) {
	at := sdk.Offsets{From: c.offset, To: start.Offset}
	c.stop(&sdk.PartitionError{
		Reason: sdk.ReasonGap, Offsets: at, Resume: &start,
		Err: fmt.Errorf("%d offsets were removed from cluster %s (retention or DeleteRecords) before they were read; its log now begins at %d", at.Count(), s.client.name, start.Offset),
		Fix: fmt.Sprintf(`to go on at offset %d, set on_gap = "skip" in the pipeline, or use klamm positions skip`, start.Offset),
	})
}

// truncated stops a cursor whose log is what was read only up to a position.
func (s *source) truncated(c *cursor, end sdk.Position) {
	c.stop(&sdk.PartitionError{
		Reason: sdk.ReasonTruncated, Offsets: sdk.Offsets{From: end.Offset, To: c.offset}, Resume: &end,
		Err: fmt.Errorf("the log of cluster %s was truncated (unclean leader election): offsets from %d on are no longer what was read", s.client.name, end.Offset),
		Fix: fmt.Sprintf(`the target holds records that the source has lost; to go on at offset %d, set on_truncate = "continue" in the pipeline, or use klamm positions skip`, end.Offset),
	})
}

// missingGrace is how long a topic may be unknown to brokers that are behind
// with their metadata, before it counts as deleted.
const missingGrace = 3 * time.Second

// vanished stops a cursor whose topic is gone, or is another one by now.
func (s *source) vanished(c *cursor, now time.Time) bool {
	_, ok := s.metadata.topic(c.stream.Topic)
	switch {
	case s.recreated(c):
		return true
	case ok:
		c.missing = time.Time{}
	case c.missing.IsZero():
		c.missing = now
	case now.Sub(c.missing) > missingGrace:
		c.stop(&sdk.PartitionError{
			Reason: sdk.ReasonDeleted, Offsets: sdk.Offsets{From: c.offset, To: c.offset},
			Err: fmt.Errorf("the topic (id %s) was deleted from cluster %s; it was read up to offset %d", c.stream.TopicID, s.client.name, c.offset),
			Fix: fmt.Sprintf("if that is meant, leave it out: \"!%s\" in topics", c.stream.Topic),
		})
		return true
	}
	return false
}

// recreated stops a cursor whose topic is another one by now.
func (s *source) recreated(c *cursor) bool {
	t, ok := s.metadata.topic(c.stream.Topic)
	if !ok || t.id == c.stream.TopicID || t.id == (sdk.TopicID{}) {
		return false
	}
	resume, fix := s.restart(c, t)
	c.stop(&sdk.PartitionError{
		Reason: sdk.ReasonRecreated, Offsets: sdk.Offsets{From: c.offset, To: c.offset}, Resume: resume,
		Err: fmt.Errorf("the topic was deleted from cluster %s and made again: it was read up to offset %d as topic id %s, and is now topic id %s", s.client.name, c.offset, c.stream.TopicID, t.id),
		Fix: "what the old topic held behind that offset is lost; " + fix,
	})
	return true
}

// restart is where a cursor's partition begins in the topic that took its
// topic's place; nil if it has no such partition, or a bounded source did not
// see it when its ends were resolved.
func (s *source) restart(c *cursor, t topicMeta) (*sdk.Position, string) {
	stream := sdk.Stream{TopicPartition: c.stream.TopicPartition, TopicID: t.id}
	if int(stream.Partition) >= len(t.partitions) {
		return nil, fmt.Sprintf("the new one has no partition %d", stream.Partition)
	}
	if _, ok := s.bounds[stream]; !ok && s.bounds != nil {
		return nil, "this run has no end for the new one: start it again"
	}
	return &sdk.Position{Stream: stream, LeaderEpoch: sdk.NoEpoch},
		`to read the new one from its start, set on_recreate = "restart" in the pipeline, or use klamm positions skip`
}
