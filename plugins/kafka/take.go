// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// take reads one partition's part of a fetch answer. It returns true if the
// partition has to be looked for elsewhere.
func (s *source) take(ctx context.Context, c *cursor, part *kmsg.FetchResponseTopicPartition, from answer) (moved bool) {
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
		c.unsure = false
		s.deliver(c, got, part, from)
	case bad == nil && (got.to > c.offset || from.size == 0):
		s.skipEmpty(ctx, c, part, got.to)
	case bad == nil && from.size == len(part.RecordBatches) && c.limit == asked:
		// Brokers send the first batch of an answer whole, whatever the limits.
		s.env.Trouble(fmt.Errorf("cluster %s: %s: the %d bytes given for offset %d are no whole batch", s.client.name, c.stream.TopicPartition, len(part.RecordBatches), c.offset))
		c.retry.again(time.Now())
	case bad == nil:
		c.unsure = s.readable(part) > c.offset
	}
	if bad != nil {
		c.stop(c.corrupt(c.here(), bad))
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
	for c.end < 0 || got.to < c.end {
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

// deliver hands what an answer has of a partition to the lane, in pieces that are
// not too large to be decoded at once.
func (s *source) deliver(c *cursor, got batches, part *kmsg.FetchResponseTopicPartition, from answer) {
	held := from.retain()
	if c.queued.Load() > partitionHighWater/2 && 4*len(got.raw) < len(held.bytes) {
		// The lane is behind, and a small piece would keep the whole answer
		// for as long as it is.
		piece := s.buffers.get(len(got.raw))
		copy(piece.bytes, got.raw)
		held.release()
		held, got.raw = piece, piece.bytes
	}
	defer held.release()
	aborts := newAbortFilter(part.AbortedTransactions)
	for rest := got.raw; len(rest) > 0; {
		piece := batches{epoch: c.epoch, newest: -1}
		begin, aborted := rest, aborts.left(c.offset)
		for len(rest) > 0 && len(piece.raw) < partitionFetchBytes {
			b, next, _, _ := nextBatch(rest)
			rest = next
			aborts.drops(b)
			piece.add(b, begin[:len(begin)-len(rest):len(begin)-len(rest)])
		}
		if len(rest) == 0 {
			piece.to, piece.epoch = got.to, got.epoch
		}
		at := sdk.Offsets{From: c.offset, To: piece.to}
		b := sdk.NewEncodedBatch(c.stream, at, &fetched{
			at: at, raw: piece.raw, aborted: aborted,
			readCommitted: s.isolation() == isolationCommitted, decompressor: s.decompressor, memory: held.retain(),
		})
		b.LeaderEpoch, b.Newest, b.Compression = piece.epoch, piece.newest, compressionOf(piece.raw)
		s.emit(c, b)
	}
}

// compressionOf is the codec of the first batch; empty if it is not known.
func compressionOf(raw []byte) string {
	if b := batchView(raw); b.magic() == 2 && b.codec() <= maxCodec {
		return codecNames[b.codec()]
	}
	return ""
}

// emit hands a batch to the lane and moves the cursor behind it.
func (s *source) emit(c *cursor, b *sdk.Batch) {
	c.offset, c.epoch = b.To, b.LeaderEpoch
	if c.end >= 0 && b.To >= c.end {
		b.Last = true
		c.removed.Store(true)
	}
	c.reader.push(arrival{batch: b, cursor: c})
}

// skipEmpty moves over offsets that hold nothing, up to `to` if that is known. A
// broker answers a fetch with whatever lies between the offset and the last
// stable one; an answer without a byte for any partition therefore says that
// nothing does (all was compacted away), and a position that waited for a record
// there would wait for ever. Only of a log's remote part (KIP-405) it may be
// empty because reading took too long.
func (s *source) skipEmpty(ctx context.Context, c *cursor, part *kmsg.FetchResponseTopicPartition, to int64) {
	if to <= c.offset {
		to = s.readable(part)
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
	s.emit(c, sdk.NewBatch(c.stream, sdk.Offsets{From: c.offset, To: to}, nil))
}

// readable is where a partition ends for who reads it.
func (s *source) readable(part *kmsg.FetchResponseTopicPartition) int64 {
	if s.isolation() == isolationCommitted && part.LastStableOffset >= 0 {
		return min(part.HighWatermark, part.LastStableOffset)
	}
	return part.HighWatermark
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
		c.stop(&sdk.PartitionError{Reason: sdk.ReasonDenied, Offsets: c.here(), Err: fmt.Errorf("cluster %s: %w", s.client.name, err), Fix: "grant READ on the topic and start again"})
	case errors.Is(err, kerr.CorruptMessage):
		c.stop(&sdk.PartitionError{Reason: sdk.ReasonCorrupt, Offsets: c.here(), Err: fmt.Errorf("cluster %s: %w", s.client.name, err), Fix: "the source cannot read its own log there"})
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
		c.stop(&sdk.PartitionError{Reason: sdk.ReasonSource, Offsets: c.here(), Err: err})
		return
	}
	s.env.Trouble(fmt.Errorf("%s: %w", c.stream.TopicPartition, err))
	c.retry.again(time.Now())
}
