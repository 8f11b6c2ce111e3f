// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/plugins/kafka/embedded"
	"github.com/klamm-io/klamm/sdk"
)

// TestCompare: a comparison that finds nothing is worth as much as what it
// would have found. Each copy but the first is broken in one way.
func TestCompare(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(partition []*kgo.Record) []*kgo.Record // of orders.eu, partition 1
		want  string
	}{
		{"a true copy", func(all []*kgo.Record) []*kgo.Record { return all }, ""},
		{"one missing", func(all []*kgo.Record) []*kgo.Record { return all[:len(all)-1] }, "missing"},
		{"one twice", func(all []*kgo.Record) []*kgo.Record { return append(all, all[len(all)-1]) }, "1 records more"},
		{"two swapped", func(all []*kgo.Record) []*kgo.Record {
			all[0], all[1] = all[1], all[0]
			return all
		}, "another"},
		{"null becomes empty", func(all []*kgo.Record) []*kgo.Record {
			i := slices.IndexFunc(all, func(r *kgo.Record) bool { return r.Value == nil })
			all[i].Value = []byte{}
			return all
		}, "another value"},
		{"empty becomes null", func(all []*kgo.Record) []*kgo.Record {
			i := slices.IndexFunc(all, func(r *kgo.Record) bool { return r.Key != nil && len(r.Key) == 0 })
			all[i].Key = nil
			return all
		}, "another key"},
		{"headers turned", func(all []*kgo.Record) []*kgo.Record {
			i := slices.IndexFunc(all, func(r *kgo.Record) bool { return len(r.Headers) > 1 })
			slices.Reverse(all[i].Headers)
			return all
		}, "another list of headers"},
		{"a millisecond later", func(all []*kgo.Record) []*kgo.Record {
			all[2].Timestamp = all[2].Timestamp.Add(time.Millisecond)
			return all
		}, "another timestamp"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			east, west := twoSides(t)
			copyAll(t, east, west, tt.spoil)
			sum, differences, err := compare(t.Context(), east, west)
			if err != nil {
				t.Fatal(err)
			}
			switch got := strings.Join(differences, "\n"); {
			case tt.want == "" && got != "":
				t.Errorf("a true copy differs: %s", got)
			case tt.want == "" && sum.records == 0:
				t.Error("nothing was compared")
			case !strings.Contains(got, tt.want):
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
		})
	}
}

// twoSides are two clusters of which east has been written to.
func twoSides(t *testing.T) (east, west *side) {
	t.Helper()
	cfg, err := load(catalog(t))
	if err != nil {
		t.Fatal(err)
	}
	clusters, err := embedded.Start(cfg.Clusters, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clusters.Close)
	east, west, err = connect(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(east.Close)
	t.Cleanup(west.Close)
	if err := east.createTopics(t.Context(), streams()); err != nil {
		t.Fatal(err)
	}
	traffic, err := newTraffic(east.cluster)
	if err != nil {
		t.Fatal(err)
	}
	defer traffic.close()
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	if err := traffic.write(ctx); err != nil {
		t.Fatal(err)
	}
	return east, west
}

// copyAll is a mirror of a few lines, which may spoil what it copies.
func copyAll(t *testing.T, east, west *side, spoil func([]*kgo.Record) []*kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(west.cluster.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, s := range streams() {
		if s.excluded {
			continue
		}
		if _, err := west.admin.CreateTopic(t.Context(), s.partitions, 1, nil, prefix+s.topic); err != nil {
			t.Fatal(err)
		}
		partitions, err := east.read(t.Context(), s.topic)
		if err != nil {
			t.Fatal(err)
		}
		for p, records := range partitions {
			if (sdk.TopicPartition{Topic: s.topic, Partition: p}) == (sdk.TopicPartition{Topic: "orders.eu", Partition: 1}) {
				records = spoil(records)
			}
			for _, r := range records {
				c := &kgo.Record{Topic: prefix + s.topic, Partition: p, Key: r.Key, Value: r.Value, Headers: r.Headers, Timestamp: r.Timestamp}
				if err := client.ProduceSync(t.Context(), c).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
