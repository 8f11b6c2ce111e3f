// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/klamm-io/klamm/sdk"
)

var (
	errNoLeader = errors.New("it has no leader")
	errNoAnswer = errors.New("the broker's answer says nothing of it")
	errUnread   = errors.New("its log has not been read yet")
)

// maxStrikes is how often a batch may be out of order, although everything before it
// is in the log, before the lane starts over from its stored positions. Brokers say
// so as long as what they wrote is not replicated, too.
const maxStrikes = 8

// mend sees to targets that have stopped sending and of which nothing is in flight
// any more. It does not wait for it.
func (s *sink) mend(targets []*target) {
	if len(targets) == 0 {
		return
	}
	s.mu.Lock()
	byWriter := map[*writer][]*target{}
	for _, t := range targets {
		if w := t.writer; w.failed == nil {
			byWriter[w] = append(byWriter[w], t)
		}
	}
	for w, targets := range byWriter {
		w.mending.Go(func() { w.mend(targets) })
	}
	s.mu.Unlock()
}

// mend finds out what became of each target's batches, and where its leader is, and
// lets it send again.
func (w *writer) mend(targets []*target) {
	ctx := w.over
	var moved []*target
	for _, t := range targets {
		w.sink.mu.Lock()
		trouble := t.trouble
		w.sink.mu.Unlock()
		if trouble.answer != nil && !trouble.doubtful {
			w.refused(ctx, t, trouble.answer, trouble.err)
		} else {
			moved = append(moved, t)
		}
	}
	if len(moved) == 0 || ctx.Err() != nil {
		return
	}
	if err := w.sink.metadata.refreshSoon(ctx); err != nil && ctx.Err() == nil {
		w.sink.env.Trouble(fmt.Errorf("cluster %s: asking for metadata: %w", w.sink.client.name, err))
	}
	for _, t := range moved {
		w.look(ctx, t)
	}
}

// look finds out what became of what was in flight for a target.
func (w *writer) look(ctx context.Context, t *target) {
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	if w.failed != nil {
		return
	}
	trouble := t.trouble
	if trouble.answer != nil {
		w.sink.env.Trouble(fmt.Errorf("cluster %s: producing to %s: %w", w.sink.client.name, t.TopicPartition, trouble.err))
	}
	t.retry.again(time.Now())
	if errors.Is(trouble.err, errRecreated) {
		t.abandon(trouble.err, fixRecreated)
	} else if fix, reason := t.unusable(); reason != nil {
		t.abandon(reason, fix)
	}
	if trouble.doubtful && t.end > 0 { // before that, at most one batch was in flight
		t.doubt = errUnread
	}
	if len(t.queue) > 0 {
		w.sink.place(t)
		if t.doubt != nil && t.sender.link != nil { // a leader that is not there cannot be asked
			w.sink.mu.Unlock()
			found, err := w.tail(ctx, t)
			w.sink.mu.Lock()
			if w.failed != nil {
				return
			}
			w.settle(t, found, err)
		}
	}
	if t.strikes > maxStrikes {
		w.failLocked(fmt.Errorf("cluster %s: producing to %s: %w", w.sink.client.name, t.TopicPartition, trouble.err))
		return
	}
	t.resume()
}

// settle takes those batches off a target's queue that were found in its log.
// Batches are appended in order, so those are the first. The caller holds the mutex.
func (w *writer) settle(t *target, found map[int32]int64, err error) {
	t.doubt = nil
	if err != nil {
		err = fmt.Errorf("cluster %s: looking for what was written to %s: %w", w.sink.client.name, t.TopicPartition, err)
		w.sink.env.Trouble(err)
		switch {
		case errors.Is(err, kerr.TopicAuthorizationFailed):
			w.sink.sayUnreadable(t.Topic, err)
			if t.strikes > 0 {
				t.strikes = maxStrikes + 1 // more than five are there behind it: trying on is in vain
			}
		case !isAnswer(err) || transient(err):
			t.doubt = err
		}
		// Otherwise it cannot be read. Sent again, what is there is recognised by
		// its sequence, as long as it is among the last five.
		return
	}
	for len(t.queue) > 0 && t.queue[0].sent {
		base, ok := found[t.queue[0].sequence()]
		if !ok {
			return
		}
		t.acked(base)
	}
}

// sayUnreadable tells once of a topic that cannot be looked at for want of a right:
// the trouble passes, what it may have caused does not. The caller holds the mutex.
func (s *sink) sayUnreadable(topic string, err error) {
	if s.unreadable[topic] {
		return
	}
	s.unreadable[topic] = true
	s.env.Log.Warn("what was in flight when a connection broke may come twice: grant READ on the target topic", "topic", topic, "cluster", s.client.name, "error", err)
}

const tailTimeout = 20 * time.Second

// tail reads a target's log from where all was acknowledged to its end, and returns
// the base offsets of this producer's batches by their sequences. A broker remembers
// the last five of a producer only, so after a connection with more in flight is cut
// this is what tells what arrived; and where, which a translation of offsets needs.
// What is not replicated yet does not show; sent again it is recognised. Only what a
// principal may READ can be looked at.
func (w *writer) tail(ctx context.Context, t *target) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, tailTimeout)
	defer cancel()
	w.sink.mu.Lock()
	stream, at, broker := t.Stream, t.end, noBroker
	if t.sender != nil { // the lane has not failed meanwhile
		broker = t.sender.broker
	}
	w.sink.mu.Unlock()
	if broker == noBroker {
		return nil, errNoLeader
	}
	found := map[int32]int64{}
	for {
		part, err := fetchOne(ctx, brokerRequestor{w.sink.client, broker}, sdk.Position{Stream: stream, Offset: at, LeaderEpoch: sdk.NoEpoch}, isolationUncommitted)
		if err != nil {
			return nil, err
		}
		begin := at
		for rest := part.RecordBatches; ; {
			b, next, _, ok := nextBatch(rest)
			if !ok || b.check() != nil {
				break
			}
			rest, at = next, max(at, b.nextOffset())
			if b.magic() == 2 && b.producerID() == w.producer.id && b.producerEpoch() == w.producer.epoch {
				found[b.baseSequence()] = b.baseOffset()
			}
		}
		if at == begin || at >= part.HighWatermark {
			return found, nil
		}
	}
}
