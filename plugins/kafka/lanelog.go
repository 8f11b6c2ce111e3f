// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// laneLog is what was read of one partition of the positions topic, so that the
// next read goes on behind it.
type laneLog struct {
	lane    int
	reading chan struct{} // holds a token while somebody reads, and has the rest
	topic   sdk.TopicID
	next    int64 // offset to read from; -1 is the log's start
	epoch   int32 // of the record before next
	read    time.Time
	entries map[string][]byte
	given   bool // somebody has entries, which must not be changed any more
}

// readAnew is how long ago a lane may have been read to be read on: compaction
// removes the mark of a removed key after delete.retention.ms, a day by default.
const readAnew = time.Hour

// errReadAnew says that what was read is no longer what the log begins with.
var errReadAnew = errors.New("the log is another one than was read")

// Read implements [sdk.Store]: the newest value of each key, of committed
// transactions only.
func (s *store) Read(ctx context.Context, lane int) (map[string][]byte, error) {
	l := s.logs[lane]
	select {
	case l.reading <- struct{}{}:
		defer func() { <-l.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var trying attempt
	for {
		done, err := s.readOn(ctx, l)
		switch {
		case err == nil && done:
			l.read, l.given = time.Now(), true
			return l.entries, nil
		case err == nil:
			trying = attempt{}
			continue
		case errors.Is(err, errReadAnew):
			s.env.Trouble(fmt.Errorf("cluster %s: topic %s was deleted and made again, or has lost records: the positions of lane %d are no longer those that were read", s.client.name, s.Name(), lane))
			l.next = -1
		}
		if ctx.Err() == nil && (!isAnswer(err) || kerr.IsRetriable(err)) {
			if err = s.again(ctx, &trying); err == nil {
				continue
			}
		}
		return nil, fmt.Errorf("cluster %s: reading positions from %s: %w", s.client.name, s.Name(), err)
	}
}

// readOn reads on and reports whether that is as far as the log reached after
// readOn was called.
func (s *store) readOn(ctx context.Context, l *laneLog) (done bool, err error) {
	if l.next < 0 && l.entries != nil { // anew: it may be another topic
		if err := s.metadata.refresh(ctx); err != nil {
			return false, err
		}
	}
	stream := s.stream(l.lane)
	if l.next < 0 {
		start, err := s.endOf(ctx, stream, timestampEarliest)
		if err != nil {
			return false, err
		}
		l.topic, l.next, l.epoch = stream.TopicID, start, sdk.NoEpoch
		l.read, l.entries, l.given = time.Now(), map[string][]byte{}, false
	}
	end, err := s.endOf(ctx, stream, timestampLatest)
	switch {
	case err != nil:
		return false, err
	case end < l.next:
		return false, errReadAnew
	case end == l.next && stream.TopicID == l.topic:
		return true, nil
	case time.Since(l.read) > readAnew:
		l.next = -1
		return false, nil
	}
	// The end is asked for by name: only metadata tells whose it is.
	if err := s.metadata.refreshSoon(ctx); err != nil {
		return false, err
	}
	if stream = s.stream(l.lane); stream.TopicID != l.topic {
		if _, ok := s.metadata.topic(s.Name()); !ok {
			return false, kerr.UnknownTopicOrPartition
		}
		return false, errReadAnew
	}
	if err := s.readBatches(ctx, l, stream, end); err != nil {
		return false, err
	}
	return l.next >= end, nil
}

// readBatches takes what one fetch finds before the end.
func (s *store) readBatches(ctx context.Context, l *laneLog, stream sdk.Stream, end int64) error {
	part, err := s.fetchOne(ctx, stream, l.next, l.epoch)
	switch {
	case errors.Is(err, kerr.OffsetOutOfRange):
		return errReadAnew
	case err != nil:
		return err
	}
	if d := part.DivergingEpoch; d.Epoch >= 0 && d.EndOffset >= 0 {
		if d.EndOffset < l.next {
			return errReadAnew
		}
		l.epoch = d.Epoch // compaction left nothing of the other
		return nil
	}
	at := &cursor{stream: stream, offset: l.next, end: end, limit: 1 << 30}
	got, err := at.whole(part.RecordBatches)
	switch {
	case err != nil:
		return err
	case len(got.raw) == 0 && part.LastStableOffset < end:
		return kerr.OffsetNotAvailable // a new leader that does not know the end yet
	case len(got.raw) == 0:
		l.next, l.epoch = end, sdk.NoEpoch // nothing is left up to there: compacted away
		return nil
	}
	decoding := &fetched{at: sdk.Offsets{From: l.next, To: got.to}, raw: got.raw, aborted: part.AbortedTransactions, readCommitted: true, decompressor: newDecompressor(maxDecompressed)}
	records, err := decoding.Decode()
	if err != nil {
		return err
	}
	l.apply(records)
	l.next, l.epoch = got.to, got.epoch
	return nil
}

// apply changes the entries. Values are copied: they would keep the whole answer.
func (l *laneLog) apply(records []sdk.Record) {
	if len(records) > 0 && l.given {
		l.entries, l.given = maps.Clone(l.entries), false
	}
	for _, r := range records {
		if r.Value == nil {
			delete(l.entries, string(r.Key))
		} else {
			l.entries[string(r.Key)] = bytes.Clone(r.Value)
		}
	}
}

// endOf returns the first or the last stable offset of a lane's log.
func (s *store) endOf(ctx context.Context, stream sdk.Stream, which int64) (int64, error) {
	found, err := listOffsets(ctx, s.client, []sdk.Stream{stream}, which, isolationCommitted)
	at := found[stream.TopicPartition]
	return at.offset, errors.Join(err, at.err)
}

func (s *store) fetchOne(ctx context.Context, stream sdk.Stream, from int64, epoch int32) (*kmsg.FetchResponseTopicPartition, error) {
	leader := s.metadata.leader(stream.TopicPartition).leader
	if leader < 0 {
		return nil, kerr.LeaderNotAvailable
	}
	return fetchOne(ctx, brokerRequestor{s.client, leader}, sdk.Position{Stream: stream, Offset: from, LeaderEpoch: epoch}, isolationCommitted)
}

// fetchOne fetches one partition once, outside of any session.
func fetchOne(ctx context.Context, broker brokerRequestor, at sdk.Position, isolation int8) (*kmsg.FetchResponseTopicPartition, error) {
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.MaxBytes, req.IsolationLevel, req.SessionEpoch = -1, fetchBytes, isolation, -1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = at.Topic, at.TopicID
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.CurrentLeaderEpoch, rp.LastFetchedEpoch, rp.LogStartOffset = at.Partition, at.Offset, -1, at.LeaderEpoch, -1
	rp.PartitionMaxBytes = fetchBytes
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, broker)
	if err != nil {
		return nil, err
	}
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			part := &resp.Topics[i].Partitions[j]
			return part, kerr.ErrorForCode(part.ErrorCode)
		}
	}
	return nil, kerr.RequestTimedOut // throttled: ask again
}

// stream is a lane's partition of the positions topic, as last seen.
func (s *store) stream(lane int) sdk.Stream {
	topic, _ := s.metadata.topic(s.Name())
	return sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: s.Name(), Partition: int32(lane)}, TopicID: topic.id}
}

// attempt is a request to the positions topic that is made again.
type attempt struct {
	pause   retry
	missing time.Time // since when the cluster does not know the topic
}

// again waits before the next attempt and looks at the topic anew.
func (s *store) again(ctx context.Context, a *attempt) error {
	if err := sleep(ctx, a.pause.again(time.Now())); err != nil {
		return err
	}
	if err := s.metadata.refreshSoon(ctx); err != nil {
		if ctx.Err() == nil && !errors.Is(err, kgo.ErrClientClosed) {
			s.env.Trouble(fmt.Errorf("cluster %s: asking for metadata: %w", s.client.name, err))
			return nil
		}
		return err
	}
	now := time.Now()
	switch _, ok := s.metadata.topic(s.Name()); {
	case ok:
		a.missing = time.Time{}
	case a.missing.IsZero():
		a.missing = now
	case now.Sub(a.missing) > missingGrace:
		return s.gone()
	}
	return nil
}

// gone is the error of a positions topic that was deleted under a store.
func (s *store) gone() error {
	return &sdk.EnvironmentError{
		Err: fmt.Errorf("positions topic %s is gone: it was deleted while the pipeline ran", s.Name()),
		Fix: "stop every process of the pipeline; the next start makes it anew and begins where since says, so what was copied comes again",
	}
}
