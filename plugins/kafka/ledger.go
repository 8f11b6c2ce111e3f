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

// ledger is one partition of the positions topic, written in transactions of
// the lane's transactional id. Any error ends it: opening it again fences this
// holder, settles the transaction left open, and tells by the log what is true.
type ledger struct {
	store    *store
	lane     int
	id       string // transactional id
	producer producerState
	entries  map[string][]byte
	broken   error
}

var _ sdk.Ledger = (*ledger)(nil)

// Entries implements [sdk.Ledger].
func (l *ledger) Entries() map[string][]byte { return l.entries }

// Close implements [sdk.Ledger].
func (l *ledger) Close() error { return nil }

// Commit implements [sdk.Ledger].
func (l *ledger) Commit(ctx context.Context, entries []sdk.Entry) error {
	if l.broken != nil || len(entries) == 0 {
		return l.broken
	}
	err := l.produce(ctx, entries)
	if err == nil {
		err = l.end(ctx)
	}
	if err == nil {
		return nil
	}
	switch {
	case fenced(err):
		err = fmt.Errorf("%w: lane %d: %w", sdk.ErrFenced, l.lane, err)
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		err = &sdk.EnvironmentError{Err: err, Fix: "grant READ and WRITE on topics with the prefix " + ownPrefix}
	}
	l.broken = fmt.Errorf("cluster %s: storing positions in %s: %w", l.store.client.name, l.store.Name(), err)
	return l.broken
}

// produce writes the entries into an open transaction.
func (l *ledger) produce(ctx context.Context, entries []sdk.Entry) error {
	now := time.Now().UnixMilli()
	records := make([]sdk.Record, len(entries))
	for i, e := range entries {
		records[i] = sdk.Record{Timestamp: now, Key: []byte(e.Key), Value: e.Value}
	}
	raw := (&encoder{}).encode(records)
	l.producer.seal(raw, true)
	if !l.store.client.transactionV2 {
		if err := l.addPartition(ctx); err != nil {
			return err
		}
	}
	var pause retry
	for {
		err := l.send(ctx, raw)
		switch {
		case err == nil || errors.Is(err, kerr.DuplicateSequenceNumber):
			l.producer.sequence = l.producer.after(len(records))
			return nil
		case ctx.Err() != nil || fenced(err):
			return err
		case errors.Is(err, kerr.ConcurrentTransactions): // the one before is still being ended
		case isAnswer(err) && !transient(err):
			return err
		}
		l.store.env.Trouble(fmt.Errorf("cluster %s: storing positions in %s: %w", l.store.client.name, l.store.Name(), err))
		if err := sleep(ctx, pause.again(time.Now())); err != nil {
			return err
		}
		if err := l.store.metadata.refreshSoon(ctx); err != nil {
			return err
		}
	}
}

func (l *ledger) send(ctx context.Context, raw []byte) error {
	topic, _ := l.store.metadata.topic(l.store.Name())
	req := kmsg.NewPtrProduceRequest()
	req.TransactionID = kmsg.StringPtr(l.id)
	req.Acks, req.TimeoutMillis = -1, produceTimeoutMillis
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic, rt.TopicID = l.store.Name(), topic.id
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Partition, rp.Records = int32(l.lane), raw
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	leader := l.store.metadata.leader(sdk.TopicPartition{Topic: l.store.Name(), Partition: int32(l.lane)}).leader
	if leader < 0 {
		return kerr.LeaderNotAvailable
	}
	resp, err := req.RequestWith(ctx, brokerRequestor{l.store.client, leader})
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			return kerr.ErrorForCode(p.ErrorCode)
		}
	}
	return fmt.Errorf("broker %d answers a produce request without its partition", leader)
}

// addPartition is needed before transaction.version 2.
func (l *ledger) addPartition(ctx context.Context) error {
	req := kmsg.NewPtrAddPartitionsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = l.id, l.producer.id, l.producer.epoch
	rt := kmsg.NewAddPartitionsToTxnRequestTopic()
	rt.Topic, rt.Partitions = l.store.Name(), []int32{int32(l.lane)}
	req.Topics = append(req.Topics, rt)
	var pause retry
	for {
		resp, err := req.RequestWith(ctx, l.store.client.Client)
		if err != nil {
			return err
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				err = kerr.ErrorForCode(p.ErrorCode)
			}
		}
		if !errors.Is(err, kerr.ConcurrentTransactions) { // the one before is still being ended
			return err
		}
		if err := sleep(ctx, pause.again(time.Now())); err != nil {
			return err
		}
	}
}

// end commits the transaction. The answer names the producer to go on with:
// since transaction.version 2 every end raises the epoch (KIP-890).
func (l *ledger) end(ctx context.Context) error {
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = l.id, l.producer.id, l.producer.epoch, true
	var pause retry
	for {
		resp, err := req.RequestWith(ctx, l.store.client.Client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		switch {
		case err == nil:
			if resp.Version >= 5 && (resp.ProducerID != l.producer.id || resp.ProducerEpoch != l.producer.epoch) {
				l.producer = producerState{id: resp.ProducerID, epoch: resp.ProducerEpoch}
			}
			return nil
		case ctx.Err() != nil || !errors.Is(err, kerr.ConcurrentTransactions):
			return err
		}
		if err := sleep(ctx, pause.again(time.Now())); err != nil {
			return err
		}
	}
}

// Read implements [sdk.Store]: the newest value of each key, of committed
// transactions only.
func (s *store) Read(ctx context.Context, lane int) (map[string][]byte, error) {
	entries := map[string][]byte{}
	var pause retry
	for from := int64(-1); ; {
		next, done, err := s.readOnce(ctx, lane, from, entries)
		if err == nil && done {
			return entries, nil
		}
		if err != nil {
			if ctx.Err() != nil || isAnswer(err) && !kerr.IsRetriable(err) {
				return nil, fmt.Errorf("cluster %s: reading positions from %s: %w", s.client.name, s.Name(), err)
			}
			if err := sleep(ctx, pause.again(time.Now())); err != nil {
				return nil, err
			}
			if err := s.metadata.refreshSoon(ctx); err != nil {
				return nil, err
			}
			continue
		}
		pause.reset()
		from = next
	}
}

// readOnce reads on from an offset (-1 is the log's start) and reports whether
// the end has been reached, as it is after the request was sent.
func (s *store) readOnce(ctx context.Context, lane int, from int64, entries map[string][]byte) (next int64, done bool, err error) {
	tp := sdk.TopicPartition{Topic: s.Name(), Partition: int32(lane)}
	topic, _ := s.metadata.topic(s.Name())
	stream := sdk.Stream{TopicPartition: tp, TopicID: topic.id}
	if from < 0 {
		found, err := listOffsets(ctx, s.client, []sdk.Stream{stream}, timestampEarliest, isolationCommitted)
		if err := errors.Join(err, found[tp].err); err != nil {
			return 0, false, err
		}
		from = found[tp].offset
	}
	found, err := listOffsets(ctx, s.client, []sdk.Stream{stream}, timestampLatest, isolationCommitted)
	if err := errors.Join(err, found[tp].err); err != nil {
		return 0, false, err
	}
	end := found[tp].offset
	if from >= end {
		return from, true, nil
	}
	part, err := s.fetchOne(ctx, stream, from)
	if err != nil {
		return 0, false, err
	}
	at := &cursor{stream: stream, offset: from, end: end, limit: 1 << 30}
	got, err := at.whole(part.RecordBatches)
	if err == nil {
		_, err = verify(got.raw)
	}
	if err != nil {
		return 0, false, err
	}
	if len(got.raw) == 0 {
		if part.LastStableOffset < end {
			return 0, false, kerr.OffsetNotAvailable // a new leader that does not know the end yet
		}
		return end, true, nil // nothing is left up to the end: compacted away
	}
	decoding := &fetched{at: sdk.Offsets{From: from, To: got.to}, raw: got.raw, aborted: part.AbortedTransactions, readCommitted: true, decompressor: newDecompressor(maxDecompressed)}
	records, err := decoding.Decode()
	for _, r := range records {
		if r.Value == nil {
			delete(entries, string(r.Key))
		} else {
			entries[string(r.Key)] = r.Value
		}
	}
	return got.to, false, err
}

func (s *store) fetchOne(ctx context.Context, stream sdk.Stream, from int64) (*kmsg.FetchResponseTopicPartition, error) {
	leader := s.metadata.leader(stream.TopicPartition).leader
	if leader < 0 {
		return nil, kerr.LeaderNotAvailable
	}
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.MaxBytes, req.IsolationLevel, req.SessionEpoch = -1, fetchBytes, isolationCommitted, -1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = stream.Topic, stream.TopicID
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.CurrentLeaderEpoch, rp.LastFetchedEpoch, rp.LogStartOffset = stream.Partition, from, -1, -1, -1
	rp.PartitionMaxBytes = fetchBytes
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, brokerRequestor{s.client, leader})
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
