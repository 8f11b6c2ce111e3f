// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klamm-io/klamm/sdk"
)

// reader hands one lane what the fetch loops bring for its partitions.
type reader struct {
	source *source
	share  int64        // bytes that may wait for the lane, of what comes from near
	queued atomic.Int64 // bytes that do

	mu      sync.Mutex
	queue   []arrival
	closed  bool
	cursors map[sdk.TopicPartition]*cursor
	ready   chan struct{} // holds a token while the queue may not be empty
}

// arrival is a batch, or what stopped a partition.
type arrival struct {
	batch  *sdk.Batch
	err    error
	cursor *cursor
}

// release drops an arrival. Nobody holds the reader's mutex.
func (a arrival) release() {
	if a.batch != nil {
		a.cursor.consumed(int64(a.batch.Size()))
		a.batch.Release()
	}
}

var _ sdk.Reader = (*reader)(nil)

func newReader(s *source) *reader {
	return &reader{source: s, share: max(s.env.Memory.Limit()/64, 1<<20), cursors: map[sdk.TopicPartition]*cursor{}, ready: make(chan struct{}, 1)}
}

// Add implements [sdk.Reader].
func (r *reader) Add(_ context.Context, position sdk.Position) error {
	c := &cursor{
		reader: r, stream: position.Stream,
		offset: position.Offset, epoch: position.LeaderEpoch, end: -1, limit: partitionFetchBytes,
	}
	r.mu.Lock()
	if _, ok := r.cursors[c.stream.TopicPartition]; ok || r.closed {
		r.mu.Unlock()
		return fmt.Errorf("%s is read already, or the reader is closed", c.stream.TopicPartition)
	}
	r.cursors[c.stream.TopicPartition] = c
	r.mu.Unlock()
	if bounds := r.source.bounds; bounds != nil {
		end, ok := bounds[c.stream]
		if ok && c.offset >= end {
			r.push(arrival{batch: c.finished(), cursor: c})
			return nil
		}
		if ok {
			c.end = end
		}
	}
	r.source.place(c)
	return nil
}

// Remove implements [sdk.Reader].
func (r *reader) Remove(tp sdk.TopicPartition) {
	r.mu.Lock()
	var dropped []arrival
	if c, ok := r.cursors[tp]; ok {
		delete(r.cursors, tp)
		dropped = r.drop(c)
	}
	r.mu.Unlock()
	for _, a := range dropped {
		a.release()
	}
}

// drop ends a cursor of which nothing may come any more: it takes out what is
// queued, and the answer to a fetch that is under way will find it dropped. The
// caller holds the mutex and then releases what is returned.
func (r *reader) drop(c *cursor) (dropped []arrival) {
	c.removed.Store(true)
	c.dropped = true
	kept := r.queue[:0]
	for _, a := range r.queue {
		if a.cursor == c {
			dropped = append(dropped, a)
		} else {
			kept = append(kept, a)
		}
	}
	clear(r.queue[len(kept):])
	r.queue = kept
	return dropped
}

// Read implements [sdk.Reader].
func (r *reader) Read(ctx context.Context) (*sdk.Batch, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if a, ok := r.pop(); ok {
			if a.batch != nil {
				a.cursor.consumed(int64(a.batch.Size()))
			}
			if b, err := r.handOver(a); b != nil || err != nil {
				return b, err
			}
			continue
		}
		select {
		case <-r.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// handOver returns what arrived, unless its partition was removed meanwhile.
func (r *reader) handOver(a arrival) (*sdk.Batch, error) {
	r.mu.Lock()
	wanted := r.cursors[a.cursor.stream.TopicPartition] == a.cursor
	r.mu.Unlock()
	if wanted {
		return a.batch, a.err
	}
	if a.batch != nil {
		a.batch.Release()
	}
	return nil, nil
}

// Close implements [sdk.Reader].
func (r *reader) Close() error {
	r.mu.Lock()
	left := r.queue
	r.queue, r.closed = nil, true
	for _, c := range r.cursors {
		c.removed.Store(true)
	}
	r.mu.Unlock()
	for _, a := range left {
		a.release()
	}
	return nil
}

// notifyAll wakes the fetchers of all the lane's partitions.
func (r *reader) notifyAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.cursors {
		c.notify()
	}
}

func (r *reader) pop() (arrival, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		return arrival{}, false
	}
	a := r.queue[0]
	r.queue[0] = arrival{}
	r.queue = r.queue[1:]
	return a, true
}

// push queues an arrival, unless nobody waits for it any more.
func (r *reader) push(a arrival) {
	r.mu.Lock()
	if r.closed || a.cursor.dropped {
		r.mu.Unlock()
		if a.batch != nil {
			a.batch.Release()
		}
		return
	}
	if a.batch != nil {
		a.cursor.queued.Add(int64(a.batch.Size()))
		r.queued.Add(int64(a.batch.Size()))
	}
	r.queue = append(r.queue, a)
	r.mu.Unlock()
	select {
	case r.ready <- struct{}{}:
	default:
	}
}

// cursor is where a partition is being fetched. It belongs to the goroutine of
// one fetcher at a time, but for its atomic fields.
type cursor struct {
	reader *reader
	stream sdk.Stream
	offset int64 // next to fetch
	epoch  int32 // of the record before offset
	end    int64 // of a bounded source; -1 if there is none
	limit  int32 // bytes to ask for; grows to a batch that is larger

	home    atomic.Pointer[fetcher]
	queued  atomic.Int64 // bytes fetched and not yet read by the lane
	removed atomic.Bool  // not fetched any more
	dropped bool         // nothing of it is queued any more; guarded by the reader's mutex
	retry   retry
	asked   asked
	// unsure says that the broker gave nothing where there should be something:
	// all of it may be compacted away.
	unsure bool
	// doubts counts answers in a row that say offset is outside the log,
	// although it is not.
	doubts  int
	missing time.Time // since when the cluster does not know the topic
}

// full reports whether enough of the partition, or for its lane, is waiting.
func (c *cursor) full() bool {
	partition, lane := c.enough()
	return c.queued.Load() >= partition || c.reader.queued.Load() >= lane
}

// enough is how much may wait of the partition, and for its lane: at least what the
// longest link brings in a round trip, or it would lie idle.
func (c *cursor) enough() (partition, lane int64) {
	reach := c.reader.source.reach.Load()
	return max(partitionHighWater, reach), max(c.reader.share, reach)
}

// consumed tells that the lane took n bytes of the partition.
func (c *cursor) consumed(n int64) {
	enough, laneEnough := c.enough()
	partition, lane := c.queued.Add(-n), c.reader.queued.Add(-n)
	if partition+n >= enough && partition < enough {
		c.notify()
	}
	if lane+n >= laneEnough && lane < laneEnough {
		c.reader.notifyAll()
	}
}

func (c *cursor) notify() {
	if f := c.home.Load(); f != nil {
		f.notify()
	}
}

// finished is the empty batch that ends a bounded partition.
func (c *cursor) finished() *sdk.Batch {
	b := sdk.NewBatch(c.stream, sdk.Offsets{From: c.offset, To: c.offset}, nil)
	b.LeaderEpoch, b.Last = c.epoch, true
	return b
}

// stop ends the partition with an error that its lane will read.
func (c *cursor) stop(e *sdk.PartitionError) {
	e.TopicPartition = c.stream.TopicPartition
	c.removed.Store(true)
	c.reader.push(arrival{cursor: c, err: e})
}

// corrupt is the error of a batch that cannot be read.
func (c *cursor) corrupt(at sdk.Offsets, err error) *sdk.PartitionError {
	return &sdk.PartitionError{
		TopicPartition: c.stream.TopicPartition, Reason: sdk.ReasonCorrupt, Offsets: at, Err: err,
		Fix: "nothing behind it is read; check the source's disks, or leave the topic out",
	}
}

// here is the range of offsets for what concerns the next record.
func (c *cursor) here() sdk.Offsets { return sdk.Offsets{From: c.offset, To: c.offset + 1} }

var errClosed = errors.New("closed")
