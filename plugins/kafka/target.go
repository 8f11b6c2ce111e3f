// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// target is one target partition of a lane. The first batches of its queue are in
// flight, all on one connection, in order:
//
//	queue:  [ in flight … ][ waiting … ]
//
// After an error nothing more is sent until everything in flight is answered, or its
// connection is gone. What then stands at the front of the queue is looked into, and
// sent again or given up. It is guarded by the sink's mutex.
type target struct {
	sdk.Stream
	writer *writer
	sender *sender
	seen   bool // the cluster knows the topic, by the id in Stream

	queue    []*outgoing
	inFlight int      // so many of the queue are in flight
	flights  int      // requests that are not answered yet
	listed   bool     // the sender has it among those with something to send
	trouble  *refusal // what has to be seen to before anything is sent
	// doubt is why the log, which may hold what was sent, has not been read yet; nil
	// if it has. Nothing is sent before: the broker need not know the producer any more.
	doubt    error
	epoch    int32 // of the leader, as far as is known
	sequence int32 // of the next batch that is sent
	follows  int32 // the sequence that follows the last batch that was acknowledged
	// proven says that the broker has taken a batch of this producer, so that it
	// refuses one that does not follow. Before that it takes any: a batch goes alone.
	proven  bool
	end     int64 // everything before it is there; a lower offset can not come again
	strikes int   // how often a batch was out of order without reason
	retry   retry
}

// refusal is why a target has stopped sending.
type refusal struct {
	err    error
	answer *kmsg.ProduceResponseTopicPartition // nil if there was none
	// doubtful says that some of what is in flight may have been written.
	doubtful bool
}

// push queues a batch.
func (t *target) push(o *outgoing) {
	t.queue = append(t.queue, o)
	if t.sender == nil {
		t.writer.sink.place(t)
	}
	t.list()
}

// list tells the sender that there may be something to send.
func (t *target) list() {
	if !t.sendable() || t.sender == nil {
		return
	}
	if !t.listed {
		t.listed = true
		t.sender.ready = append(t.sender.ready, t)
	}
	t.sender.notify()
}

// leave takes a target from its sender, if it has one.
func (t *target) leave() {
	if t.sender != nil {
		delete(t.sender.targets, t)
	}
	t.sender, t.listed = nil, false
}

// sendable reports whether there is a batch that may be sent now, or after a pause.
func (t *target) sendable() bool {
	return t.trouble == nil && t.inFlight < len(t.queue) && (t.proven || t.inFlight == 0)
}

// take takes the next batch into a request.
func (t *target) take() *outgoing {
	o := t.queue[t.inFlight]
	if !o.sent {
		// Whatever may be in the log keeps the sequence it has there.
		o.head.seal(producerState{t.writer.producer.id, t.writer.producer.epoch, t.sequence}, false)
	}
	t.sequence = producerState{sequence: o.sequence()}.after(o.count())
	o.sent = true
	o.users++
	t.inFlight++
	t.flights++
	return o
}

// answered takes the answer for the oldest batch in flight. It reports whether the
// target is to be mended.
func (t *target) answered(o *outgoing, answer *kmsg.ProduceResponseTopicPartition) (mend bool) {
	w := t.writer
	t.flights--
	o.unuse()
	err := kerr.ErrorForCode(answer.ErrorCode)
	switch {
	case w.failed != nil:
		return false
	case t.trouble != nil:
		if err == nil && !t.trouble.doubtful {
			// The broker had forgotten the producer: it took what does not follow.
			// From the stored position on everything comes again, in order.
			w.failLocked(fmt.Errorf("cluster %s: producing to %s: offset %d was taken although the batch before it was not: %w", w.sink.client.name, t.TopicPartition, answer.BaseOffset, t.trouble.err))
			return false
		}
	case err == nil && answer.BaseOffset < 0, errors.Is(err, kerr.OutOfOrderSequenceNumber), errors.Is(err, kerr.DuplicateSequenceNumber):
		// It may be there without the broker saying where.
		t.strikes++
		t.trouble = &refusal{err: err, answer: answer, doubtful: true}
	case err == nil && answer.BaseOffset < t.end:
		t.trouble = &refusal{err: t.wasThere(answer.BaseOffset), doubtful: true}
	case err == nil:
		t.acked(answer.BaseOffset)
		t.list()
	default:
		t.trouble = &refusal{err: err, answer: answer, doubtful: transient(err)}
	}
	return t.trouble != nil && t.flights == 0
}

// lost is about batches in flight on a connection that is gone.
func (t *target) lost(o *outgoing, err error) (mend bool) {
	t.flights--
	o.unuse()
	if t.writer.failed != nil {
		return false
	}
	if t.trouble == nil {
		t.trouble = &refusal{err: err}
	}
	t.trouble.doubtful = true
	return t.flights == 0
}

// acked takes the first batch off the queue: it is in the log.
func (t *target) acked(base int64) {
	o := t.queue[0]
	t.queue[0] = nil
	t.queue = t.queue[1:]
	t.inFlight = max(t.inFlight-1, 0)
	t.proven, t.strikes = true, 0
	t.retry.reset()
	t.end = max(t.end, base+int64(o.count()))
	t.follows = producerState{sequence: o.sequence()}.after(o.count())
	for i := range o.runs {
		o.runs[i].Target += base
	}
	o.acked = true
	t.writer.release(o)
	if !o.givenUp {
		t.writer.answered(o.write)
	}
}

// resume lets a target send again what is left of its queue.
func (t *target) resume() {
	t.trouble, t.inFlight, t.proven, t.sequence = nil, 0, false, t.follows
	t.list()
}

// refused says that the first batch was not taken, and so what was in flight behind
// it neither: the broker takes none but the next. The first one keeps its place until
// it is known what to do about it.
func (t *target) refused() {
	for _, o := range t.queue[1:] {
		o.sent = false
	}
}

// drop removes the first batch of a queue, which was certainly not written, and
// ends its source partition there.
func (t *target) drop(stop *sdk.PartitionError) {
	o := t.queue[0]
	t.queue = t.queue[1:]
	t.writer.release(o)
	if !o.givenUp {
		t.writer.haltLocked(stop)
		t.writer.giveUp(o)
	}
}

// abandon stops every source partition that has something for a target.
func (t *target) abandon(reason error, fix string) {
	for len(t.queue) > 0 {
		o := t.queue[0]
		t.drop(targetError(o.write.source, o.first(), reason, fix))
	}
}

// errRecreated is the error of a target that has lost what it had.
var errRecreated = errors.New("it was deleted and made again, or its log was truncated")

func (t *target) wasThere(offset int64) error {
	return fmt.Errorf("topic %s of cluster %s has offset %d again, which it had before: %w", t.Topic, t.writer.sink.client.name, offset, errRecreated)
}

const fixRecreated = "what was copied into the old one is gone; copy it again under another pipeline name, or start this one over"

// unusable says why a target cannot be written to any more, if so.
func (t *target) unusable() (fix string, reason error) {
	s := t.writer.sink
	meta, ok := s.metadata.topic(t.Topic)
	if ok && meta.err == nil && t.seen && meta.id != t.TopicID {
		return fixRecreated, fmt.Errorf("topic %s was deleted from cluster %s and made again (it was id %s, now %s)", t.Topic, s.client.name, t.TopicID, meta.id)
	}
	if s.keys != nil {
		if _, err := s.keys.fixed(t.Topic); err != nil {
			return fixRecounted, err
		}
	}
	if !ok && t.retry.pause >= retryMax {
		return "create it and start again", fmt.Errorf("topic %s does not exist on cluster %s", t.Topic, s.client.name)
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
