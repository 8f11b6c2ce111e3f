// SPDX-License-Identifier: Apache-2.0

package sdk

import "context"

// Source says what there is to read and reads it. Its methods may be called
// from several goroutines.
type Source interface {
	// ID is the identity of what is read, stable over restarts and renamed
	// addresses; for Kafka the cluster id. Positions of another ID are refused.
	ID() string
	// Bounded says that the source has an end, resolved when it was made.
	Bounded() bool
	// Partitions lists what can be read now. It is called at start and then
	// every few seconds; a partition that is new is picked up, one that is
	// gone is reported by its Reader.
	Partitions(ctx context.Context) ([]Stream, error)
	// Start resolves where the given partitions begin, by the source's own
	// setting (`since`), or at their first record if born is true: then they
	// came into being after the pipeline did. It is asked only for partitions
	// without a stored position; the answer is stored before the first read.
	// Partitions that cannot be resolved now are left out, and asked for again.
	Start(ctx context.Context, partitions []Stream, born bool) ([]Position, error)
	// Open begins a lane's reading.
	Open(ctx context.Context, lane int) (Reader, error)
	// Close frees what the source holds, after its Readers are closed.
	Close() error
}

// Reader reads the partitions of one lane. Read is called from one goroutine;
// the other methods may be called beside it.
type Reader interface {
	// Add begins reading a partition at a position. A position the log no
	// longer continues from is not an error of Add: it is what the partition's
	// first Read returns, as a *PartitionError. Never is a position moved to
	// where data happens to be (invariant 7).
	Add(ctx context.Context, position Position) error
	// Remove stops reading a partition: no batch of it comes that Read has not
	// returned yet. It can then be added again, at any position.
	Remove(partition TopicPartition)
	// Read returns the next batch of any partition. It waits until there is
	// one or ctx ends. A *PartitionError is about that partition alone, which
	// is not read any further; any other error ends the lane, which starts
	// again from its stored positions.
	Read(ctx context.Context) (*Batch, error)
	// Close ends reading; Read is not called any more.
	Close() error
}

// Surveyor is a Source that can list every partition there is, selected or not.
// What exists when a pipeline first runs is thereby told from what came into
// being later, also when the selection is widened in between.
type Surveyor interface {
	Survey(ctx context.Context) ([]Stream, error)
}

// EndLister is a Source that can say where its partitions end now, which is
// what lag is measured against. Partitions it cannot tell are left out.
type EndLister interface {
	Ends(ctx context.Context, partitions []Stream) (map[TopicPartition]int64, error)
}

// Topic is what a sink needs to know to make a topic like the source's.
type Topic struct {
	Name       string
	Partitions int32
	// Configs are the settings that shape what the topic may hold (cleanup
	// policy, retention, sizes), as effective at the source.
	Configs map[string]string
	// Shared says that the topic takes records of other topics too, so that it may
	// have more partitions than one of them.
	Shared bool
}

// Resolver is a Source that can say where its partitions are at a place that a
// person names, as in its `since`: a name, a time, an offset. What lies outside a
// log is moved to its nearer end. Partitions it cannot tell are left out.
type Resolver interface {
	Resolve(ctx context.Context, partitions []Stream, where string) ([]Position, error)
}

// Adjuster is a Source that can take over a changed config while it is read.
// Adjust returns false, and changes nothing, if the difference asks for a new
// Source. What is selected now is what Partitions lists from then on.
type Adjuster interface {
	Adjust(config SourceConfig) bool
}

// TopicDescriber is a Source whose partitions belong to topics.
type TopicDescriber interface {
	DescribeTopics(ctx context.Context, names []string) ([]Topic, error)
}
