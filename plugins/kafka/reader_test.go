// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"bytes"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A fetcher sleeps while its partitions are full. What is full ends not only when a
// lane reads, but also when a farther broker is found.
func TestFetchersAreToldThatMoreMayWait(t *testing.T) {
	env, _ := newEnv(1 << 30)
	s := &source{env: env, fetchers: map[int32]*fetcher{}}
	f := &fetcher{source: s, wake: make(chan struct{}, 1)}
	s.fetchers[1] = f
	c := &cursor{reader: newReader(s)}
	c.home.Store(f)
	c.queued.Store(partitionHighWater)
	if !c.full() {
		t.Fatal("the partition is not full")
	}
	s.reaches(100 << 20)
	if c.full() || len(f.wake) != 1 {
		t.Errorf("full %v; its fetcher is told %d times", c.full(), len(f.wake))
	}
}

// Old messages behind the end of a bounded run, more than go into one piece.
func TestBoundedRunEndsInsideOldMessages(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	fill(t, k, 1) // so the run ends at offset 10
	var answer []byte
	for i := range int64(20) {
		answer = slices.Concat(answer, oldMessage(1, i, 0, 1000, nil, bytes.Repeat([]byte("x"), partitionFetchBytes/4)))
	}
	answerFetches(k, func(asked *kmsg.FetchRequestTopicPartition, part *kmsg.FetchResponseTopicPartition) bool {
		part.RecordBatches = answer
		return true
	})
	r := openReader(t, newTestSource(t, k, func(c *SourceConfig) { c.Until = latest }))
	for at := int64(0); at < 10; {
		b := readBatch(t, r)
		if b.From != at || b.To > 10 || b.Last != (b.To == 10) {
			t.Fatalf("%v, last %v, where offset %d of 10 comes next", b.Offsets, b.Last, at)
		}
		at = b.To
	}
	if used := r.(*reader).queued.Load(); used != 0 {
		t.Errorf("%d bytes come behind the end", used)
	}
}
