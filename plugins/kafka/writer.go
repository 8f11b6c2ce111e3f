// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/klamm-io/klamm/sdk"
)

// writer writes one lane's batches:
//
//	Write ─▶ divide ─▶ target queue ─▶ sender of the leader ─▶ broker ─▶ done
//
// Of a target partition as many batches are in flight, in order, as the link carries
// in a round trip. The broker takes the next one by its sequence only, so nothing
// overtakes a batch that fails; and it recognises a repeated one as long as it
// remembers the producer.
//
// Everything behind Write is guarded by the sink's mutex: lanes share the senders.
type writer struct {
	sink     *sink
	producer producerState // id and epoch; each target counts its own sequence
	encoder  *encoder      // of the lane's goroutine
	// memory is the lane's share, so that one that waits for a partition
	// without a leader leaves the others theirs.
	memory *sdk.Budget

	targets map[sdk.TopicPartition]*target
	halted  map[sdk.TopicPartition]*sdk.PartitionError // source partitions that are refused
	heard   map[sdk.TopicPartition]time.Time           // of source partitions (Heard)
	failed  error                                      // what ended the lane
	open    map[*write]struct{}
	writing *write        // what Write is at
	idle    chan struct{} // closed and replaced when nothing is open
	over    context.Context
	end     context.CancelFunc // ends over: the lane has failed
	mending sync.WaitGroup
}

var (
	_ sdk.Writer = (*writer)(nil)
	_ sdk.Hearer = (*writer)(nil)
)

func newWriter(s *sink, producer producerState) *writer {
	w := &writer{
		sink: s, producer: producer, encoder: &encoder{compressors: s.compressors, buffers: s.buffers},
		memory:  sdk.NewBudget(minLaneShare),
		targets: map[sdk.TopicPartition]*target{},
		halted:  map[sdk.TopicPartition]*sdk.PartitionError{}, heard: map[sdk.TopicPartition]time.Time{}, open: map[*write]struct{}{}, idle: make(chan struct{}),
	}
	w.over, w.end = context.WithCancel(s.ctx)
	return w
}

// minLaneShare is how many bytes a lane may have on their way to brokers that are
// near. What is handed on soon is still in the processor's caches.
const minLaneShare = 2 << 20

// share is how many bytes a lane may have on their way now: what the farthest link
// carries, but so much that as many lanes as there are by default hold no more than
// there is.
func (w *writer) share() int64 {
	return max(min(w.sink.reach.Load(), w.sink.env.Memory.Limit()/defaultLanes), minLaneShare)
}

// Write implements [sdk.Writer].
func (w *writer) Write(ctx context.Context, b *sdk.Batch, done sdk.Done) {
	wr := &write{source: b.Source, at: b.Offsets, parted: b.From, missing: 1, done: done}
	if err := w.begin(wr); err != nil {
		done(wr.delivery(), err)
		return
	}
	parts, err := w.divide(ctx, wr, b)
	stop, ok := sdk.AsPartitionError(err)
	if err == nil || ok {
		w.register(wr, parts, stop)
		err = w.put(ctx, parts)
	}
	if err != nil {
		w.fail(err)
	}
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	w.writing = nil
	if w.failed != nil {
		w.finish(wr, w.failed)
		return
	}
	if stop != nil {
		wr.cut = true
		w.haltLocked(stop)
	}
	w.answered(wr)
}

// begin admits a write, or says why its partition or the lane is over.
func (w *writer) begin(wr *write) error {
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	if w.failed != nil {
		return w.failed
	}
	if stop := w.halted[wr.source.TopicPartition]; stop != nil {
		return stop
	}
	w.open[wr] = struct{}{}
	w.writing = wr
	return nil
}

// register notes what a write has to wait for, before any of it is sent: none
// of it counts as durable then that is not.
func (w *writer) register(wr *write, parts []*outgoing, stop *sdk.PartitionError) {
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	wr.parts = slices.Clone(parts) // refused batches are parted further
	wr.missing += len(parts)
	wr.parted = wr.at.To
	if stop != nil {
		wr.parted = stop.From
	}
}

// put encodes what is to be, and queues the parts, as there is room for them.
func (w *writer) put(ctx context.Context, parts []*outgoing) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.over, cancel)()
	w.memory.SetLimit(w.share())
	for i, o := range parts {
		if o.records != nil {
			w.sink.encoding <- struct{}{}
			o.head, o.memory = w.encoder.encode(o.records, o.codec)
			o.body, o.records = o.memory.bytes, nil
			<-w.sink.encoding
		}
		if err := w.hold(ctx, o); err != nil {
			for _, left := range parts[i:] {
				left.unuse()
			}
			return fmt.Errorf("waiting for memory: %w", err)
		}
		w.enqueue(o)
	}
	return nil
}

// hold waits until the lane, and for what is encoded anew the pipeline, has room for
// a batch. The memory of what was read is the source's.
func (w *writer) hold(ctx context.Context, o *outgoing) error {
	n := int64(o.size())
	if err := w.memory.Acquire(ctx, n); err != nil {
		return err
	}
	if o.why == "" {
		return nil
	}
	if err := w.sink.env.Memory.Acquire(ctx, n); err != nil {
		w.memory.Release(n)
		return err
	}
	return nil
}

// release gives back what a batch held. Its bytes may still be in use.
func (w *writer) release(o *outgoing) {
	w.memory.Release(int64(o.size()))
	if o.why != "" {
		w.sink.env.Memory.Release(int64(o.size()))
	}
	o.unuse()
}

// enqueue puts a batch behind the others of its target.
func (w *writer) enqueue(o *outgoing) {
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	switch {
	case w.failed != nil:
		w.release(o)
	case w.behindStop(o):
		w.release(o)
		w.giveUp(o)
	default:
		w.target(o.runs[0].TopicPartition).push(o)
	}
}

// target returns the state of a target partition. The caller holds the mutex.
func (w *writer) target(to sdk.TopicPartition) *target {
	t, ok := w.targets[to]
	if !ok {
		t = &target{writer: w, Stream: sdk.Stream{TopicPartition: to}}
		w.targets[to] = t
		w.sink.metadata.add(to.Topic)
	}
	return t
}

// answered counts one answer of a write, and finishes it with the last. The
// caller holds the mutex.
func (w *writer) answered(wr *write) {
	wr.missing--
	if wr.missing > 0 {
		return
	}
	var err error
	if stop := w.halted[wr.source.TopicPartition]; stop != nil && wr.cut {
		err = stop
	}
	w.finish(wr, err)
}

func (w *writer) finish(wr *write, err error) {
	if _, ok := w.open[wr]; !ok {
		return
	}
	delete(w.open, wr)
	wr.done(wr.delivery(), err)
	if len(w.open) == 0 {
		close(w.idle)
		w.idle = make(chan struct{})
	}
}

// fail ends the lane: nothing more is sent, and all that is open fails.
func (w *writer) fail(err error) {
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	w.failLocked(err)
}

func (w *writer) failLocked(err error) {
	if w.failed != nil {
		return
	}
	w.failed = err
	w.end()
	for _, t := range w.targets {
		for _, o := range t.queue {
			w.release(o)
		}
		t.queue = nil
		t.leave()
	}
	for wr := range w.open {
		if wr != w.writing { // Write itself still looks at its batch
			w.finish(wr, err)
		}
	}
}

// Admit implements [sdk.Writer]. A batch that is still in flight for one of the
// partition's old writes stays before the new ones of its target.
func (w *writer) Admit(partition sdk.TopicPartition) {
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	delete(w.halted, partition)
}

// Heard implements [sdk.Hearer].
func (w *writer) Heard(partition sdk.TopicPartition) time.Time {
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	return w.heard[partition]
}

// Close implements [sdk.Writer].
func (w *writer) Close(ctx context.Context) error {
	err := w.drain(ctx)
	w.fail(errClosed)
	w.mending.Wait()
	return err
}

func (w *writer) drain(ctx context.Context) error {
	for {
		w.sink.mu.Lock()
		open, idle, failed := len(w.open), w.idle, w.failed
		w.sink.mu.Unlock()
		if open == 0 || failed != nil {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("cluster %s: %d writes without an answer when the time to stop was over", w.sink.client.name, open)
		}
	}
}
