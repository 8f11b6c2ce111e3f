// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
)

// oddTopic is a topic with batches that cannot all be written as they were read,
// or that a broker would write in another way.
type oddTopic struct {
	name           string
	source, target map[string]string // settings; the target's topic is made by Klamm if nil
	fill           func(t *testing.T, j *journal) (want ledger.Batches)
	// check looks at what arrived; nil compares contents.
	check func(t *testing.T, j *journal, west *kafka.Cluster, target string)
}

func decodedAs(reason string, n int64) ledger.Batches {
	return ledger.Batches{Decoded: map[string]int64{reason: n}}
}

func oddTopics() []oddTopic {
	appendTime := map[string]string{"message.timestamp.type": "LogAppendTime"}
	createTime := map[string]string{"message.timestamp.type": "CreateTime"}
	return []oddTopic{
		{"compacted", compactedLater(), nil, fillCleaned, checkCleaned},
		{"transactions", nil, nil, fillInterleaved, nil},
		{"append-to-create", appendTime, createTime, fillAs("append_time"), nil},
		{"append-to-append", appendTime, appendTime, fillAs("append_time"), checkAppendTime},
		{"create-to-append", nil, appendTime, fillAs(""), checkAppendTime},
		{"too-large", nil, map[string]string{"max.message.bytes": "4321"}, fillTooLarge, checkParted},
		{"target-codec", nil, map[string]string{"compression.type": "gzip"}, fillAs(""), checkGzip},
	}
}

// TestOddBatches mirrors batches of every kind that needs care, among ordinary
// ones. All records arrive in order, and the status says why batches were decoded.
func TestOddBatches(t *testing.T) {
	t.Parallel()
	for _, odd := range oddTopics() {
		t.Run(odd.name, odd.run)
	}
}

func (odd oddTopic) run(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	j := newJournal(t, east, kafka.UniqueName(odd.name), 1, odd.source)
	target := "east." + j.topic
	if odd.target != nil {
		west.CreateTopic(t, target, 1, odd.target)
	}
	want := odd.fill(t, j)
	source := rawBatches(t, east, j.topic, 0)
	p := start(t, mirrorFile(t, east, west, j.topic))
	at(t, p, j.topic, 0, source[len(source)-1].next())
	went(t, p, j.topic, want)
	ready(t, p)
	p.stop()
	if odd.check != nil {
		odd.check(t, j, west, target)
		return
	}
	equal(t, east, j.topic, west, target, compare.Options{})
}

// fillAs writes ordinary batches, to which a topic's settings do something: they go
// as they were read if there is no reason. Decoded neighbours of one codec become one
// batch, so each is of another.
func fillAs(reason string) func(*testing.T, *journal) ledger.Batches {
	return func(t *testing.T, j *journal) ledger.Batches {
		produceIn(t, j, 1, kgo.NoCompression())
		produceIn(t, j, 20, kgo.ZstdCompression())
		produceIn(t, j, 300, kgo.Lz4Compression())
		if reason == "" {
			return ledger.Batches{Encoded: 3}
		}
		return decodedAs(reason, 3)
	}
}

// produceIn writes a batch in a codec.
func produceIn(t *testing.T, j *journal, count int, codec kgo.CompressionCodec) {
	t.Helper()
	j.client = j.cluster.Client(t, manual(), kgo.ProducerBatchCompression(codec))
	j.produce(count, 0)
}

// fillTooLarge writes batches over a limit of 4321 bytes, of records that are not.
// Half of each fits: what counts is what they were written in.
func fillTooLarge(_ *testing.T, j *journal) ledger.Batches {
	for range 3 {
		j.produce(5, 0)
		var records []*kgo.Record
		for value := range slices.Chunk(noise(8*1000), 1000) {
			records = append(records, &kgo.Record{Key: []byte("key"), Value: value})
		}
		j.add(0, records...)
	}
	return ledger.Batches{Encoded: 3, Decoded: map[string]int64{"refused": 6}}
}

func checkParted(t *testing.T, j *journal, west *kafka.Cluster, target string) {
	j.copied(west, target)
	if n := len(rawBatches(t, west, target, 0)); n != 9 {
		t.Errorf("there are %d batches, not 3 and 6 halves", n)
	}
}

// checkAppendTime finds what was written under the target's own time.
func checkAppendTime(t *testing.T, j *journal, west *kafka.Cluster, target string) {
	for _, b := range rawBatches(t, west, target, 0) {
		if !b.has(bitAppendTime) {
			t.Errorf("batch %v has no append time", b)
		}
	}
	got := contentOf(t, west, target)[0]
	if !slices.EqualFunc(got, j.partitions[0], func(a, b *kgo.Record) bool {
		return bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value) && bytes.Equal(a.Headers[0].Value, b.Headers[0].Value)
	}) {
		t.Errorf("%d records arrived of %d, or others", len(got), len(j.partitions[0]))
	}
}

// checkGzip finds all in the codec of the target's topic.
func checkGzip(t *testing.T, j *journal, west *kafka.Cluster, target string) {
	j.copied(west, target)
	for _, b := range rawBatches(t, west, target, 0) {
		if b.codec() != 1 {
			t.Errorf("batch %v is not gzip", b)
		}
	}
}

// fillInterleaved has two producers write transactions side by side, one committed
// and one aborted, with records of a third between them. All of it is many times
// what a fetch returns.
func fillInterleaved(t *testing.T, j *journal) ledger.Batches {
	var producers []*kgo.Client
	for n := range 2 {
		producers = append(producers, j.cluster.Client(t, manual(), kgo.TransactionalID(fmt.Sprint(j.topic, n))))
	}
	write := func(by *kgo.Client, value []byte) {
		if err := by.ProduceSync(t.Context(), &kgo.Record{Topic: j.topic, Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	big, committed := noise(400<<10), int64(0)
	for round := range 4 {
		for _, p := range producers {
			if err := p.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
		}
		for n := range 4 {
			for by, p := range producers {
				write(p, fmt.Appendf(slices.Clone(big), "%d %d %d", round, n, by))
			}
			write(j.client, fmt.Appendf(nil, "%d %d plain", round, n))
			committed += 2
		}
		for by, p := range producers {
			end := kgo.TransactionEndTry(by == round%2)
			if err := p.EndTransaction(t.Context(), end); err != nil {
				t.Fatal(err)
			}
		}
		write(j.client, fmt.Appendf(nil, "%d between", round))
		committed++
	}
	return ledger.Batches{Encoded: committed}
}

// compactedLater are the settings of a topic that is not cleaned until it is filled.
func compactedLater() map[string]string {
	return map[string]string{
		"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "3600000",
		"segment.ms": "60000", "min.compaction.lag.ms": fmt.Sprint(math.MaxInt64),
	}
}

// fillCleaned leaves to the cleaner a batch of which it removes some records, one of
// which it removes all, one with tombstones, and ordinary ones.
func fillCleaned(t *testing.T, j *journal) ledger.Batches {
	now := time.UnixMilli(time.Now().Add(-30 * time.Minute).UnixMilli())
	write := func(by *kgo.Client, at time.Time, value string, keys ...string) {
		var records []*kgo.Record
		for _, key := range keys {
			r := &kgo.Record{Topic: j.topic, Timestamp: at, Key: []byte(key)}
			if value != "" {
				r.Value = []byte(value + key)
			}
			records = append(records, r)
		}
		if err := by.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	write(j.client, now, "gap ", "a", "b", "c", "d", "e")
	write(j.cluster.Client(t, manual()), now, "all goes ", "x", "y") // the last of its producer
	write(j.client, now, "new ", "b", "d", "x", "y")
	write(j.client, now, "", "c", "z", "zz")
	write(j.client, now, "whole ", "f", "g", "h")
	write(j.client, now.Add(10*time.Minute), "another segment ", "i", "j")
	configure(t, j.cluster, j.topic, "min.compaction.lag.ms", "0")
	var found [3]int
	eventually(t, time.Minute, func() (bool, string) {
		found = [3]int{}
		batches := rawBatches(t, j.cluster, j.topic, 0)
		for _, b := range batches {
			switch {
			case b.count() == 0:
				found[0]++
			case b.next()-b.base() != b.count():
				found[1]++
			case b.has(bitDeleteHorizon):
				found[2]++
			}
		}
		return found == [3]int{1, 1, 1}, fmt.Sprintf("empty, with a gap, with a delete horizon: %v of %v", found, batches)
	})
	return ledger.Batches{Encoded: 4, Decoded: map[string]int64{"gap": 1}}
}

func checkCleaned(t *testing.T, j *journal, west *kafka.Cluster, target string) {
	equal(t, j.cluster, j.topic, west, target, compare.Options{})
	for _, b := range rawBatches(t, west, target, 0) {
		if b.has(bitDeleteHorizon) {
			t.Errorf("batch %v has the delete horizon of the source", b)
		}
	}
}

// TestOddBatchesBounds begins and ends inside batches.
func TestOddBatchesBounds(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	j := newJournal(t, east, kafka.UniqueName("cut"), 1, nil)
	for range 5 {
		j.produce(20, 0)
	}
	p := start(t, boundedFile(t, east, west, j.topic, "east.", "since = \"10\"\n  until = \"75\""))
	if code := p.wait(time.Minute); code != 0 {
		t.Errorf("exit code %d", code)
	}
	mentions(t, p.output.String(), "batches: 50.0% of 4 untouched; decoded: 2 cut")
	j.partitions[0] = j.partitions[0][10:75]
	j.copied(west, "east."+j.topic)
}

// TestOddBatchesSink has the sink ask for what needs the records.
func TestOddBatchesSink(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, attribute string
		want            ledger.Batches
	}{
		{"codec", `compression = "zstd"`, ledger.Batches{Encoded: 2, Decoded: map[string]int64{"compression": 2}}},
		{"key-hash", `partitioner = "key_hash"`, decodedAs("partitioner", 4)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			east, west := kafka.Clusters(t)
			j := newJournal(t, east, kafka.UniqueName(test.name), 1, nil)
			p := start(t, partitionerFile(t, east, west, j.topic, "", test.attribute))
			for _, codec := range []kgo.CompressionCodec{kgo.Lz4Compression(), kgo.ZstdCompression(), kgo.NoCompression(), kgo.ZstdCompression()} {
				produceIn(t, j, 50, codec)
				j.delivered(p, 0) // one by one: what is read together is written together
			}
			went(t, p, j.topic, test.want)
			p.stop()
			j.copied(west, "east."+j.topic)
			for _, b := range rawBatches(t, west, "east."+j.topic, 0) {
				if test.name == "codec" && b.codec() != 4 {
					t.Errorf("batch %v is not zstd", b)
				}
			}
		})
	}
}
