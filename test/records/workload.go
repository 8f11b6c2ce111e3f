// SPDX-License-Identifier: Apache-2.0

package records

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// Workload says what to produce.
type Workload struct {
	Seed uint64
	// Count is the number of committed records, over all topics.
	Count int
	// Prefix begins the names of the topics: PREFIX.odd, .transactions,
	// .compacted, .append-time and .empty.
	Prefix string
	// Partitions is their number in every topic; 3 if zero.
	Partitions int32
	// Large of the records have 900 KB.
	Large int
	// Compact waits until the compacted topic has been compacted. It is not
	// compacted again then, nor ever without Compact: contents keep still.
	Compact bool
	// Replication of the topics; 1 if zero.
	Replication int16
}

// Topic is one that was filled.
type Topic struct {
	Name string
	// Written is the number of records that readers of committed records saw
	// when they had been written; compaction may have removed some.
	Written int
	// Aborted is the number of records in aborted transactions.
	Aborted int
}

// Produce creates the topics of the workload and fills them.
func Produce(ctx context.Context, bootstrap []string, w Workload) ([]Topic, error) {
	if w.Partitions == 0 {
		w.Partitions = 3
	}
	if w.Replication == 0 {
		w.Replication = 1
	}
	p := &production{Workload: w, bootstrap: bootstrap}
	topics, err := p.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("producing workload %s: %w", w.Prefix, err)
	}
	return topics, nil
}

// production is a workload being produced.
type production struct {
	Workload
	bootstrap []string
	admin     *kadm.Client
}

func (p *production) run(ctx context.Context) ([]Topic, error) {
	client, err := p.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	p.admin = kadm.NewClient(client)
	transactions, compacted, appendTime := p.Count*3/10, p.Count*3/20, p.Count/20
	parts := []struct {
		name    string
		count   int
		configs map[string]string
		fill    func(context.Context, *Topic) error
	}{
		{"odd", p.Count - transactions - compacted - appendTime, nil, p.fillOdd},
		{"transactions", transactions, nil, p.fillTransactions},
		{"compacted", compacted, compactedConfigs(compacted), p.fillCompacted},
		{"append-time", appendTime, map[string]string{"message.timestamp.type": "LogAppendTime"}, p.fillAppendTime},
		{"empty", 0, nil, func(context.Context, *Topic) error { return nil }},
	}
	topics := make([]Topic, len(parts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for i, part := range parts {
		topics[i] = Topic{Name: p.Prefix + "." + part.name, Written: part.count}
		group.Go(func() error {
			if err := p.create(ctx, topics[i].Name, part.configs); err != nil {
				return err
			}
			if err := part.fill(ctx, &topics[i]); err != nil {
				return fmt.Errorf("topic %s: %w", topics[i].Name, err)
			}
			return nil
		})
	}
	return topics, group.Wait()
}

// create creates a topic that keeps old records.
func (p *production) create(ctx context.Context, topic string, configs map[string]string) error {
	forever := "-1"
	all := map[string]*string{"retention.ms": &forever}
	for key, value := range configs {
		all[key] = &value
	}
	_, err := p.admin.CreateTopic(ctx, p.Partitions, p.Replication, all, topic)
	if err != nil {
		return fmt.Errorf("creating topic %s: %w", topic, err)
	}
	return nil
}

func (p *production) client(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(p.bootstrap...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MaxBufferedRecords(20_000),
		kgo.MaxBufferedBytes(64 << 20),
		// A topic that was just created is looked for again after that time.
		kgo.MetadataMinAge(100 * time.Millisecond),
	}, opts...)...)
}
