// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

const (
	produceBytes         = 4 << 20 // put into one request, unless one batch is larger
	produceInFlight      = 4       // requests of a lane to one broker; of disjoint partitions
	produceTimeoutMillis = 30000
)

// sender sends what a lane has for the partitions that one broker leads. The
// sender of noBroker only finds leaders for those that have none. Its targets
// are guarded by its writer's mutex.
type sender struct {
	writer  *writer
	broker  int32
	wake    chan struct{}
	slots   chan struct{} // a token for each request in flight
	targets map[*target]struct{}
}

// place gives a target to the broker that leads it. The caller holds the mutex.
func (w *writer) place(t *target) {
	meta, ok := w.sink.metadata.topic(t.Topic)
	if ok && !t.seen && meta.err == nil {
		t.TopicID, t.seen = meta.id, true
	}
	broker := w.sink.metadata.leader(t.TopicPartition).leader
	s, ok := w.senders[broker]
	if !ok {
		s = &sender{writer: w, broker: broker, wake: make(chan struct{}, 1), slots: make(chan struct{}, produceInFlight), targets: map[*target]struct{}{}}
		w.senders[broker] = s
		w.running.Go(s.run)
	}
	if t.sender != nil {
		delete(t.sender.targets, t)
	}
	t.sender = s
	s.targets[t] = struct{}{}
	s.notify()
}

func (s *sender) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *sender) run() {
	ctx := s.writer.ctx
	for ctx.Err() == nil {
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		ready, wait := s.collect(time.Now())
		if len(ready) > 0 {
			s.writer.running.Go(func() {
				s.send(ctx, ready)
				<-s.slots
				s.notify()
			})
			continue
		}
		<-s.slots
		timer := time.NewTimer(wait)
		select {
		case <-s.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// sending is a target and the batch of it that is in flight.
type sending struct {
	*target
	raw []byte
}

// collect takes one batch of each target that has one to send: never two of a
// target, of which the broker would silently drop the first.
func (s *sender) collect(now time.Time) (ready []sending, wait time.Duration) {
	w := s.writer
	w.mu.Lock()
	defer w.mu.Unlock()
	wait = time.Hour
	size := 0
	for t := range s.targets {
		if len(t.queue) == 0 || t.sending {
			continue
		}
		if due := t.retry.due(now); due > 0 {
			wait = min(wait, due)
			continue
		}
		o := t.queue[0]
		if size += len(o.raw); size > produceBytes && len(ready) > 0 {
			break
		}
		if !o.sent && o.sequence != t.sequence {
			w.seal(o, t.sequence)
		}
		o.sent = true
		t.sending = true
		ready = append(ready, sending{t, o.raw})
	}
	return ready, wait
}

// send sends the first batch of each target, and takes the answers.
func (s *sender) send(ctx context.Context, targets []sending) {
	w := s.writer
	if s.broker == noBroker {
		w.relocate(ctx, targets)
		return
	}
	req := kmsg.NewPtrProduceRequest()
	req.Acks = -1
	req.TimeoutMillis = produceTimeoutMillis
	for _, t := range targets {
		rt := kmsg.NewProduceRequestTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		rp := kmsg.NewProduceRequestTopicPartition()
		rp.Partition, rp.Records = t.Partition, t.raw
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
	}
	resp, err := req.RequestWith(ctx, brokerRequestor{w.sink.client, s.broker})
	if err != nil {
		if ctx.Err() == nil {
			w.sink.env.Trouble(fmt.Errorf("cluster %s: producing to broker %d: %w", w.sink.client.name, s.broker, err))
			w.relocate(ctx, targets)
		}
		return
	}
	s.handOut(ctx, targets, resp)
}

func (s *sender) handOut(ctx context.Context, targets []sending, resp *kmsg.ProduceResponse) {
	parts := map[answerKey]*kmsg.ProduceResponseTopicPartition{}
	for i := range resp.Topics {
		rt := &resp.Topics[i]
		for j := range rt.Partitions {
			parts[keyOf(resp.Version, rt.Topic, rt.TopicID, rt.Partitions[j].Partition)] = &rt.Partitions[j]
		}
	}
	var again []sending
	for _, t := range targets {
		part, ok := parts[keyOf(resp.Version, t.Topic, t.TopicID, t.Partition)]
		if !ok {
			again = append(again, t)
			continue
		}
		if s.writer.took(ctx, t.target, part) {
			again = append(again, t)
		}
	}
	if len(again) > 0 {
		s.writer.relocate(ctx, again)
	}
}

// took takes a target's answer. It returns true if the batch has to be sent
// again, possibly elsewhere.
func (w *writer) took(ctx context.Context, t *target, part *kmsg.ProduceResponseTopicPartition) (again bool) {
	err := kerr.ErrorForCode(part.ErrorCode)
	if err != nil && !transient(err) {
		w.refused(ctx, t, part, err)
		return false
	}
	if err != nil {
		w.sink.env.Trouble(fmt.Errorf("cluster %s: producing to %s: %w", w.sink.client.name, t.TopicPartition, err))
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case len(t.queue) == 0: // the lane has failed meanwhile
	case part.BaseOffset < t.end:
		w.abandon(t, fmt.Errorf("topic %s of cluster %s has offset %d again, which it had before: it was deleted and made again, or its log was truncated", t.Topic, w.sink.client.name, part.BaseOffset), fixRecreated)
	default:
		w.acked(t, part.BaseOffset)
	}
	return false
}

// relocate finds the leaders of targets anew and lets them try again after a
// pause.
func (w *writer) relocate(ctx context.Context, targets []sending) {
	if err := w.sink.metadata.refreshSoon(ctx); err != nil && ctx.Err() == nil {
		w.sink.env.Trouble(fmt.Errorf("cluster %s: asking for metadata: %w", w.sink.client.name, err))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for _, sent := range targets {
		t := sent.target
		t.sending = false
		if len(t.queue) == 0 {
			continue
		}
		t.retry.again(now)
		if fix, reason := w.unusable(t); reason != nil {
			w.abandon(t, reason, fix)
			continue
		}
		w.place(t)
	}
}

const fixRecreated = "what was copied into the old one is gone; copy it again under another pipeline name, or start this one over"

// abandon stops every source partition that has something for a target. The
// caller holds the mutex.
func (w *writer) abandon(t *target, reason error, fix string) {
	for len(t.queue) > 0 {
		o := t.queue[0]
		w.drop(t, targetError(o.write.source, o.first(), reason, fix))
	}
}

// unusable says why a target cannot be written to any more, if so. The caller
// holds the mutex.
func (w *writer) unusable(t *target) (fix string, reason error) {
	meta, ok := w.sink.metadata.topic(t.Topic)
	if ok && meta.err == nil && t.seen && meta.id != t.TopicID {
		return fixRecreated, fmt.Errorf("topic %s was deleted from cluster %s and made again (it was id %s, now %s)", t.Topic, w.sink.client.name, t.TopicID, meta.id)
	}
	if w.sink.keys != nil {
		if _, err := w.sink.keys.fixed(t.Topic); err != nil {
			return fixRecounted, err
		}
	}
	if !ok && t.retry.pause >= retryMax {
		return "create it and start again", fmt.Errorf("topic %s does not exist on cluster %s", t.Topic, w.sink.client.name)
	}
	return "", nil
}

// targetError is about the first record that a target has not taken.
func targetError(source sdk.Stream, first int64, reason error, fix string) *sdk.PartitionError {
	return &sdk.PartitionError{
		TopicPartition: source.TopicPartition, Reason: sdk.ReasonTarget,
		Offsets: sdk.Offsets{From: first, To: first + 1}, Err: reason, Fix: fix,
	}
}
