// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/sdk"
)

// What a sink's partitioner can be, beside empty.
const (
	partitionerKeep    = "keep"
	partitionerKeyHash = "key_hash"
)

// recountPause is how long a topic's number of partitions is believed. It is
// what decides how soon a change under a running pipeline stops it.
const recountPause = time.Minute

// keyPartitioner chooses partitions by key, as Kafka's Java producer does by
// default. A topic's number of partitions is fixed when it is first used: with
// another number keys would move to other partitions, and their order would be
// lost. It is safe for concurrent use.
type keyPartitioner struct {
	metadata *metadata
	trouble  func(error)
	patience time.Duration        // a topic that is still not known when the pause has become so long does not exist
	hash     kgo.TopicPartitioner // used only for records with a key: it has no state for these

	mu     sync.Mutex
	counts map[string]int32 // by topic
}

func newKeyPartitioner(m *metadata, trouble func(error)) *keyPartitioner {
	return &keyPartitioner{metadata: m, trouble: trouble, patience: retryMax, hash: kgo.StickyKeyPartitioner(nil).ForTopic(""), counts: map[string]int32{}}
}

// divide sorts records of a source partition by the partition they go to, of
// count; within each they keep their order. Those without a key all go to the
// same one, which keeps their order too.
func (p *keyPartitioner) divide(records []sdk.Record, source, count int32) [][]sdk.Record {
	to := make([]int32, len(records))
	ends := make([]int, count) // of each partition's records, once all are in place
	var keyed kgo.Record
	for i := range records {
		to[i] = source % count
		if keyed.Key = records[i].Key; keyed.Key != nil {
			to[i] = int32(p.hash.Partition(&keyed, int(count)))
		}
		ends[to[i]]++
	}
	begin := 0
	for n, size := range ends {
		ends[n], begin = begin, begin+size
	}
	sorted := make([]sdk.Record, len(records))
	for i := range records {
		sorted[ends[to[i]]] = records[i]
		ends[to[i]]++
	}
	divided := make([][]sdk.Record, count)
	begin = 0
	for n, end := range ends {
		divided[n], begin = sorted[begin:end], end
	}
	return divided
}

// fixed returns a topic's number of partitions, by the metadata at hand; 0 if
// they do not have it. It is an error if the number is not that of before.
func (p *keyPartitioner) fixed(topic string) (int32, error) {
	meta, ok := p.metadata.topic(topic)
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.counts[topic]
	now := int32(len(meta.partitions))
	switch {
	case !ok || meta.err != nil || now == 0:
		return before, nil
	case before == 0:
		p.counts[topic] = now
	case before != now:
		return 0, fmt.Errorf("topic %s of cluster %s had %d partitions when this run began to write to it and has %d now, so key_hash would send its keys to other partitions than before",
			topic, p.metadata.client.name, before, now)
	}
	return now, nil
}

const fixRecounted = "start again to go on by the number it has now, or copy it anew under another pipeline name"

// count returns a topic's number of partitions. It waits for a topic that the
// cluster does not know yet, but not for ever. The error is about the topic
// unless ctx has ended.
func (p *keyPartitioner) count(ctx context.Context, topic string) (n int32, fix string, err error) {
	var again retry
	for {
		if again.pause > 0 || p.stale() {
			if err := p.metadata.refreshSoon(ctx); err != nil && ctx.Err() == nil {
				p.trouble(fmt.Errorf("cluster %s: asking for metadata: %w", p.metadata.client.name, err))
			}
		}
		switch n, err := p.fixed(topic); {
		case err != nil:
			return 0, fixRecounted, err
		case n > 0:
			return n, "", nil
		case again.pause >= p.patience:
			return 0, "create it and start again", p.unknown(topic)
		}
		p.metadata.add(topic)
		if err := sleep(ctx, again.again(time.Now())); err != nil {
			return 0, "", err
		}
	}
}

func (p *keyPartitioner) stale() bool {
	p.metadata.mu.Lock()
	defer p.metadata.mu.Unlock()
	return time.Since(p.metadata.asked) > recountPause
}

// unknown says why a topic's partitions are not known.
func (p *keyPartitioner) unknown(topic string) error {
	if meta, ok := p.metadata.topic(topic); ok && meta.err != nil {
		return fmt.Errorf("topic %s of cluster %s: %w", topic, p.metadata.client.name, meta.err)
	}
	return fmt.Errorf("topic %s does not exist on cluster %s", topic, p.metadata.client.name)
}
