// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
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
	halted  map[sdk.TopicPartition]error // source partitions that are refused
	failed  error                        // what ended the lane
	open    map[*write]struct{}
	idle    chan struct{} // closed and replaced when nothing is open
}

var _ sdk.Writer = (*writer)(nil)

// write is one call of Write.
type write struct {
	source  sdk.Stream
	at      sdk.Offsets
	parts   []*outgoing // in the order of the source, each to its own target
	missing int         // parts without an answer, and one for the Write itself
	done    sdk.Done
}

// delivery covers what is durable: the write, or a prefix of it. Parts for
// different targets are answered in any order.
func (wr *write) delivery() sdk.Delivery {
	d := sdk.Delivery{Source: wr.source, Offsets: sdk.Offsets{From: wr.at.From, To: wr.at.From}}
	for _, o := range wr.parts {
		if !o.acked {
			return d
		}
		d.Runs = append(d.Runs, o.runs...)
		d.To = o.last()
	}
	if wr.missing == 0 {
		d.To = wr.at.To
	}
	return d
}

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
		halted: map[sdk.TopicPartition]error{}, open: map[*write]struct{}{}, idle: make(chan struct{}),
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// laneShare is how much of a memory limit one lane may hold, of bytes waiting to
// be written or to be read.
func laneShare(limit int64) int64 { return max(limit/32, 2<<20) }

// Write implements [sdk.Writer].
func (w *writer) Write(ctx context.Context, b *sdk.Batch, done sdk.Done) {
	wr := &write{source: b.Source, at: b.Offsets, missing: 1, done: done}
	if err := w.begin(wr); err != nil {
		done(sdk.Delivery{Source: b.Source, Offsets: sdk.Offsets{From: b.From, To: b.From}}, err)
		return
	}
	w.sink.encoding <- struct{}{}
	records, err := b.Records()
	<-w.sink.encoding
	if err != nil {
		w.halt(wr, &sdk.PartitionError{
			TopicPartition: b.Source.TopicPartition, Reason: sdk.ReasonCorrupt, Offsets: b.Offsets, Err: err,
			Fix: "nothing behind it is copied; check the source's disks, or leave the topic out",
		})
		return
	}
	for len(records) > 0 {
		topic, same := destination(b, records)
		n := fit(records[:same], int(w.sink.config.BatchSize))
		w.sink.encoding <- struct{}{}
		raw := w.encoder.encode(records[:n])
		<-w.sink.encoding
		if err := w.hold(ctx, raw); err != nil {
			w.fail(fmt.Errorf("waiting for memory: %w", err))
			return
		}
		to := sdk.TopicPartition{Topic: topic, Partition: b.Source.Partition}
		w.enqueue(to, &outgoing{write: wr, raw: raw, runs: runsOf(records[:n], to)})
		records = records[n:]
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answered(wr)
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

// destination is the topic of the first record, and how many from there on go
// to the same.
func destination(b *sdk.Batch, records []sdk.Record) (topic string, same int) {
	first := records[0].Topic
	for same = 1; same < len(records) && records[same].Topic == first; same++ {
	}
	if first == "" {
		first = b.Topic
	}
	return first, same
}

// begin admits a write, or says why its partition or the lane is over.
func (w *writer) begin(wr *write) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed != nil {
		return w.failed
	}
	if err := w.halted[wr.source.TopicPartition]; err != nil {
		return err
	}
	w.open[wr] = struct{}{}
	return nil
}

// enqueue puts a batch behind the others of its target. It is sealed here, while
// its bytes are still in the caches, with the sequence it will have unless one
// before it is dropped.
func (w *writer) enqueue(to sdk.TopicPartition, o *outgoing) {
	w.mu.Lock()
	t := w.target(to)
	if len(t.queue) == 0 {
		t.coming = t.sequence
	}
	o.sequence = t.coming
	w.mu.Unlock()
	w.seal(o, o.sequence)

	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.open[o.write]; !ok { // an earlier part of the same write has failed
		w.release(o)
		return
	}
	o.write.missing++
	o.write.parts = append(o.write.parts, o)
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
	w.answered(o.write)
}

// answered counts one answer of a write, and finishes it with the last. The
// caller holds the mutex.
func (w *writer) answered(wr *write) {
	wr.missing--
	if _, ok := w.open[wr]; ok && wr.missing == 0 {
		w.finish(wr, nil)
	}
}

func (w *writer) finish(wr *write, err error) {
	delete(w.open, wr)
	wr.done(wr.delivery(), err)
	if len(w.open) == 0 {
		close(w.idle)
		w.idle = make(chan struct{})
	}
}

// halt ends a source partition: the write fails with what of it is durable, and
// whatever is queued behind it is not sent (invariants 3 and 4).
func (w *writer) halt(wr *write, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.haltLocked(wr, err)
}

func (w *writer) haltLocked(wr *write, err error) {
	source := wr.source.TopicPartition
	w.halted[source] = err
	for _, t := range w.targets {
		kept := t.queue[:0]
		for i, o := range t.queue {
			// A batch that may have been written keeps its place until the
			// broker has said so: another one under its sequence would be
			// taken for it.
			if o.write.source.TopicPartition == source && !(i == 0 && o.sent) {
				w.release(o)
				continue
			}
			kept = append(kept, o)
		}
		clear(t.queue[len(kept):])
		t.queue = kept
	}
	for other := range w.open {
		if other.source.TopicPartition == source {
			w.finish(other, err)
		}
	}
}

// drop removes the first batch of a queue, which was certainly not written. The
// caller holds the mutex.
func (w *writer) drop(t *target) *write {
	o := t.queue[0]
	t.queue, t.sending = t.queue[1:], false
	w.release(o)
	return o.write
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
