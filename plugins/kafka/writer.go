// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/klamm-io/klamm/sdk"
)

// writer writes one lane's batches:
//
//	Write ─▶ encode ─▶ target queue ─▶ sender of the leader ─▶ broker ─▶ done
//
// Of a target partition one batch is in flight at a time, so nothing overtakes
// a batch that fails, and the broker recognises a repeated one as long as it
// remembers the producer.
type writer struct {
	sink     *sink
	producer producerState // id and epoch; each target counts its own sequence
	encoder  *encoder      // of the lane's goroutine
	// memory is the lane's share, so that one that waits for a partition
	// without a leader leaves the others theirs.
	memory  *sdk.Budget
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	targets map[sdk.TopicPartition]*target
	senders map[int32]*sender
	halted  map[sdk.TopicPartition]*sdk.PartitionError // source partitions that are refused
	failed  error                                      // what ended the lane
	open    map[*write]struct{}
	idle    chan struct{} // closed and replaced when nothing is open
}

var _ sdk.Writer = (*writer)(nil)

// target is one target partition. It is guarded by its writer's mutex.
type target struct {
	sdk.Stream
	sequence int32 // of the next batch that is sent for the first time
	coming   int32 // of the next one that is queued, if none is dropped
	end      int64 // everything before it is there; a lower offset can not come again
	queue    []*outgoing
	sending  bool // the first of the queue is in flight
	sender   *sender
	retry    retry
	seen     bool // the cluster knows the topic, by the id in Stream
}

func newWriter(s *sink, producer producerState) *writer {
	w := &writer{
		sink: s, producer: producer, encoder: &encoder{compressor: s.compressor, buffers: &s.buffers},
		memory:  sdk.NewBudget(laneShare(s.env.Memory.Limit())),
		targets: map[sdk.TopicPartition]*target{}, senders: map[int32]*sender{},
		halted: map[sdk.TopicPartition]*sdk.PartitionError{}, open: map[*write]struct{}{}, idle: make(chan struct{}),
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// laneShare is how much of a memory limit one lane may hold, of bytes waiting to
// be written or to be read.
func laneShare(limit int64) int64 { return max(limit/32, 2<<20) }

// Write implements [sdk.Writer].
func (w *writer) Write(ctx context.Context, b *sdk.Batch, done sdk.Done) {
	wr := &write{source: b.Source, at: b.Offsets, parted: b.From, missing: 1, done: done}
	if err := w.begin(wr); err != nil {
		done(wr.delivery(), err)
		return
	}
	parts, err := w.divide(ctx, wr, b)
	stop, ok := sdk.AsPartitionError(err)
	if err != nil && !ok {
		w.fail(err)
		return
	}
	w.register(wr, parts, stop)
	for _, o := range parts {
		w.sink.encoding <- struct{}{}
		o.raw = w.encoder.encode(o.records)
		<-w.sink.encoding
		if err := w.hold(ctx, o.raw); err != nil {
			w.fail(fmt.Errorf("waiting for memory: %w", err))
			return
		}
		w.enqueue(o)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if stop != nil {
		wr.cut = true
		w.haltLocked(stop)
	}
	w.answered(wr)
}

// register notes what a write has to wait for, before any of it is sent: none
// of it counts as durable then that is not.
func (w *writer) register(wr *write, parts []*outgoing, stop *sdk.PartitionError) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wr.parts = slices.Clone(parts) // refused batches are parted further
	wr.missing += len(parts)
	wr.parted = wr.at.To
	if stop != nil {
		wr.parted = stop.From
	}
}

// hold waits until the lane and the pipeline have room for a batch.
func (w *writer) hold(ctx context.Context, raw []byte) error {
	n := int64(len(raw))
	if err := w.memory.Acquire(ctx, n); err != nil {
		return err
	}
	if err := w.sink.env.Memory.Acquire(ctx, n); err != nil {
		w.memory.Release(n)
		return err
	}
	return nil
}

// release gives back what a batch held. Its bytes may still be in use.
func (w *writer) release(o *outgoing) {
	w.memory.Release(int64(len(o.raw)))
	w.sink.env.Memory.Release(int64(len(o.raw)))
}

// begin admits a write, or says why its partition or the lane is over.
func (w *writer) begin(wr *write) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed != nil {
		return w.failed
	}
	if stop := w.halted[wr.source.TopicPartition]; stop != nil {
		return stop
	}
	w.open[wr] = struct{}{}
	return nil
}

// enqueue puts a batch behind the others of its target. It is sealed here, while
// its bytes are still in the caches, with the sequence it will have unless one
// before it is dropped.
func (w *writer) enqueue(o *outgoing) {
	w.mu.Lock()
	t := w.target(o.runs[0].TopicPartition)
	if len(t.queue) == 0 {
		t.coming = t.sequence
	}
	o.sequence = t.coming
	w.mu.Unlock()
	w.seal(o, o.sequence)

	w.mu.Lock()
	defer w.mu.Unlock()
	o.records = nil                    // they are in raw now
	if _, ok := w.open[o.write]; !ok { // the lane has failed meanwhile
		w.release(o)
		return
	}
	if w.behindStop(o) {
		w.release(o)
		w.giveUp(o)
		return
	}
	t.queue = append(t.queue, o)
	t.coming = producerState{sequence: o.sequence}.after(o.count())
	if t.sender == nil {
		w.place(t)
	}
	t.sender.notify()
}

// target returns the state of a target partition. The caller holds the mutex.
func (w *writer) target(to sdk.TopicPartition) *target {
	t, ok := w.targets[to]
	if !ok {
		t = &target{Stream: sdk.Stream{TopicPartition: to}}
		w.targets[to] = t
		w.sink.metadata.add(to.Topic)
	}
	return t
}

func (w *writer) seal(o *outgoing, sequence int32) {
	producerState{w.producer.id, w.producer.epoch, sequence}.seal(o.raw, false)
	o.sequence = sequence
}

// acked takes the answer for the first batch of a target's queue. The caller
// holds the mutex.
func (w *writer) acked(t *target, base int64) {
	o := t.queue[0]
	t.queue = t.queue[1:]
	t.sending = false
	t.retry.reset()
	t.sequence = (producerState{sequence: o.sequence}).after(o.count())
	t.end = max(t.end, base+int64(o.count()))
	w.release(o)
	w.sink.buffers.put(o.raw) // the broker has it: nobody else reads it now
	o.raw, o.acked = nil, true
	for i := range o.runs {
		o.runs[i].Target += base
	}
	if !o.givenUp {
		w.answered(o.write)
	}
}

// answered counts one answer of a write, and finishes it with the last. The
// caller holds the mutex.
func (w *writer) answered(wr *write) {
	wr.missing--
	if _, ok := w.open[wr]; !ok || wr.missing > 0 {
		return
	}
	var err error
	if stop := w.halted[wr.source.TopicPartition]; stop != nil && wr.cut {
		err = stop
	}
	w.finish(wr, err)
}

func (w *writer) finish(wr *write, err error) {
	delete(w.open, wr)
	wr.done(wr.delivery(), err)
	if len(w.open) == 0 {
		close(w.idle)
		w.idle = make(chan struct{})
	}
}

// fail ends the lane: nothing more is sent, and all that is open fails.
func (w *writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failLocked(err)
}

func (w *writer) failLocked(err error) {
	if w.failed != nil {
		return
	}
	w.failed = err
	w.cancel()
	for _, t := range w.targets {
		for _, o := range t.queue {
			w.release(o)
		}
		t.queue = nil
	}
	for wr := range w.open {
		w.finish(wr, err)
	}
}

// Admit implements [sdk.Writer]. A batch that is still in flight for one of the
// partition's old writes stays before the new ones of its target.
func (w *writer) Admit(partition sdk.TopicPartition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.halted, partition)
}

// Close implements [sdk.Writer].
func (w *writer) Close(ctx context.Context) error {
	err := w.drain(ctx)
	w.fail(errClosed)
	w.running.Wait()
	return err
}

func (w *writer) drain(ctx context.Context) error {
	for {
		w.mu.Lock()
		open, idle := len(w.open), w.idle
		w.mu.Unlock()
		if open == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("cluster %s: %d writes without an answer when the time to stop was over", w.sink.client.name, open)
		}
	}
}
