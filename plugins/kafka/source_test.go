// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/sdk"
)

// A log with records at 10 second steps: three batches of two, then an aborted
// transaction.
func TestBounds(t *testing.T) {
	first := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	at := func(n int) string { return first.Add(time.Duration(n) * 10 * time.Second).Format(time.RFC3339) }
	tests := []struct {
		name         string
		since, until string
		want         []int64
		next         int64
	}{
		{"all", "earliest", "latest", ascending(0, 6), 8},
		{"nothing", "latest", "latest", nil, 8},
		{"since an offset", "4", "latest", ascending(4, 6), 8},
		{"since an offset in the middle of a batch", "3", "latest", ascending(3, 6), 8},
		{"since an offset behind the end", "100", "latest", nil, 8},
		{"until an offset", "earliest", "2", ascending(0, 2), 2},
		{"until an offset in the middle of a batch", "earliest", "3", ascending(0, 3), 3},
		{"until an offset behind the end", "earliest", "100", ascending(0, 6), 8},
		{"until an offset in the aborted tail", "earliest", "7", ascending(0, 6), 7},
		{"until before since", "4", "2", nil, 4},
		{"until 0", "earliest", "0", nil, 0},
		{"since a time", at(3), "latest", ascending(3, 6), 8},
		{"since a time before the first", at(-1), "latest", ascending(0, 6), 8},
		{"since a time behind the last", "2099-01-01T00:00:00Z", "latest", nil, 8},
		{"until a time", "earliest", at(3), ascending(0, 3), 3},
		{"until a time behind the last", "earliest", "2099-01-01T00:00:00Z", ascending(0, 6), 8},
		{"from time to time", at(1), at(4), ascending(1, 4), 4},
	}
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	f := &logWriter{t: t, k: k, cl: newKgo(t, k), txns: map[string]*kgo.Client{}}
	for b := range 3 {
		var records []*kgo.Record
		for i := range 2 {
			records = append(records, &kgo.Record{Topic: "t", Value: []byte("v"), Timestamp: first.Add(time.Duration(2*b+i) * 10 * time.Second)})
		}
		if err := f.cl.ProduceSync(testContext(t), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	f.begin("x")
	if err := f.txns["x"].ProduceSync(testContext(t), &kgo.Record{Topic: "t", Timestamp: first.Add(55 * time.Second)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	f.end("x", false)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newTestSource(t, k, func(c *SourceConfig) { c.Since, c.Until = test.since, test.until })
			got := readOne(t, openReader(t, s), func(g *got) bool { return g.last })
			if d := cmp.Diff(test.want, offsetsOf(got.records)); d != "" && len(test.want)+len(got.records) > 0 {
				t.Error(d)
			}
			if got.next != test.next {
				t.Errorf("position %d, want %d", got.next, test.next)
			}
		})
	}
}

func TestBoundedSourceEndsWhereItWasWhenMade(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 3)
	fill(t, k, 2)
	s := newTestSource(t, k, func(c *SourceConfig) { c.Until = latest })
	fill(t, k, 1)
	createTopic(t, k, "late", 1)
	streams, err := s.Partitions(testContext(t))
	if err != nil || len(streams) != 3 {
		t.Fatalf("%d partitions, %v", len(streams), err)
	}
	ends, err := s.Ends(testContext(t), streams)
	if err != nil || ends[t0] != 20 {
		t.Errorf("ends %v, %v", ends, err)
	}
	all := readUntil(t, openReader(t, s), func(all map[sdk.TopicPartition]*got) bool {
		for _, stream := range streams {
			if g := all[stream.TopicPartition]; g == nil || !g.last {
				return false
			}
		}
		return true
	})
	if got := all[t0]; len(got.records) != 20 || got.next != 20 {
		t.Errorf("%d records to %d", len(got.records), got.next)
	}
}

// A position that is stored behind the end of a nightly replay is at the end.
func TestPositionBehindTheBound(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	fill(t, k, 2)
	s := newTestSource(t, k, func(c *SourceConfig) { c.Until = "10" })
	r := openReaderAt(t, s, sdk.Position{Stream: streamOf(t, s, "t", 0), Offset: 15, LeaderEpoch: 0})
	b := readBatch(t, r)
	if !b.Last || b.From != 15 || b.To != 15 || b.LeaderEpoch != 0 {
		t.Errorf("%+v", b)
	}
}

func TestTransactionHoldsTheEnd(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	f := &logWriter{t: t, k: k, cl: newKgo(t, k), txns: map[string]*kgo.Client{}}
	f.plain("0", "1")
	f.begin("x")
	f.in("x", "2")
	f.plain("3")
	s := newTestSource(t, k, func(c *SourceConfig) { c.Until = latest })
	r := openReader(t, s)
	if got := readOne(t, r, func(g *got) bool { return g.last }); got.next != 2 || len(got.records) != 2 {
		t.Errorf("%d records to %d: the last stable offset is 2", len(got.records), got.next)
	}
	open := newTestSource(t, k, nil)
	r = openReader(t, open)
	if got := readOne(t, r, func(g *got) bool { return g.next == 2 }); len(got.records) != 2 {
		t.Errorf("%d records", len(got.records))
	}
	f.end("x", true)
	if got := readOne(t, r, func(g *got) bool { return g.next == 5 }); !cmp.Equal(offsetsOf(got.records), []int64{2, 3}) {
		t.Errorf("offsets %v", offsetsOf(got.records))
	}
}

func TestSelection(t *testing.T) {
	tests := []struct {
		name   string
		topics []string
		want   []string
	}{
		{"everything that is no bookkeeping", []string{"*"}, []string{"orders.eu", "orders.internal", "t"}},
		{"with an exclude", []string{"*", "!*.internal"}, []string{"orders.eu", "t"}},
		{"a regular expression", []string{"/orders[.](eu|us)/"}, []string{"orders.eu"}},
		{"bookkeeping by its full name", []string{"__consumer_offsets", "_klamm.p.positions", "t"}, []string{"__consumer_offsets", "_klamm.p.positions", "t"}},
		{"bookkeeping by a pattern", []string{"__*", "_klamm*", "mm2*", "*heartbeats"}, nil},
		{"what does not exist", []string{"none", "t"}, []string{"t"}},
	}
	k := newCluster(t)
	for _, topic := range []string{"t", "orders.eu", "orders.internal", "__consumer_offsets", "_klamm.p.positions", "mm2-offset-syncs.a.internal", "heartbeats", "a.heartbeats", "a.checkpoints.internal"} {
		createTopic(t, k, topic, 1)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newTestSource(t, k, func(c *SourceConfig) { c.Topics = test.topics })
			streams, err := s.Partitions(testContext(t))
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, stream := range streams {
				names = append(names, stream.Topic)
			}
			if !slices.Equal(names, test.want) {
				t.Errorf("%v, want %v", names, test.want)
			}
		})
	}
}

func TestPartitionsBornLaterBeginAtTheirFirstRecord(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	fill(t, k, 1)
	s := newTestSource(t, k, func(c *SourceConfig) { c.Since, c.Topics = latest, []string{"*"} })
	r := openReader(t, s)
	createTopic(t, k, "later", 2)
	produceBatch(t, newKgo(t, k), "later", 1, "0", "1")
	streams, err := s.Partitions(testContext(t))
	if err != nil || len(streams) != 3 {
		t.Fatalf("%v, %v", streams, err)
	}
	positions, err := s.Start(testContext(t), streams[:2], true)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range positions {
		if err := r.Add(testContext(t), p); err != nil {
			t.Fatal(err)
		}
	}
	tp := sdk.TopicPartition{Topic: "later", Partition: 1}
	all := readUntil(t, r, func(all map[sdk.TopicPartition]*got) bool { return all[tp] != nil && all[tp].next == 2 })
	if all[t0] != nil {
		t.Errorf("since latest gave %d records", len(all[t0].records))
	}
}

func TestRemoveEndsOnePartition(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 2)
	s := newTestSource(t, k, nil)
	r := openReader(t, s)
	r.Remove(t0)
	cl := newKgo(t, k)
	for i := range 3 {
		produceBatch(t, cl, "t", 0, fmt.Sprint(i))
		produceBatch(t, cl, "t", 1, fmt.Sprint(i))
	}
	all := readUntil(t, r, func(all map[sdk.TopicPartition]*got) bool {
		g := all[sdk.TopicPartition{Topic: "t", Partition: 1}]
		return g != nil && g.next == 3
	})
	if all[t0] != nil {
		t.Errorf("a removed partition gave %d records", len(all[t0].records))
	}
	// It can be added again, and goes on where it is told to.
	if err := r.Add(testContext(t), sdk.Position{Stream: streamOf(t, s, "t", 0), Offset: 1, LeaderEpoch: sdk.NoEpoch}); err != nil {
		t.Fatal(err)
	}
	if got := readOne(t, r, func(g *got) bool { return g.next == 3 }); !cmp.Equal(offsetsOf(got.records), []int64{1, 2}) {
		t.Errorf("offsets %v", offsetsOf(got.records))
	}
}

func TestAddRefuses(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	s := newTestSource(t, k, nil)
	r := openReader(t, s)
	again := sdk.Position{Stream: streamOf(t, s, "t", 0)}
	if err := r.Add(testContext(t), again); err == nil {
		t.Error("a partition that is read could be added again")
	}
	r.Close()
	r.Remove(t0)
	if err := r.Add(testContext(t), again); err == nil {
		t.Error("a closed reader took a partition")
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	r := openReader(t, newTestSource(t, k, nil))
	ctx, cancel := contextOf(t)
	ended := make(chan error)
	go func() {
		_, err := r.Read(ctx)
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, ctx.Err()) {
		t.Errorf("%v", err)
	}
}
