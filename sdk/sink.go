// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"context"
	"time"
)

// Sink writes batches. Its methods may be called from several goroutines.
type Sink interface {
	// ID is the identity of what is written to; for Kafka the cluster id.
	ID() string
	// Open begins a lane's writing.
	Open(ctx context.Context, lane int) (Writer, error)
	// Close frees what the sink holds, after its Writers are closed.
	Close() error
}

// Done is told the outcome of one write, exactly once, from any goroutine. It
// must not block. Beside an error the Delivery covers what is durable all the
// same: a prefix of the batch, possibly empty.
type Done func(Delivery, error)

// Writer writes the batches of one lane: asynchronously, bounded, in order.
// Write is called from one goroutine.
type Writer interface {
	// Write takes the batch over until done is called, and returns once its place
	// in the order of its partition is fixed; it waits while the writer's buffers
	// are full. done gets the Delivery when every record is durable; from then on
	// the batch and its bytes are not the writer's any more.
	//
	// A *PartitionError is about the batch's source partition: from then on
	// the writer refuses every batch of that partition, so that nothing is
	// written behind a hole (invariants 3 and 4). Any other error ends the lane.
	Write(ctx context.Context, b *Batch, done Done)
	// Admit takes a source partition in again that is refused. It is called
	// when every done of it has been called and its way on is stored.
	Admit(partition TopicPartition)
	// Close waits for what is in flight until ctx ends, then gives it up:
	// every done still open is called with an error.
	Close(ctx context.Context) error
}

// Hearer is a Writer that hears of its target more often than it calls done: a batch
// may be many at the target. Heard is when the target last took something of a source
// partition, or when a pause ends that the target has asked for; zero if nothing was
// heard. It does not wait for what is in flight.
type Hearer interface {
	Heard(partition TopicPartition) time.Time
}

// TopicEnsurer is a Sink that can make the topics it writes to. EnsureTopics
// creates what is missing and adds the partitions that are missing; it never
// changes or removes anything else. The result has one error per topic that
// cannot be written to.
type TopicEnsurer interface {
	EnsureTopics(ctx context.Context, topics []Topic) (map[string]error, error)
}
