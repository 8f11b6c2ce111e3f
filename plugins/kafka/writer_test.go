// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

func TestWriteKeepsOrderWithOneBatchInFlight(t *testing.T) {
	k := newCluster(t, kfake.NumBrokers(3))
	s := newTestSink(t, k, func(c *SinkConfig) { c.BatchSize = 1 << 10 })
	l := newLane(t, s, 4, "t")
	var mu sync.Mutex
	var twice []string
	k.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		seen := map[string]bool{}
		for _, rt := range r.(*kmsg.ProduceRequest).Topics {
			for _, rp := range rt.Partitions {
				key := fmt.Sprint(rt.Topic, rt.TopicID, rp.Partition)
				if seen[key] {
					mu.Lock()
					twice = append(twice, key)
					mu.Unlock()
				}
				seen[key] = true
			}
		}
		return nil, nil, false
	})
	// Answers that make the writer try again, in between.
	k.Fault(
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: 5},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicasAfterAppend, Count: 5},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: 5},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.KafkaStorageError, Count: 5},
	)
	const batches = 30
	var last []*outcome
	for i := range batches {
		for p := range int32(4) {
			o := l.write("t", p, int64(100*i), numbered(100*i, 100*i+100)...)
			if i == batches-1 {
				last = append(last, o)
			}
		}
	}
	for p, o := range last {
		o.ok(t)
		holds(t, k, "t", int32(p), numbered(0, 100*batches)...)
	}
	for i, o := range l.outcomes {
		from := int64(100 * (i / 4))
		if d := cmp.Diff(wholeRun("t", int32(i%4), from, from, 100), merged(o.ok(t).Runs)); d != "" || o.From != from || o.To != from+100 {
			t.Fatalf("write %d covers %v: %s", i, o.Offsets, d)
		}
	}
	if len(twice) > 0 {
		t.Errorf("a partition stood twice in one request: %v", twice)
	}
}

func wholeRun(topic string, p int32, source, target, count int64) []sdk.Run {
	return []sdk.Run{{TopicPartition: sdk.TopicPartition{Topic: topic, Partition: p}, Source: source, Target: target, Count: count}}
}

// merged joins runs that continue each other.
func merged(runs []sdk.Run) []sdk.Run {
	var out []sdk.Run
	for _, r := range runs {
		if n := len(out); n > 0 && out[n-1].TopicPartition == r.TopicPartition && out[n-1].Source+out[n-1].Count == r.Source && out[n-1].Target+out[n-1].Count == r.Target {
			out[n-1].Count += r.Count
			continue
		}
		out = append(out, r)
	}
	return out
}

func TestLostAnswersGiveNoDuplicates(t *testing.T) {
	k, cutter := newCuttingCluster(t)
	s := newTestSink(t, k, nil)
	l := newLane(t, s, 1, "t")
	l.write("t", 0, 0, "0").ok(t)
	cutter.cut(kmsg.Produce, 3)
	l.write("t", 0, 1, "1", "2")
	l.write("t", 0, 3, "3")
	o := l.write("t", 0, 4, "4").ok(t)
	if d := cmp.Diff(wholeRun("t", 0, 4, 4, 1), o.Runs); d != "" {
		t.Error(d)
	}
	holds(t, k, "t", 0, numbered(0, 5)...)
}

func TestRunsOfGapsAndRenames(t *testing.T) {
	k := newCluster(t)
	l := newLane(t, newTestSink(t, k, nil), 2, "a", "b")
	records := []sdk.Record{
		{Offset: 3, Value: []byte("3")},
		{Offset: 4, Value: []byte("4")},
		{Offset: 7, Value: []byte("7")},
		{Offset: 8, Value: []byte("8"), Topic: "b"},
		{Offset: 9, Value: []byte("9")},
	}
	b := sdk.NewBatch(sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: "t", Partition: 1}}, sdk.Offsets{From: 0, To: 12}, records)
	b.Topic = "a"
	o := l.writeBatch(b).ok(t)
	a1, b1 := sdk.TopicPartition{Topic: "a", Partition: 1}, sdk.TopicPartition{Topic: "b", Partition: 1}
	want := map[int64]sdk.Run{
		3: {TopicPartition: a1, Source: 3, Target: 0, Count: 2},
		7: {TopicPartition: a1, Source: 7, Target: 2, Count: 1},
		8: {TopicPartition: b1, Source: 8, Target: 0, Count: 1},
		9: {TopicPartition: a1, Source: 9, Target: 3, Count: 1},
	}
	found, before := map[int64]sdk.Run{}, int64(-1)
	for _, r := range o.Runs {
		found[r.Source] = r
		if r.Source < before {
			t.Errorf("runs are not in the order of the source: %v", o.Runs)
		}
		before = r.Source
	}
	if d := cmp.Diff(want, found); d != "" || o.To != 12 {
		t.Errorf("to %d: %s", o.To, d)
	}
	holds(t, k, "a", 1, "3", "4", "7", "9")
	holds(t, k, "b", 1, "8")
}

func TestEmptyBatchIsDeliveredInOrder(t *testing.T) {
	k := newCluster(t)
	l := newLane(t, newTestSink(t, k, nil), 1, "t")
	o := l.writeBatch(sdk.NewBatch(sdk.Stream{TopicPartition: t0}, sdk.Offsets{From: 5, To: 9}, nil)).ok(t)
	if o.To != 9 || len(o.Runs) != 0 {
		t.Errorf("%+v", o.Delivery)
	}
}

func TestLeaderMoves(t *testing.T) {
	k := newCluster(t, kfake.NumBrokers(3))
	s := newTestSink(t, k, nil)
	l := newLane(t, s, 1, "t")
	for i := range 9 {
		l.write("t", 0, int64(i), numbered(i, i+1)...)
		if err := k.MoveTopicPartition("t", 0, int32(i%3)); err != nil {
			t.Fatal(err)
		}
	}
	l.outcomes[8].ok(t)
	holds(t, k, "t", 0, numbered(0, 9)...)
}

func TestBrokerGoesAway(t *testing.T) {
	k := newCluster(t, kfake.NumBrokers(3))
	l := newLane(t, newTestSink(t, k, nil), 3, "t")
	for i := range 30 {
		l.write("t", int32(i%3), int64(i/3), fmt.Sprint(i/3))
		if i == 10 {
			if err := k.RemoveNode(k.LeaderFor("t", 0)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for p := range int32(3) {
		l.outcomes[27+p].ok(t)
		holds(t, k, "t", p, numbered(0, 10)...)
	}
}

// The older of two owners of a lane is refused once the newer has written.
func TestZombieIsRefused(t *testing.T) {
	k := newCluster(t)
	s := newTestSink(t, k, nil)
	older := newLane(t, s, 1, "t")
	older.write("t", 0, 0, "0").ok(t)
	newer := openLane(t, s)
	newer.write("t", 0, 1, "1").ok(t)
	o := older.write("t", 0, 1, "zombie").wait(t)
	o.ended(t, kerr.InvalidProducerEpoch)
	older.write("t", 0, 2, "zombie").ended(t, kerr.InvalidProducerEpoch)
	newer.write("t", 0, 2, "2").ok(t)
	holds(t, k, "t", 0, numbered(0, 3)...)
}

func TestCloseGivesUpAtItsDeadline(t *testing.T) {
	k := newCluster(t)
	l := newLane(t, newTestSink(t, k, nil), 2, "t")
	l.write("t", 0, 0, "0").ok(t)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	for i := range 20 {
		l.write("t", int32(i%2), int64(1+i), "never")
	}
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	if err := l.Close(ctx); err == nil || !strings.Contains(err.Error(), "20 writes without an answer") {
		t.Errorf("%v", err)
	}
	for _, o := range l.outcomes[1:] {
		o.ended(t, errClosed)
		if o.To != o.From {
			t.Errorf("delivered %v", o.Offsets)
		}
	}
	l.write("t", 0, 50, "late").ended(t, errClosed)
}

func TestCloseWaitsForWhatIsInFlight(t *testing.T) {
	k := newCluster(t)
	l := newLane(t, newTestSink(t, k, nil), 1, "t")
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: 2})
	for i := range 5 {
		l.write("t", 0, int64(i), fmt.Sprint(i))
	}
	if err := l.Close(testContext(t)); err != nil {
		t.Error(err)
	}
	for _, o := range l.outcomes {
		o.ok(t)
	}
	holds(t, k, "t", 0, numbered(0, 5)...)
}

func TestWriteWaitsForMemory(t *testing.T) {
	k := newCluster(t)
	s := newTestSink(t, k, nil)
	s.env.Memory = sdk.NewBudget(1000)
	l := newLane(t, s, 1, "t")
	for i := range 20 {
		l.write("t", 0, int64(i), strings.Repeat("x", 600))
		if used := s.env.Memory.Used(); used > 1000 {
			t.Fatalf("%d bytes are held", used)
		}
	}
	l.outcomes[19].ok(t)
	if used := s.env.Memory.Used(); used != 0 {
		t.Errorf("%d bytes are held", used)
	}
}
