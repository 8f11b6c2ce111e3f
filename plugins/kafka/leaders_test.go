// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

func TestPartitionsAreFollowedToTheirLeaders(t *testing.T) {
	k := newCluster(t, kfake.NumBrokers(3))
	createTopic(t, k, "t", 3)
	r := openReader(t, newTestSource(t, k, nil))
	cl := newKgo(t, k)
	read := map[sdk.TopicPartition][]int64{}
	for round := range 6 {
		for p := range int32(3) {
			if err := k.MoveTopicPartition("t", p, (p+int32(round))%3); err != nil {
				t.Fatal(err)
			}
			produceBatch(t, cl, "t", p, fmt.Sprint(round))
		}
		all := readUntil(t, r, func(all map[sdk.TopicPartition]*got) bool {
			n := 0
			for _, g := range all {
				if g.next == int64(round+1) {
					n++
				}
			}
			return n == 3
		})
		for tp, g := range all {
			read[tp] = append(read[tp], offsetsOf(g.records)...)
		}
	}
	for tp, offsets := range read {
		if !slices.Equal(offsets, ascending(0, 6)) {
			t.Errorf("%s: offsets %v", tp, offsets)
		}
	}
}

func TestBrokerDisappearsAndAnotherComes(t *testing.T) {
	k := newCluster(t, kfake.NumBrokers(3))
	createTopic(t, k, "t", 6)
	r := openReader(t, newTestSource(t, k, nil))
	gone := k.LeaderFor("t", 0)
	if err := k.RemoveNode(gone); err != nil {
		t.Fatal(err)
	}
	write := func(from int) {
		cl := newKgo(t, k)
		for p := range int32(6) {
			produceBatch(t, cl, "t", p, numbered(from, from+10)...)
		}
	}
	everyAt := func(next int64) func(map[sdk.TopicPartition]*got) bool {
		return func(all map[sdk.TopicPartition]*got) bool {
			n := 0
			for _, g := range all {
				if g.next == next {
					n++
				}
			}
			return n == 6
		}
	}
	write(0)
	readUntil(t, r, everyAt(10))
	if _, _, err := k.AddNode(gone, 0); err != nil {
		t.Fatal(err)
	}
	write(10)
	for tp, g := range readUntil(t, r, everyAt(20)) {
		if !slices.Equal(offsetsOf(g.records), ascending(10, 20)) {
			t.Errorf("%s: offsets %v", tp, offsetsOf(g.records))
		}
	}
}

func TestLostConnectionsAndPassingErrors(t *testing.T) {
	k, cutter := newCuttingCluster(t)
	createTopic(t, k, "t", 1)
	cutter.cut(kmsg.Fetch, 2)
	k.Fault(
		kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.KafkaStorageError},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.UnknownLeaderEpoch},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.FencedLeaderEpoch},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.UnknownTopicOrPartition},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.UnknownTopicID},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.OffsetNotAvailable},
	)
	fill(t, k, 3)
	g := readOne(t, openReader(t, newTestSource(t, k, nil)), func(g *got) bool { return g.next == 30 })
	if !slices.Equal(offsetsOf(g.records), ascending(0, 30)) {
		t.Errorf("offsets %v", offsetsOf(g.records))
	}
}

// What a reader that does not read makes a source hold is bounded, and all of it
// is given back.
func TestMemoryIsBounded(t *testing.T) {
	const memory, partitions, perPartition = 4 << 20, 6, 4 << 20
	k := newCluster(t, kfake.NumBrokers(2))
	createTopic(t, k, "t", partitions)
	cl := newKgo(t, k)
	value := string(make([]byte, 256<<10))
	for p := range int32(partitions) {
		for range perPartition / len(value) {
			produceBatch(t, cl, "t", p, value)
		}
	}
	config := newSourceConfig().(*SourceConfig)
	config.Cluster, config.Topics, config.Until = declared(k), []string{"t"}, latest
	env, _ := newEnv(memory)
	s := startSource(t, config, env)
	var most atomic.Int64
	watch := func() {
		for used := env.Memory.Used(); used > most.Load(); {
			most.Store(used)
		}
	}
	// Answers that find no reader: the source asks until its memory is full.
	fetches := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Observe: true, Count: -1})
	r := openReader(t, s)
	if err := fetches.Wait(testContext(t), 2); err != nil {
		t.Fatal(err)
	}
	ended := map[sdk.TopicPartition]bool{}
	for len(ended) < partitions {
		watch()
		b := readBatch(t, r)
		if b.Last {
			ended[b.Source.TopicPartition] = true
		}
	}
	// A broker sends one batch more than it was asked for, at most.
	if allowed := int64(memory + 2*len(value)); most.Load() > allowed {
		t.Errorf("%d bytes were held, at most %d may be", most.Load(), allowed)
	}
}

// A reader that is closed with batches unread gives their memory back.
func TestClosedReaderGivesItsMemoryBack(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 4)
	cl := newKgo(t, k)
	for p := range int32(4) {
		produceBatch(t, cl, "t", p, string(make([]byte, 300<<10)))
	}
	s := newTestSource(t, k, nil)
	r := openReader(t, s)
	readBatch(t, r)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	// Another reader of the same source goes on.
	if got := readOne(t, openReader(t, s), func(g *got) bool { return g.next == 1 }); len(got.records) != 1 {
		t.Errorf("%d records", len(got.records))
	}
}
