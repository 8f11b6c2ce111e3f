// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// keyFor finds a key that goes to a partition, of count.
func keyFor(target, count int32) []byte {
	for n := 0; ; n++ {
		if key := fmt.Append(nil, n); hashed(key, 0, count) == target {
			return key
		}
	}
}

// everything reads all partitions of a topic.
func everything(t testing.TB, k *kfake.Cluster, topic string, count int32) [][]sdk.Record {
	t.Helper()
	s := newTestSource(t, k, func(c *SourceConfig) { c.Topics, c.Until = []string{topic}, latest })
	all := readUntil(t, openReader(t, s), func(all map[sdk.TopicPartition]*got) bool {
		for p := range count {
			if g := all[sdk.TopicPartition{Topic: topic, Partition: p}]; g == nil || !g.last {
				return false
			}
		}
		return true
	})
	found := make([][]sdk.Record, count)
	for p := range count {
		found[p] = all[sdk.TopicPartition{Topic: topic, Partition: p}].records
	}
	return found
}

// script is what one source partition holds: batches of records with random
// keys, and perhaps one that the target refuses as too large.
type script struct {
	partition int32
	batches   [][]sdk.Record
	bad       int64 // offset of the record that is refused; -1 if none is
	outcomes  []*outcome
}

func newScript(r *rand.Rand, partition int32) *script {
	sc := &script{partition: partition, bad: -1}
	at := int64(r.IntN(50))
	for range 1 + r.IntN(6) {
		var batch []sdk.Record
		for range 1 + r.IntN(30) {
			key := fmt.Appendf(nil, "key %d of %d", r.IntN(8), partition)
			if r.IntN(5) == 0 {
				key = nil
			}
			batch = append(batch, sdk.Record{Offset: at, Timestamp: 1000, Key: key, Value: fmt.Appendf(nil, "%d/%d", partition, at)})
			at += 1 + int64(r.IntN(4)/3)
		}
		sc.batches = append(sc.batches, batch)
	}
	if r.IntN(3) > 0 {
		batch := sc.batches[r.IntN(len(sc.batches))]
		bad := &batch[r.IntN(len(batch))]
		bad.Value = []byte(strings.Repeat("x", 2000))
		sc.bad = bad.Offset
	}
	return sc
}

// write writes the n-th batch, without what is before an offset.
func (sc *script) write(l *lane, topic string, n int, from int64) {
	batch := sc.batches[n]
	at := sdk.Offsets{From: max(from, batch[0].Offset), To: batch[len(batch)-1].Offset + 1}
	if n+1 < len(sc.batches) {
		at.To = sc.batches[n+1][0].Offset
	}
	batch = slices.DeleteFunc(slices.Clone(batch), func(r sdk.Record) bool { return r.Offset < from })
	if at.From >= at.To {
		return
	}
	b := sdk.NewBatch(sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: "s", Partition: sc.partition}}, at, batch)
	b.Topic = topic
	sc.outcomes = append(sc.outcomes, l.writeBatch(b))
}

// settle waits for the outcomes, and returns the runs of what is delivered. All
// before the record that is refused has to be.
func (sc *script) settle(t *testing.T) []sdk.Run {
	var runs []sdk.Run
	for _, o := range sc.outcomes {
		o.wait(t)
		switch {
		case sc.bad < 0 || o.To <= sc.bad && o.err == nil:
			o.ok(t)
		case o.From <= sc.bad:
			o.refused(t, sdk.ReasonRefused, sdk.Offsets{From: sc.bad, To: sc.bad + 1}, sc.bad, "MESSAGE_TOO_LARGE")
		default:
			// Without an error it was there before the record was refused.
			if pe, ok := sdk.AsPartitionError(o.err); o.err != nil && (!ok || pe.From != sc.bad) {
				t.Errorf("a batch behind the stop at %d has the outcome %v", sc.bad, o.err)
			}
			continue
		}
		runs = append(runs, o.Runs...)
	}
	sc.outcomes = nil
	return runs
}

// records are all that is to be copied.
func (sc *script) records() map[int64]sdk.Record {
	records := map[int64]sdk.Record{}
	for _, r := range slices.Concat(sc.batches...) {
		if r.Offset != sc.bad {
			records[r.Offset] = r
		}
	}
	return records
}

// check compares the target with the script: every record is there, where its
// key belongs; of each partition the order is kept, and what comes twice is
// what is behind the stop; the runs say where the records are.
func (sc *script) check(t *testing.T, topic string, runs []sdk.Run, found [][]sdk.Record) {
	t.Helper()
	left := sc.records()
	for _, r := range runs {
		for i := range r.Count {
			if got, want := string(found[r.Partition][r.Target+i].Value), fmt.Sprintf("%d/%d", sc.partition, r.Source+i); got != want {
				t.Errorf("a run says %s is at %s/%d offset %d, where %s is", want, topic, r.Partition, r.Target+i, got)
			}
			delete(left, r.Source+i)
		}
	}
	if len(left) > 0 {
		t.Errorf("%d records of partition %d are in no run", len(left), sc.partition)
	}
	written := sc.records()
	for p, records := range found {
		last := int64(-1)
		for i := range records {
			var partition int32
			var offset int64
			if _, err := fmt.Sscanf(string(records[i].Value), "%d/%d", &partition, &offset); err != nil {
				t.Fatalf("%.30q is in the target", records[i].Value)
			}
			if partition != sc.partition {
				continue
			}
			if want := hashed(written[offset].Key, partition, int32(len(found))); want != int32(p) || string(records[i].Key) != string(written[offset].Key) {
				t.Errorf("offset %d with key %q is in partition %d, want %d", offset, records[i].Key, p, want)
			}
			// Only once may it go back, to what is behind the stop.
			if offset <= last && (sc.bad < 0 || offset < sc.bad) {
				t.Errorf("target partition %d: source offset %d comes after %d", p, offset, last)
			}
			last = offset
		}
	}
}

// Several source partitions, of two lanes, write to the same target partitions;
// brokers answer that it is to be tried again; some refuse a record, after which
// the partition goes on behind it.
func TestKeyHashKeepsOrder(t *testing.T) {
	k := newCluster(t, kfake.NumBrokers(3))
	for seed := range uint64(25) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			topic, count := fmt.Sprint("t", seed), int32(1+r.IntN(7))
			createTopic(t, k, topic, count, "max.message.bytes", "900")
			s := newTestSink(t, k, func(c *SinkConfig) { c.Partitioner, c.BatchSize = partitionerKeyHash, 1<<10 })
			lanes := []*lane{newLane(t, s, 5, topic), openNumbered(t, s, 2)}
			var scripts []*script
			for p := range int32(5) {
				scripts = append(scripts, newScript(r, p))
			}
			for range r.IntN(4) {
				k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Partitions: []int32{r.Int32N(count)}, Err: kerr.NotEnoughReplicas, Count: 2})
			}
			for n := range 6 {
				for i, sc := range scripts {
					if n < len(sc.batches) {
						sc.write(lanes[i%2], topic, n, 0)
					}
				}
			}
			runs := make([][]sdk.Run, len(scripts))
			for i, sc := range scripts {
				if runs[i] = sc.settle(t); sc.bad < 0 {
					continue
				}
				lanes[i%2].Admit(sdk.TopicPartition{Topic: "s", Partition: sc.partition})
				from := sc.bad
				for n := range sc.batches {
					sc.write(lanes[i%2], topic, n, from+1)
				}
				sc.bad = -1
				runs[i] = append(runs[i], sc.settle(t)...)
				sc.bad = from
			}
			found := everything(t, k, topic, count)
			for i, sc := range scripts {
				sc.check(t, topic, runs[i], found)
			}
		})
	}
}

// openNumbered opens the writer of another lane.
func openNumbered(t testing.TB, s *sink, number int) *lane {
	t.Helper()
	w, err := s.Open(testContext(t), number)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		w.Close(ctx)
	})
	return &lane{t: t, Writer: w}
}

// A record is refused while one before it, for another target, is still to be
// written: the position has to get as far as the refused one.
func TestStopWaitsForWhatIsBeforeIt(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 2, "max.message.bytes", "900")
	l := newLane(t, newTestSink(t, k, keyHash), 2, "t")
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Partitions: []int32{0}, Err: kerr.NotEnoughReplicas, Count: 4})
	slow, other := keyFor(0, 2), keyFor(1, 2)
	large := strings.Repeat("x", 2000)
	before := l.writeRecords("t", 0, 5, []sdk.Record{{Offset: 5, Key: slow, Value: []byte("5")}})
	o := l.writeRecords("t", 0, 6, []sdk.Record{
		{Offset: 6, Key: other, Value: []byte("6")},
		{Offset: 7, Key: slow, Value: []byte("7")},
		{Offset: 8, Key: other, Value: []byte(large)},
		{Offset: 9, Key: slow, Value: []byte("9")},
		{Offset: 10, Key: other, Value: []byte("10")},
	})
	behind := l.writeRecords("t", 0, 11, []sdk.Record{{Offset: 11, Key: slow, Value: []byte("11")}})
	o.refused(t, sdk.ReasonRefused, sdk.Offsets{From: 8, To: 9}, 8)
	before.ok(t)
	behind.refused(t, sdk.ReasonRefused, sdk.Offsets{From: 8, To: 9}, 11)
	holds(t, k, "t", 1, "6")
	holds(t, k, "t", 0, "5", "7", "9") // 9 shares a batch with 7, and comes again
}

func TestTargetGrowsUnderKeyHash(t *testing.T) {
	const says = "topic t of cluster here had 3 partitions when this run began to write to it and has 5 now"
	grown := func(t *testing.T) (*kfake.Cluster, *sink, *lane) {
		k := newCluster(t)
		s := newTestSink(t, k, keyHash)
		l := newLane(t, s, 3, "t", "u")
		l.write("t", 0, 0, "0").ok(t)
		addPartitions(t, k, "t", 5)
		return k, s, l
	}
	t.Run("seen when the metadata is old", func(t *testing.T) {
		k, s, l := grown(t)
		l.write("t", 0, 1, "1").ok(t) // the number of before, as long as it is believed
		s.metadata.mu.Lock()
		s.metadata.asked = time.Now().Add(-2 * recountPause)
		s.metadata.mu.Unlock()
		l.write("t", 0, 2, "2").refused(t, sdk.ReasonTarget, sdk.Offsets{From: 2, To: 3}, 2, says, fixRecounted)
		l.write("t", 1, 0, "other").refused(t, sdk.ReasonTarget, sdk.Offsets{From: 0, To: 1}, 0, says)
		l.write("u", 0, 0, "0").ok(t)
		holds(t, k, "t", 0, "0", "1")
	})
	t.Run("seen when a leader is looked for", func(t *testing.T) {
		k, _, l := grown(t)
		k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotLeaderForPartition, Count: 5})
		l.write("t", 0, 1, "1", "2").refused(t, sdk.ReasonTarget, sdk.Offsets{From: 1, To: 2}, 1, says, fixRecounted)
	})
	t.Run("seen when the source grows", func(t *testing.T) {
		_, s, _ := grown(t)
		failed, err := s.EnsureTopics(testContext(t), []sdk.Topic{{Name: "t", Partitions: 4}, {Name: "u", Partitions: 4}})
		if err != nil || failed["t"] == nil || !strings.Contains(failed["t"].Error(), says) || failed["u"] != nil {
			t.Errorf("%v, %v", failed, err)
		}
	})
}

func TestKeyHashWaitsForAnUnknownTopic(t *testing.T) {
	k := newCluster(t)
	s := newTestSink(t, k, keyHash)
	l := openLane(t, s)
	asked := 0
	k.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		named := slices.ContainsFunc(r.(*kmsg.MetadataRequest).Topics, func(t kmsg.MetadataRequestTopic) bool { return *t.Topic == "t" })
		if named {
			asked++
		}
		if named && asked == 2 {
			if err := k.CreateTopic("t", 4, nil); err != nil {
				t.Error(err)
			}
		}
		return nil, nil, false
	})
	l.writeRecords("t", 0, 3, []sdk.Record{{Offset: 3, Key: keyFor(2, 4), Value: []byte("3")}}).ok(t)
	holds(t, k, "t", 2, "3")
}

func TestKeyHashAndNoTopic(t *testing.T) {
	k := newCluster(t)
	s := newTestSink(t, k, keyHash)
	l := newLane(t, s, 1, "u")
	s.keys.patience = retryMin
	records := []sdk.Record{{Offset: 7, Topic: "u", Value: []byte("7")}, {Offset: 8, Topic: "t", Value: []byte("8")}}
	l.writeRecords("s", 0, 7, records).refused(t, sdk.ReasonTarget, sdk.Offsets{From: 8, To: 9}, 8, "topic t does not exist on cluster here", "create it and start again")
	l.write("s", 0, 9, "9").refused(t, sdk.ReasonTarget, sdk.Offsets{From: 8, To: 9}, 9)
	l.write("u", 0, 0, "0").ok(t)
	holds(t, k, "u", 0, "7", "0")
}

func TestStopWhileATopicIsUnknown(t *testing.T) {
	s := newTestSink(t, newCluster(t), keyHash)
	l := openLane(t, s)
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	var err error
	l.Write(ctx, sdk.NewBatch(sdk.Stream{TopicPartition: t0}, sdk.Offsets{To: 1}, []sdk.Record{{Value: []byte("0")}}), func(_ sdk.Delivery, e error) { err = e })
	if _, ok := sdk.AsPartitionError(err); ok || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "topic t of cluster here") {
		t.Errorf("%v", err)
	}
}
