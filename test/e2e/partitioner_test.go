// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
)

// partitionerFile copies all topics of a prefix; source and sink are
// further attributes of the two.
func partitionerFile(t *testing.T, east, west *kafka.Cluster, prefix, source, sink string) string {
	t.Helper()
	return write(t, `
cluster "east" { brokers = [%q] }
cluster "west" { brokers = [%q] }

pipeline %q {
  source "kafka" {
    cluster = cluster.east
    topics  = ["%[3]s*"]
    %s
  }
  transform "rename" { prefix = "east." }
  sink "kafka" {
    cluster = cluster.west
    %s
  }
}
`, east.Bootstrap()[0], west.Bootstrap()[0], prefix, source, sink)
}

// contentOf are the records of a topic by partition.
func contentOf(t *testing.T, c *kafka.Cluster, topic string) [][]*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ends, err := c.Admin(t).ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		t.Fatalf("asking for the ends of %s: %v", topic, err)
	}
	found, left := make([][]*kgo.Record, len(ends[topic])), int64(0)
	for _, end := range ends[topic] {
		left += end.Offset
	}
	client := c.Client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatalf("reading %s, %d records from its end: %v", topic, left, err)
		}
		for r := range fetches.RecordsAll() {
			found[r.Partition] = append(found[r.Partition], r)
			left--
		}
	}
	return found
}

// byJava writes records with keys to a topic by Kafka's own producer, each key
// several times: the partitions are those that it chose.
func byJava(t *testing.T, c *kafka.Cluster, topic string, records, keys int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := c.Tool(ctx, "org.apache.kafka.tools.VerifiableProducer", "--bootstrap-server", c.Bootstrap()[0],
		"--topic", topic, "--max-messages", fmt.Sprint(records), "--repeating-keys", fmt.Sprint(keys))
	if err != nil {
		t.Fatal(err)
	}
	if acked := fmt.Sprintf(`"acked":%d`, records); !strings.Contains(out, acked) {
		t.Fatalf("the producer does not say %s: %s", acked, out[max(0, len(out)-500):])
	}
}

// addOdd writes to each partition what the Java tool cannot: records without
// key, with an empty one, without value, with headers.
func addOdd(t *testing.T, c *kafka.Cluster, topic string, partitions int) {
	t.Helper()
	var records []*kgo.Record
	for n := range 600 {
		r := &kgo.Record{
			Topic: topic, Partition: int32(n % partitions), Timestamp: time.UnixMilli(1_700_000_000_000 + int64(n)),
			Headers: []kgo.RecordHeader{{Key: "serial", Value: fmt.Append(nil, n)}, {Key: "serial"}},
		}
		switch n / partitions % 4 {
		case 0, 1:
			r.Value = fmt.Append(nil, "without key ", n)
		case 2:
			r.Key, r.Value = []byte{}, fmt.Append(nil, "empty key ", n)
		case 3:
			r.Key = fmt.Append(nil, "a key that is rather long, and belongs to partition ", r.Partition)
		}
		records = append(records, r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Client(t, manual()).ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// keyed is one key of one source partition, whose records keep their order.
type keyed struct {
	partition int32
	null      bool
	key       string
}

// byKey fails the test unless every record of the source is in the target, those
// of one key of a source partition in one partition and in order. Where again
// is true they may come repeatedly, but then from one of them on in order.
func byKey(t *testing.T, source, target [][]*kgo.Record, again bool) {
	t.Helper()
	digest := func(r *kgo.Record) compare.Record {
		d := compare.NewRecord(r)
		d.Offset = 0
		return d
	}
	type place struct {
		keyed
		n int // of the records of the key
	}
	origin, counts := map[compare.Record]place{}, map[keyed]int{}
	for p, records := range source {
		for _, r := range records {
			k := keyed{int32(p), r.Key == nil, string(r.Key)}
			if other, ok := origin[digest(r)]; ok {
				t.Fatalf("the source has the same record twice: %v, %v", other, digest(r))
			}
			origin[digest(r)] = place{k, counts[k]}
			counts[k]++
		}
	}
	next, where := map[keyed]int{}, map[keyed]int{}
	for p, records := range target {
		for _, r := range records {
			from, ok := origin[digest(r)]
			if !ok {
				t.Fatalf("target partition %d has what the source has not: %v", p, digest(r))
			}
			if from.n != next[from.keyed] && !(again && from.n < next[from.keyed]) {
				t.Fatalf("target partition %d: %v has record %d of its key, %d is next", p, digest(r), from.n, next[from.keyed])
			}
			if before, ok := where[from.keyed]; ok && before != p {
				t.Fatalf("key %+v is in partitions %d and %d", from.keyed, before, p)
			}
			if from.null && p != int(from.partition)%len(target) {
				t.Fatalf("a record without key of partition %d is in %d", from.partition, p)
			}
			next[from.keyed], where[from.keyed] = from.n+1, p
		}
	}
	for k, n := range counts {
		if next[k] != n {
			t.Fatalf("key %+v: %d of %d records are there", k, next[k], n)
		}
	}
}

// partitionOf is where each key is.
func partitionOf(records [][]*kgo.Record) map[string]int {
	at := map[string]int{}
	for p, partition := range records {
		for _, r := range partition {
			if r.Key != nil {
				at[string(r.Key)] = p
			}
		}
	}
	return at
}

// TestPartitionerByKey copies 3 partitions into 7 and 7 into 3, and compares
// where keys are with where Kafka's producer puts them. It is killed on the way.
func TestPartitionerByKey(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	prefix := kafka.UniqueName("bykey")
	three, seven := prefix+".three", prefix+".seven"
	counts := map[string]int32{three: 3, seven: 7}
	for topic, count := range counts {
		east.CreateTopic(t, topic, count, nil)
		west.CreateTopic(t, "east."+topic, 10-count, nil)
		byJava(t, east, topic, 24_000, 12_000)
		addOdd(t, east, topic, int(count))
	}
	const sink = `partitioner = "key_hash"`
	p := start(t, partitionerFile(t, east, west, prefix, "", sink))
	at(t, p, three, 1, 1)
	p.kill()
	p = start(t, partitionerFile(t, east, west, prefix, `until = "latest"`, sink))
	if code := p.wait(time.Minute); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	for topic, other := range map[string]string{three: seven, seven: three} {
		copied := contentOf(t, west, "east."+topic)
		if len(copied) != int(counts[other]) {
			t.Fatalf("east.%s has %d partitions", topic, len(copied))
		}
		byKey(t, contentOf(t, east, topic), copied, true)
		java, klamm := partitionOf(contentOf(t, east, other)), partitionOf(copied)
		compared := 0
		for key, at := range java {
			if strings.HasPrefix(key, "a key") || key == "" {
				continue // not by Java
			}
			if compared++; klamm[key] != at {
				t.Fatalf("key %q is in partition %d of %d, Java has it in %d", key, klamm[key], len(copied), at)
			}
		}
		if compared != 12_000 {
			t.Errorf("%d keys were compared", compared)
		}
	}
}

// TestPartitionerByKeyGrows adds partitions to a source: the target that was
// made for it keeps its number.
func TestPartitionerByKeyGrows(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	j := newJournal(t, east, kafka.UniqueName("bykeygrows"), 3, nil)
	p := start(t, partitionerFile(t, east, west, j.topic, "", `partitioner = "key_hash"`))
	j.produce(200, 0, 1, 2)
	j.delivered(p, 0, 1, 2)
	grow(t, j, 5)
	j.produce(200, 0, 3, 4)
	newWithin(t, p, j, 0, 3, 4)
	ready(t, p)
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	copied := contentOf(t, west, "east."+j.topic)
	if len(copied) != 3 {
		t.Fatalf("the target has %d partitions", len(copied))
	}
	byKey(t, contentOf(t, east, j.topic), copied, false)
}

// TestPartitionerUnsaid has a target with more partitions than the source: it
// is left alone until the file says what is meant.
func TestPartitionerUnsaid(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	prefix := kafka.UniqueName("unsaid")
	other := newJournal(t, east, prefix+".other", 3, nil)
	same := newJournal(t, east, prefix+".same", 2, nil)
	west.CreateTopic(t, "east."+other.topic, 7, nil)
	other.produce(50, 0, 1, 2)
	same.produce(50, 0, 1)
	const until = `until = "latest"`

	p := start(t, partitionerFile(t, east, west, prefix, until, ""))
	if code := p.wait(time.Minute); code != 1 {
		t.Errorf("exit code %d", code)
	}
	says := fmt.Sprintf(`target topic east.%s: cluster west has it with 7 partitions, the source's topic has 3; write partitioner = "keep"`, other.topic)
	if out := strings.ReplaceAll(p.output.String(), `\"`, `"`); !strings.Contains(out, says) || !strings.Contains(out, `partitioner = "key_hash"`) {
		t.Errorf("it does not say %q", says)
	}
	same.copied(west, "east."+same.topic)
	if got := contentOf(t, west, "east."+other.topic); len(slices.Concat(got...)) > 0 {
		t.Errorf("it has written %d records", len(slices.Concat(got...)))
	}

	p = start(t, partitionerFile(t, east, west, prefix, until, `partitioner = "keep"`))
	if code := p.wait(time.Minute); code != 0 {
		t.Errorf("exit code %d with keep", code)
	}
	kept := contentOf(t, west, "east."+other.topic)
	if len(kept) != 7 || len(slices.Concat(kept[3:]...)) > 0 {
		t.Fatalf("%d partitions, %d records in those that the source does not have", len(kept), len(slices.Concat(kept[3:]...)))
	}
	for n, records := range kept[:3] {
		byKey(t, other.partitions[n:n+1], [][]*kgo.Record{records}, false)
		if len(records) != 50 || string(records[7].Value) != string(other.partitions[n][7].Value) {
			t.Errorf("partition %d is not the source's", n)
		}
	}
}
