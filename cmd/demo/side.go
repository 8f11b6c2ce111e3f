// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/sdk"
)

// side is one of the two clusters, seen by a client that has nothing to do
// with the mirror.
type side struct {
	cluster *sdk.Cluster
	client  *kgo.Client
	admin   *kadm.Client
}

func connect(cfg *config.Config) (east, west *side, err error) {
	sides := map[string]*side{}
	for _, c := range cfg.Clusters {
		client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...))
		if err != nil {
			return nil, nil, fmt.Errorf("connecting to %s: %w", c.Name, err)
		}
		sides[c.Name] = &side{c, client, kadm.NewClient(client)}
	}
	return sides["east"], sides["west"], nil
}

// Close ends the connection; the cluster goes on.
func (s *side) Close() { s.client.Close() }

func (s *side) createTopics(ctx context.Context, all []stream) error {
	for _, t := range all {
		if _, err := s.admin.CreateTopic(ctx, t.partitions, 1, nil, t.topic); err != nil {
			return fmt.Errorf("creating topic %s: %w", t.topic, err)
		}
	}
	return nil
}

// topics lists topics with their number of partitions, without those in which
// Kafka and Klamm keep their own books.
func (s *side) topics(ctx context.Context) (map[string]int, error) {
	details, err := s.admin.ListTopics(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the topics of %s: %w", s.cluster.Name, err)
	}
	found := map[string]int{}
	for name, d := range details {
		if !strings.HasPrefix(name, "_") {
			found[name] = len(d.Partitions)
		}
	}
	return found, nil
}

// counts says how many records each topic holds by its end offsets; topics
// that are not there yet hold none.
func (s *side) counts(ctx context.Context, topics ...string) (map[string]int64, error) {
	ends, err := s.admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("listing the end offsets of %s: %w", s.cluster.Name, err)
	}
	counts := map[string]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Err == nil {
			counts[o.Topic] += o.Offset
		}
	})
	return counts, nil
}

// read returns every record of a topic that a reader of committed records
// sees, by partition.
func (s *side) read(ctx context.Context, topic string) (map[int32][]*kgo.Record, error) {
	ends, err := s.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("listing the end offsets of %s: %w", topic, err)
	}
	from, open := map[int32]kgo.Offset{}, map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		from[o.Partition] = kgo.NewOffset().At(0)
		if o.Offset > 0 {
			open[o.Partition] = o.Offset
		}
	})
	reader, err := kgo.NewClient(
		kgo.SeedBrokers(s.cluster.Brokers...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // the last offset of a partition may be one
	)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	records := map[int32][]*kgo.Record{}
	for len(open) > 0 {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("reading %s of %s: %w", topic, s.cluster.Name, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				records[r.Partition] = append(records[r.Partition], r)
			}
			if r.Offset >= open[r.Partition]-1 {
				delete(open, r.Partition)
			}
		})
	}
	return records, nil
}
