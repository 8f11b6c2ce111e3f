// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"fmt"
	"slices"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/sdk"
)

// Where a mapping of names says all, targets are made before the first record is
// read. Topics that records name, and the one for dead letters, are made when the
// first record goes there.

// reach makes sure of the topics that the records of a batch go to.
func (f *flow) reach(ctx context.Context, b *sdk.Batch) error {
	topics := f.runner.topics
	if topics.routed {
		if records, asRead := routedOf(b); asRead || slices.ContainsFunc(records, staysInBatch) {
			if err := f.reachTopic(ctx, b, b.Topic, b.From); err != nil {
				return err
			}
		}
	}
	records, _ := routedOf(b)
	last := ""
	for i := range records {
		if name := records[i].Topic; name != "" && name != last {
			if err := f.reachTopic(ctx, b, name, records[i].Offset); err != nil {
				return err
			}
			last = name
		}
	}
	return nil
}

// routedOf returns the records of a batch that may go elsewhere than the batch; of a
// batch as it was read there are none.
func routedOf(b *sdk.Batch) (records []sdk.Record, asRead bool) {
	if _, is := b.Encoded(); is {
		return nil, true
	}
	records, _ = b.Records()
	return records, false
}

func staysInBatch(r sdk.Record) bool { return r.Topic == "" }

// reachTopic makes sure of one topic. An error that is about the topic stops the
// partition before the record of that offset.
func (f *flow) reachTopic(ctx context.Context, b *sdk.Batch, name string, offset int64) error {
	asking, done := context.WithTimeout(ctx, askTimeout)
	defer done()
	letters := f.runner.spec.Load().Settings.DeadLetter
	unfit, err := f.runner.topics.reach(asking, b.Source, name, letters != nil && letters.Topic == name)
	switch {
	case err != nil:
		return fmt.Errorf("making sure of topic %s: %w", name, err)
	case unfit != nil:
		return &sdk.PartitionError{
			TopicPartition: b.Source.TopicPartition, Reason: sdk.ReasonTarget, Offsets: sdk.Offsets{From: offset, To: offset + 1},
			Err: fmt.Errorf("topic %s, where the record goes: %w", name, unfit),
			Fix: "make the topic fit for it, or name another one, and start again",
		}
	}
	return nil
}

// reach makes sure that records of a partition can go to a topic: it is there, and
// has a partition of that number where numbers are kept. Unfit is why they cannot.
func (t *topics) reach(ctx context.Context, from sdk.Stream, name string, deadLetters bool) (unfit, err error) {
	t.mu.Lock()
	known, selects := t.reached[name] > from.Partition, t.selects
	mixed, taken := t.sources[name]
	t.mu.Unlock()
	switch {
	case known:
		return nil, nil
	case deadLetters && taken && !t.routed:
		return fmt.Errorf("records of topic %s go there too, and would be mixed with the dead letters", mixed), nil
	case t.readsOwn && selects != nil && selects.SelectsTopic(name):
		return fmt.Errorf("this pipeline reads it, so the record would be copied round for ever: source and sink are the same cluster"), nil
	case t.describer == nil || t.ensurer == nil:
		return nil, nil
	case !legalTopic.MatchString(name):
		return fmt.Errorf("%q cannot be the name of a topic", name), nil
	}
	t.ensuring.Lock()
	defer t.ensuring.Unlock()
	described, err := t.describer.DescribeTopics(ctx, []string{from.Topic})
	if err != nil {
		return nil, err
	}
	want := sdk.Topic{Partitions: from.Partition + 1}
	if len(described) > 0 { // else it has just been deleted
		want = described[0]
	}
	want.Name, want.Shared = name, true
	if deadLetters {
		want.Configs = nil // compaction would remove some, and refuse others
	}
	refused, err := t.ensurer.EnsureTopics(ctx, []sdk.Topic{want})
	if err != nil || refused[name] != nil {
		return refused[name], err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reached[name] = max(t.reached[name], want.Partitions)
	return nil, nil
}

// follow takes over what the file says of topics that no mapping knows of. The caller
// holds the mutex.
func (t *topics) follow(p *config.Pipeline) {
	clear(t.reached) // with another selection some of them may be read
	t.selects, _ = p.Source.Config.(sdk.Selecting)
	t.letters = ""
	if p.Settings.DeadLetter != nil {
		t.letters = p.Settings.DeadLetter.Topic
	}
}
