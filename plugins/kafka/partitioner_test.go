// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/klamm-io/klamm/sdk"
)

func keyHash(c *SinkConfig) { c.Partitioner = partitionerKeyHash }

// hashed is where a key goes, of count partitions.
func hashed(key []byte, source, count int32) int32 {
	divided := newKeyPartitioner(nil, nil).divide([]sdk.Record{{Key: key}}, source, count)
	return int32(slices.IndexFunc(divided, func(r []sdk.Record) bool { return len(r) > 0 }))
}

// The hashes are those that Kafka's own test of Utils.murmur2 expects; the sign
// bit is cut off before the modulo, as in BuiltInPartitioner.partitionForKey.
func TestKeyHashIsThatOfJava(t *testing.T) {
	murmur2 := map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	}
	for key, hash := range murmur2 {
		for _, count := range []int32{1, 2, 3, 7, 8, 100, 99991} {
			if got, want := hashed([]byte(key), 0, count), (hash&0x7fffffff)%count; got != want {
				t.Errorf("%q of %d partitions goes to %d, with Java to %d", key, count, got, want)
			}
		}
	}
}

func TestRecordsWithoutKey(t *testing.T) {
	for _, test := range []struct{ source, count, want int32 }{{0, 3, 0}, {2, 3, 2}, {3, 3, 0}, {6, 3, 0}, {5, 3, 2}, {2, 7, 2}, {9, 1, 0}} {
		if got := hashed(nil, test.source, test.count); got != test.want {
			t.Errorf("partition %d goes to %d of %d, want %d", test.source, got, test.count, test.want)
		}
	}
	if a, b := hashed([]byte{}, 0, 99991), hashed([]byte{}, 1, 99991); a != b {
		t.Errorf("an empty key goes to %d or %d, by its source partition", a, b)
	}
}

func TestDivideKeepsEveryRecordAndOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawRecords(t, 1000)
		source, count := rapid.Int32Range(0, 20).Draw(t, "source"), rapid.Int32Range(1, 9).Draw(t, "count")
		var back []sdk.Record
		divided := newKeyPartitioner(nil, nil).divide(records, source, count)
		for n, of := range divided {
			for i := range of {
				if want := hashed(of[i].Key, source, count); want != int32(n) {
					t.Fatalf("offset %d is in partition %d, not %d", of[i].Offset, n, want)
				}
				if i > 0 && of[i].Offset <= of[i-1].Offset {
					t.Fatalf("partition %d: offset %d comes before %d", n, of[i-1].Offset, of[i].Offset)
				}
			}
			back = append(back, of...)
		}
		slices.SortFunc(back, func(a, b sdk.Record) int { return int(a.Offset - b.Offset) })
		if d := cmp.Diff(records, back); d != "" || len(divided) != int(count) {
			t.Fatalf("%d partitions, -in +out:\n%s", len(divided), d)
		}
	})
}

// Whatever is acknowledged, in whatever order: what is delivered ends before the
// first record that is not there.
func TestDeliveryIsAPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawRecords(t, 1000)
		for i := range records { // holes between the offsets
			records[i].Offset = 10 + int64(i) + int64(i/3)
		}
		wr := &write{at: sdk.Offsets{From: 9, To: 50}, parted: 50}
		want := map[int64]sdk.Run{} // one for each record that may be told
		first := int64(50)
		for n, of := range newKeyPartitioner(nil, nil).divide(records, 0, 4) {
			to := sdk.TopicPartition{Topic: "t", Partition: int32(n)}
			for target := int64(100 * n); len(of) > 0; {
				size := rapid.IntRange(1, len(of)).Draw(t, "size")
				o := &outgoing{runs: runsOf(of[:size], to), acked: rapid.Bool().Draw(t, "acked")}
				for i := range o.runs {
					o.runs[i].Target += target
				}
				for i := range size {
					want[of[i].Offset] = sdk.Run{TopicPartition: to, Source: of[i].Offset, Target: target + int64(i), Count: 1}
				}
				if !o.acked {
					first = min(first, of[0].Offset)
				}
				wr.parts = append(wr.parts, o)
				of, target = of[size:], target+int64(size)
			}
		}
		d := wr.delivery()
		if d.From != 9 || d.To != first {
			t.Fatalf("covers %v, the first that is missing is %d", d.Offsets, first)
		}
		checkRuns(t, d.Runs, want, first)
	})
}

// checkRuns checks that runs are sorted and are those wanted before an offset.
func checkRuns(t rapid.TB, runs []sdk.Run, want map[int64]sdk.Run, to int64) {
	t.Helper()
	if !slices.IsSortedFunc(runs, func(a, b sdk.Run) int { return int(a.Source - b.Source) }) {
		t.Errorf("runs are not in the order of the source: %v", runs)
	}
	covered := map[int64]sdk.Run{}
	for _, r := range runs {
		for i := range r.Count {
			covered[r.Source+i] = sdk.Run{TopicPartition: r.TopicPartition, Source: r.Source + i, Target: r.Target + i, Count: 1}
		}
	}
	before := map[int64]sdk.Run{}
	for at, r := range want {
		if at < to {
			before[at] = r
		}
	}
	if d := cmp.Diff(before, covered); d != "" {
		t.Errorf("-want +runs:\n%s", d)
	}
}

func TestEnsureTopicsComparesPartitions(t *testing.T) {
	const (
		both   = `partitioner = "keep" (same number, the others stay empty) or partitioner = "key_hash" (by key, over all of them)`
		larger = "cluster here has it with 7 partitions, the source's topic has 3; write " + both + ", or make it with 3 partitions"
		grow   = `cluster here has it with 2 partitions, the source's topic has 3, and create_topics is off; add partitions, or write partitioner = "key_hash"`
		absent = "cluster here does not have the topic, and create_topics is off; make it with 3 partitions"
	)
	tests := []struct {
		partitioner string
		have        int32 // 0 is no topic
		fixed       bool  // create_topics is off
		says        string
		then        int
	}{
		{"", 7, false, larger, 7},
		{"", 7, true, larger, 7},
		{"", 2, false, "", 3},
		{"", 2, true, grow, 2},
		{"", 3, true, "", 3},
		{"", 0, false, "", 3},
		{"", 0, true, absent, 0},
		{partitionerKeep, 7, false, "", 7},
		{partitionerKeep, 7, true, "", 7},
		{partitionerKeep, 2, false, "", 3},
		{partitionerKeep, 2, true, grow, 2},
		{partitionerKeep, 0, false, "", 3},
		{partitionerKeyHash, 7, false, "", 7},
		{partitionerKeyHash, 2, false, "", 2},
		{partitionerKeyHash, 2, true, "", 2},
		{partitionerKeyHash, 0, false, "", 3},
		{partitionerKeyHash, 0, true, absent, 0},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%q, %d partitions, fixed %v", test.partitioner, test.have, test.fixed), func(t *testing.T) {
			k := newCluster(t)
			if test.have > 0 {
				createTopic(t, k, "t", test.have)
			}
			createTopic(t, k, "other", 1)
			s := newTestSink(t, k, func(c *SinkConfig) { c.Partitioner, c.CreateTopics = test.partitioner, !test.fixed })
			failed, err := s.EnsureTopics(testContext(t), []sdk.Topic{{Name: "t", Partitions: 3}, {Name: "other", Partitions: 1}})
			if err != nil || failed["other"] != nil {
				t.Fatal(err, failed["other"])
			}
			if says := fmt.Sprint(failed["t"]); test.says != "" && says != test.says || test.says == "" && failed["t"] != nil {
				t.Errorf("got:  %v\nwant: %s", failed["t"], test.says)
			}
			if meta, _ := s.metadata.topic("t"); len(meta.partitions) != test.then {
				t.Errorf("%d partitions, want %d", len(meta.partitions), test.then)
			}
		})
	}
}

// A topic that takes records of several may have more partitions than one of them.
func TestEnsureSharedTopics(t *testing.T) {
	for have, then := range map[int32]int{0: 3, 2: 3, 7: 7} {
		k := newCluster(t)
		if have > 0 {
			createTopic(t, k, "t", have)
		}
		s := newTestSink(t, k, nil)
		failed, err := s.EnsureTopics(testContext(t), []sdk.Topic{{Name: "t", Partitions: 3, Shared: true}})
		if err != nil || len(failed) > 0 {
			t.Errorf("%d partitions: %v %v", have, err, failed)
		}
		if meta, _ := s.metadata.topic("t"); len(meta.partitions) != then {
			t.Errorf("%d partitions have become %d, want %d", have, len(meta.partitions), then)
		}
	}
}

// What another process has created a moment ago, by older metadata, still grows.
func TestTopicCreatedMeanwhileIsGrown(t *testing.T) {
	k := newCluster(t)
	s := newTestSink(t, k, nil)
	k.ControlKey(int16(kmsg.CreateTopics), func(kmsg.Request) (kmsg.Response, error, bool) {
		if err := k.CreateTopic("t", 2, nil); err != nil {
			t.Error(err)
		}
		return nil, nil, false
	})
	failed, err := s.EnsureTopics(testContext(t), []sdk.Topic{{Name: "t", Partitions: 5}})
	if err != nil || len(failed) > 0 {
		t.Fatal(err, failed)
	}
	if meta, _ := s.metadata.topic("t"); len(meta.partitions) != 5 {
		t.Errorf("%d partitions", len(meta.partitions))
	}
}

// A source says how many partitions it has now: by an older number, a target
// that another process has grown would look larger than it.
func TestDescribedTopicsAreAsOfNow(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	s := newTestSource(t, k, nil)
	if _, err := s.Partitions(testContext(t)); err != nil {
		t.Fatal(err)
	}
	addPartitions(t, k, "t", 4)
	topics, err := s.DescribeTopics(testContext(t), []string{"t"})
	if err != nil || len(topics) != 1 || topics[0].Partitions != 4 {
		t.Errorf("%+v, %v", topics, err)
	}
}

func addPartitions(t testing.TB, k *kfake.Cluster, topic string, total int32) {
	t.Helper()
	req := kmsg.NewPtrCreatePartitionsRequest()
	rt := kmsg.NewCreatePartitionsRequestTopic()
	rt.Topic, rt.Count = topic, total
	req.Topics, req.TimeoutMillis = append(req.Topics, rt), 5000
	resp, err := req.RequestWith(testContext(t), newKgo(t, k))
	if err != nil || resp.Topics[0].ErrorCode != 0 {
		t.Fatal(err, resp)
	}
}
