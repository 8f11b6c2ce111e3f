// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// ledger is one partition of the positions topic, written in transactions of
// the lane's transactional id. Any error ends it: opening it again fences this
// holder, settles the transaction left open, and tells by the log what is true.
type ledger struct {
	store    *store
	lane     int
	topic    sdk.TopicID // in which it was opened
	id       string      // transactional id
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
	var err error
	for part := range parts(entries) {
		if err = l.produce(ctx, part); err != nil {
			break
		}
	}
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

// partBytes is how much of a commit goes into one batch: what every broker takes
// (max.message.bytes is 1 MiB), with room for one long entry.
const partBytes = 256 << 10

// parts are the entries in pieces that each make one batch.
func parts(entries []sdk.Entry) iter.Seq[[]sdk.Entry] {
	return func(yield func([]sdk.Entry) bool) {
		for len(entries) > 0 {
			n, size := 0, 0
			for n < len(entries) && (n == 0 || size < partBytes) {
				size += len(entries[n].Key) + len(entries[n].Value)
				n++
			}
			if !yield(entries[:n]) {
				return
			}
			entries = entries[n:]
		}
	}
}

// produce writes the entries into an open transaction.
func (l *ledger) produce(ctx context.Context, entries []sdk.Entry) error {
	now := time.Now().UnixMilli()
	records := make([]sdk.Record, len(entries))
	for i, e := range entries {
		records[i] = sdk.Record{Timestamp: now, Key: []byte(e.Key), Value: e.Value}
	}
	head, body := (&encoder{buffers: newBuffers(nil, 0)}).encode(records, 0)
	head.seal(l.producer, true)
	raw := append(head[:], body.bytes...)
	if !l.store.client.transactionV2 {
		if err := l.addPartition(ctx); err != nil {
			return err
		}
	}
	var trying attempt
	for {
		if topic, ok := l.store.metadata.topic(l.store.Name()); ok && topic.id != l.topic {
			return l.store.gone() // before version 13 a produce request goes by name
		}
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
		if err := l.store.again(ctx, &trying); err != nil {
			return err
		}
	}
}

func (l *ledger) send(ctx context.Context, raw []byte) error {
	req := kmsg.NewPtrProduceRequest()
	req.TransactionID = kmsg.StringPtr(l.id)
	req.Acks, req.TimeoutMillis = -1, produceTimeoutMillis
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic, rt.TopicID = l.store.Name(), l.topic
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
		if err == nil {
			for _, t := range resp.Topics {
				for _, p := range t.Partitions {
					err = kerr.ErrorForCode(p.ErrorCode)
				}
			}
		}
		if !l.unanswered(ctx, err) && !errors.Is(err, kerr.ConcurrentTransactions) { // the one before is still being ended
			return err
		}
		if err := sleep(ctx, pause.again(time.Now())); err != nil {
			return err
		}
	}
}

// unanswered reports whether a request got no answer, and may be sent again.
func (l *ledger) unanswered(ctx context.Context, err error) bool {
	if err == nil || isAnswer(err) || ctx.Err() != nil || errors.Is(err, kgo.ErrClientClosed) {
		return false
	}
	l.store.env.Trouble(fmt.Errorf("cluster %s: storing positions in %s: %w", l.store.client.name, l.store.Name(), err))
	return true
}

// end commits the transaction. The answer names the producer to go on with:
// since transaction.version 2 every end raises the epoch (KIP-890). One that has no
// answer is sent again as it was: the answer to that tells the truth about both
// (TransactionCoordinator.endTransaction).
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
		case !l.unanswered(ctx, err) && !errors.Is(err, kerr.ConcurrentTransactions):
			return err
		}
		if err := sleep(ctx, pause.again(time.Now())); err != nil {
			return err
		}
	}
}
