// SPDX-License-Identifier: Apache-2.0

package records_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
	"github.com/klamm-io/klamm/test/records"
)

func TestMain(m *testing.M) { kafka.Main(m) }

func TestProduce(t *testing.T) {
	east, west := kafka.Clusters(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	topics, err := records.Produce(ctx, east.Bootstrap(), records.Workload{
		Seed: 1, Count: 10_000, Prefix: kafka.UniqueName("workload"), Large: 10, Compact: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range topics {
		t.Run(topic.Name[strings.LastIndex(topic.Name, ".")+1:], func(t *testing.T) {
			content := read(ctx, t, east, topic.Name)
			check(t, topic, content)
			west.CreateTopic(t, topic.Name, int32(len(content.Partitions)), map[string]string{"retention.ms": "-1"})
			copyTopic(ctx, t, east, west, topic.Name, kgo.ReadCommitted(), content)
			if d := compare.Diff(content, read(ctx, t, west, topic.Name), compare.Options{}); len(d) > 0 {
				t.Error(compare.Report(d))
			}
		})
	}
}

func read(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string) compare.Content {
	t.Helper()
	content, err := compare.Read(ctx, topic, kgo.SeedBrokers(c.Bootstrap()...))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// check holds what was read against what was produced.
func check(t *testing.T, topic records.Topic, content compare.Content) {
	t.Helper()
	committed, aborted := count(content)
	if strings.HasSuffix(topic.Name, ".compacted") {
		if committed == 0 || committed >= topic.Written {
			t.Errorf("%d of %d records are left", committed, topic.Written)
		}
	} else if committed != topic.Written {
		t.Errorf("read %d records, %d were written", committed, topic.Written)
	}
	if aborted != topic.Aborted {
		t.Errorf("read %d aborted records, %d were aborted", aborted, topic.Aborted)
	}
	if strings.HasSuffix(topic.Name, ".transactions") && (aborted < committed/10 || aborted > committed) {
		t.Errorf("%d aborted and %d committed records are far from a quarter", aborted, committed)
	}
}

func count(content compare.Content) (committed, aborted int) {
	for _, p := range content.Partitions {
		committed += len(p.Records)
		aborted += len(p.Aborted)
	}
	return committed, aborted
}

// copyTopic is the simplest mirror: it copies as many records as content has,
// or more if it reads the aborted ones too.
func copyTopic(ctx context.Context, t *testing.T, from, to *kafka.Cluster, topic string, level kgo.IsolationLevel, content compare.Content) {
	t.Helper()
	left, aborted := count(content)
	if level == kgo.ReadUncommitted() {
		left += aborted
	}
	consumer := from.Client(t, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(level))
	producer := to.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for left > 0 {
		fetches := consumer.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("consuming with %d records left: %v", left, err)
		}
		for r := range fetches.RecordsAll() {
			left--
			producer.Produce(ctx, r, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Errorf("producing: %v", err)
				}
			})
		}
	}
	if err := producer.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestOddRecords(t *testing.T) {
	east, _ := kafka.Clusters(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const total, large = 10_000, 5
	prefix := kafka.UniqueName("odd")
	if _, err := records.Produce(ctx, east.Bootstrap(), records.Workload{Seed: 3, Count: total, Prefix: prefix, Large: large}); err != nil {
		t.Fatal(err)
	}
	seen := oddities(ctx, t, east, prefix+".odd", total/2)
	for _, want := range []string{
		"codec 0", "codec 1", "codec 2", "codec 3", "codec 4", "nil key", "empty key", "nil value", "empty value",
		"repeated header", "nil header", "empty header", "year 1970", "year 2001", "timestamp going back",
	} {
		if seen[want] == 0 {
			t.Errorf("no record has: %s", want)
		}
	}
	if seen["large"] != large {
		t.Errorf("%d large records, want %d", seen["large"], large)
	}
}

// oddities reads count records and counts what is odd about them.
func oddities(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string, count int) map[string]int {
	t.Helper()
	seen := map[string]int{}
	note := func(what string, is bool) {
		if is {
			seen[what]++
		}
	}
	last := map[int32]time.Time{}
	client := c.Client(t, kgo.ConsumeTopics(topic))
	for count > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("consuming with %d records left: %v", count, err)
		}
		for r := range fetches.RecordsAll() {
			count--
			note(fmt.Sprintf("codec %d", r.Attrs.CompressionType()), true)
			note("nil key", r.Key == nil)
			note("empty key", r.Key != nil && len(r.Key) == 0)
			note("nil value", r.Value == nil)
			note("empty value", r.Value != nil && len(r.Value) == 0)
			note("large", len(r.Value) == 900_000)
			note(fmt.Sprintf("year %d", r.Timestamp.UTC().Year()), true)
			note("timestamp going back", r.Timestamp.Before(last[r.Partition]))
			last[r.Partition] = r.Timestamp
			keys := map[string]int{}
			for _, h := range r.Headers {
				keys[h.Key]++
				note("repeated header", keys[h.Key] > 1)
				note("nil header", h.Value == nil)
				note("empty header", h.Value != nil && len(h.Value) == 0)
			}
		}
	}
	return seen
}

// A mirror that reads uncommitted records is found out.
func TestAbortedRecordsAreFound(t *testing.T) {
	east, west := kafka.Clusters(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	prefix := kafka.UniqueName("aborted")
	if _, err := records.Produce(ctx, east.Bootstrap(), records.Workload{Seed: 2, Count: 5_000, Prefix: prefix}); err != nil {
		t.Fatal(err)
	}
	topic := prefix + ".transactions"
	source := read(ctx, t, east, topic)
	west.CreateTopic(t, topic, 3, map[string]string{"retention.ms": "-1"})
	copyTopic(ctx, t, east, west, topic, kgo.ReadUncommitted(), source)
	leaked := 0
	for _, d := range compare.Diff(source, read(ctx, t, west, topic), compare.Options{AllowReplays: true}) {
		if d.Kind != compare.AbortedLeaked {
			t.Fatalf("found %v", d)
		}
		leaked += d.Count
	}
	if _, aborted := count(source); leaked != aborted || leaked == 0 {
		t.Errorf("found %d leaked records of %d", leaked, aborted)
	}
}

func TestReadIsBounded(t *testing.T) {
	east, _ := kafka.Clusters(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := compare.Read(ctx, kafka.UniqueName("no-such-topic"), kgo.SeedBrokers(east.Bootstrap()...)); err == nil {
		t.Error("a topic that does not exist was read")
	}
}
