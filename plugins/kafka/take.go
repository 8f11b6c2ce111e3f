// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// take reads one partition's part of a fetch answer. It returns true if the
// partition has to be looked for elsewhere.
func (s *source) take(ctx context.Context, c *cursor, part *kmsg.FetchResponseTopicPartition, held *pinned) (moved bool) {
	if err := kerr.ErrorForCode(part.ErrorCode); err != nil {
		return s.refused(ctx, c, err)
	}
	if d := part.DivergingEpoch; d.Epoch >= 0 && d.EndOffset >= 0 {
		s.diverged(ctx, c, d)
		return false
	}
	c.retry.reset()
	c.doubts = 0
	asked := c.limit
	got, bad := c.whole(part.RecordBatches)
	switch {
	case len(got.raw) > 0:
		s.deliver(c, got, part, held)
	case bad == nil && (got.to > c.offset || held.size == 0):
		s.skipEmpty(ctx, c, part, got.to)
	case bad == nil && held.size > 0 && held.size == int64(len(part.RecordBatches)) && c.limit == asked:
		// Brokers send the first batch of an answer whole, whatever the limits.
		s.env.Trouble(fmt.Errorf("cluster %s: %s: the %d bytes given for offset %d are no whole batch", s.client.name, c.stream.TopicPartition, len(part.RecordBatches), c.offset))
		c.retry.again(time.Now())
	}
	if bad != nil {
		c.removed.Store(true)
		c.reader.push(arrival{cursor: c, err: c.corrupt(c.here(), bad)})
	}
	return false
}

// batches are whole batches, one behind the other.
type batches struct {
	raw    []byte
	to     int64 // the offset behind them
	epoch  int32 // the last leader epoch
	newest int64 // the latest timestamp
}

// verify returns the batches at the front of raw that are as their producers
// summed them up; err is about the one behind them.
func verify(raw []byte) (good batches, err error) {
	good = batches{epoch: sdk.NoEpoch, newest: -1}
	for rest := raw; len(rest) > 0; {
		b, next, _, _ := nextBatch(rest)
		if err := b.verify(); err != nil {
			return good, err
		}
		rest = next
		good.add(b, raw[:len(raw)-len(rest):len(raw)-len(rest)])
	}
	return good, nil
}

// add goes on to b, behind which raw ends.
func (g *batches) add(b batchView, raw []byte) {
	g.raw, g.to, g.epoch = raw, b.nextOffset(), max(g.epoch, b.leaderEpoch())
	if b.magic() == 2 && !b.control() {
		g.newest = max(g.newest, b.maxTimestamp())
	}
}

// whole returns the whole batches at the front of raw that are wanted; err is
// about the batch behind them.
func (c *cursor) whole(raw []byte) (got batches, err error) {
	got = batches{to: c.offset, epoch: c.epoch, newest: -1}
	rest := raw
	for {
		b, next, need, ok := nextBatch(rest)
		if !ok {
			switch {
			case need < 0:
				err = fmt.Errorf("behind offset %d stands a batch of impossible size", got.to)
			case len(got.raw) == 0 && need > int(c.limit):
				c.limit = int32(need)
			}
			break
		}
		if err = b.check(); err != nil {
			break
		}
		if c.end >= 0 && b.baseOffset() >= c.end && b.magic() == 2 {
			got.to, got.epoch = c.end, sdk.NoEpoch // up to there nothing is left
			break
		}
		if b.nextOffset() <= got.to {
			err = fmt.Errorf("batch at offset %d ends before offset %d, which was asked for", b.baseOffset(), got.to)
			break
		}
		rest = next
		got.add(b, raw[:len(raw)-len(rest):len(raw)-len(rest)])
	}
	if c.end >= 0 && got.to >= c.end {
		got.to, err = c.end, nil
	}
	return got, err
}

func (s *source) deliver(c *cursor, got batches, part *kmsg.FetchResponseTopicPartition, held *pinned) {
	if c.reader.queued.Load() > c.reader.share/4 && 4*int64(len(got.raw)) < held.size {
		// The lane is behind, and a small piece would keep the whole answer
		// for as long as it is.
		held = &pinned{budget: held.budget, size: int64(len(got.raw))}
		held.budget.Take(held.size)
		got.raw = slices.Clone(got.raw)
	}
	at := sdk.Offsets{From: c.offset, To: got.to}
	b := sdk.NewEncodedBatch(c.stream, at, &fetched{
		at: at, raw: got.raw, aborted: part.AbortedTransactions,
		readCommitted: s.isolation() == isolationCommitted, decompressor: s.decompressor,
	})
	b.LeaderEpoch, b.Newest = got.epoch, got.newest
	held.users.Add(1)
	s.emit(c, b, held)
}

// emit hands a batch to the lane and moves the cursor behind it.
func (s *source) emit(c *cursor, b *sdk.Batch, held *pinned) {
	c.offset, c.epoch = b.To, b.LeaderEpoch
	if c.end >= 0 && b.To >= c.end {
		b.Last = true
		c.removed.Store(true)
	}
	c.queued.Add(int64(b.Size()))
	c.reader.queued.Add(int64(b.Size()))
	c.reader.push(arrival{batch: b, cursor: c, pinned: held})
}

// skipEmpty moves over offsets that hold nothing, up to `to` if that is known. A
// broker answers a fetch with whatever lies between the offset and the last
// stable one; an answer without a byte for any partition therefore says that
// nothing does (all was compacted away), and a position that waited for a record
// there would wait for ever. Only of a log's remote part (KIP-405) it may be
// empty because reading took too long.
func (s *source) skipEmpty(ctx context.Context, c *cursor, part *kmsg.FetchResponseTopicPartition, to int64) {
	if to <= c.offset {
		to = part.HighWatermark
		if s.isolation() == isolationCommitted && part.LastStableOffset >= 0 {
			to = min(to, part.LastStableOffset)
		}
		if c.end >= 0 {
			to = min(to, c.end)
		}
		if to > c.offset && !s.local(ctx, c) {
			c.retry.again(time.Now())
			return
		}
	}
	if to <= c.offset {
		return
	}
	// Who wrote what is no longer there is not known: another epoch than the
	// last one read would be taken for a truncation.
	s.emit(c, sdk.NewBatch(c.stream, sdk.Offsets{From: c.offset, To: to}, nil), nil)
}

// local reports whether the log is on the broker's own disks from the cursor on.
// Brokers that cannot be asked have no other.
func (s *source) local(ctx context.Context, c *cursor) bool {
	found, err := s.listOffsets(ctx, []sdk.Stream{c.stream}, timestampEarliestLocal)
	at, ok := found[c.stream.TopicPartition]
	if errors.Is(at.err, kerr.UnsupportedVersion) {
		return true
	}
	return err == nil && ok && at.err == nil && at.offset <= c.offset
}

// refused decides what an error of a partition means.
func (s *source) refused(ctx context.Context, c *cursor, err error) (moved bool) {
	switch {
	case errors.Is(err, kerr.OffsetOutOfRange):
		s.outOfRange(ctx, c)
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		c.stop(sdk.ReasonDenied, c.here(), fmt.Errorf("cluster %s: %w", s.client.name, err), "grant READ on the topic and start again")
	case errors.Is(err, kerr.CorruptMessage):
		c.stop(sdk.ReasonCorrupt, c.here(), fmt.Errorf("cluster %s: %w", s.client.name, err), "the source cannot read its own log there")
	case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID), kerr.IsRetriable(err):
		return true
	default:
		s.doubt(c, fmt.Errorf("cluster %s: %w", s.client.name, err))
	}
	return false
}

// doubt tries again a few times before it believes an error that should not be.
func (s *source) doubt(c *cursor, err error) {
	if c.doubts++; c.doubts > maxDoubts {
		c.stop(sdk.ReasonSource, c.here(), err, "")
		return
	}
	s.env.Trouble(fmt.Errorf("%s: %w", c.stream.TopicPartition, err))
	c.retry.again(time.Now())
}

// outOfRange finds out why a log does not continue from the cursor. Nothing
// moves it to where there is data (invariant 7): the range is reported.
func (s *source) outOfRange(ctx context.Context, c *cursor) {
	one := []sdk.Stream{c.stream}
	first, err1 := listOffsets(ctx, s.client, one, timestampEarliest, isolationUncommitted)
	last, err2 := listOffsets(ctx, s.client, one, timestampLatest, isolationUncommitted)
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
		at := sdk.Offsets{From: c.offset, To: start.offset}
		c.stop(sdk.ReasonGap, at,
			fmt.Errorf("%d offsets were removed from cluster %s (retention or DeleteRecords) before they were read; its log now begins at %d", at.Count(), s.client.name, start.offset),
			fmt.Sprintf("to go on behind it, copy the topic by a pipeline of another name with since = %d", start.offset))
	case c.offset > end.offset:
		s.truncated(c, end.offset)
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
		s.truncated(c, d.EndOffset)
	default:
		c.epoch = d.Epoch
	}
}

func (s *source) truncated(c *cursor, end int64) {
	c.stop(sdk.ReasonTruncated, sdk.Offsets{From: min(end, c.offset), To: c.offset},
		fmt.Errorf("the log of cluster %s was truncated (unclean leader election): offsets from %d on are no longer what was read", s.client.name, end),
		"the target holds records that the source has lost")
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
		c.stop(sdk.ReasonDeleted, sdk.Offsets{From: c.offset, To: c.offset},
			fmt.Errorf("the topic (id %s) was deleted from cluster %s; it was read up to offset %d", c.stream.TopicID, s.client.name, c.offset),
			fmt.Sprintf("if that is meant, leave it out: \"!%s\" in topics", c.stream.Topic))
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
	c.stop(sdk.ReasonRecreated, sdk.Offsets{From: c.offset, To: c.offset},
		fmt.Errorf("the topic was deleted from cluster %s and made again: it was read up to offset %d as topic id %s, and is now topic id %s", s.client.name, c.offset, c.stream.TopicID, t.id),
		"what the old topic held behind that offset is lost; to copy the new one, read it by a pipeline of another name")
	return true
}
