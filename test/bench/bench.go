// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/test/kafka"
	"github.com/klamm-io/klamm/test/link"
)

// bench is one run of the command: two clusters and what was measured.
type bench struct {
	options
	shared     *kafka.Shared
	east, west *side
	dir        string
	self       string // this executable
	jobs       int
	results    results
}

// side is one of the clusters.
type side struct {
	cluster *kafka.Cluster
	client  *kgo.Client
	admin   *kadm.Client
}

func start(ctx context.Context, o options) (_ *bench, err error) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		return nil, fmt.Errorf("the bench reads what processes cost from /proc, which Linux has: %w", err)
	}
	b := &bench{options: o}
	defer func() {
		if err != nil {
			b.stop()
		}
	}()
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp("", "klamm-bench-"); err != nil {
		return nil, err
	}
	b.shared, err = kafka.StartShared(ctx, kafka.Config{
		Link: &link.Options{Delay: o.delay},
		// The index files of thousands of partitions need not be large.
		Properties: map[string]string{"log.index.size.max.bytes": "1048576"},
	})
	if err != nil {
		return nil, err
	}
	if b.east, err = newSide(b.shared.East()); err != nil {
		return nil, err
	}
	if b.west, err = newSide(b.shared.West()); err != nil {
		return nil, err
	}
	b.results, err = describe(o)
	return b, err
}

func newSide(c *kafka.Cluster) (*side, error) {
	// A topic that is not there yet is looked for again after that time.
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...), kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		return nil, err
	}
	return &side{cluster: c, client: client, admin: kadm.NewClient(client)}, nil
}

// stop removes all that the bench has started and written.
func (b *bench) stop() {
	for _, s := range []*side{b.east, b.west} {
		if s != nil {
			s.client.Close()
		}
	}
	if b.shared != nil {
		if err := b.shared.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}
	_ = os.RemoveAll(b.dir)
}

// direct is where clients reach the cluster without a delay, delayed where
// they have one.
func (s *side) direct() []string  { return s.cluster.Bootstrap() }
func (s *side) delayed() []string { return s.cluster.Addresses(kafka.Proxied) }

func (s *side) createTopic(ctx context.Context, topic string, partitions int) error {
	retention := "-1"
	_, err := s.admin.CreateTopic(ctx, int32(partitions), 1, map[string]*string{"retention.ms": &retention}, topic)
	return err
}

// ends are the end offsets of a topic's partitions; none if it does not exist.
func (s *side) ends(ctx context.Context, topic string) ([]int64, error) {
	listed, err := s.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	var ends []int64
	for _, p := range slices.SortedFunc(offsets(listed), func(a, b kadm.ListedOffset) int { return int(a.Partition - b.Partition) }) {
		if p.Err != nil {
			return nil, nil
		}
		ends = append(ends, p.Offset)
	}
	return ends, nil
}

func offsets(listed kadm.ListedOffsets) func(func(kadm.ListedOffset) bool) {
	return func(yield func(kadm.ListedOffset) bool) {
		for _, partitions := range listed {
			for _, p := range partitions {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// clear removes all topics but the given ones, and those of the brokers.
func (s *side) clear(ctx context.Context, keep ...string) error {
	topics, err := s.admin.ListTopics(ctx)
	if err != nil {
		return err
	}
	gone := slices.DeleteFunc(topics.Names(), func(name string) bool { return slices.Contains(keep, name) })
	if len(gone) == 0 {
		return nil
	}
	_, err = s.admin.DeleteTopics(ctx, gone...)
	return err
}

// say tells whoever waits how far the bench is.
func say(format string, args ...any) {
	fmt.Fprintln(os.Stderr, strings.TrimRight(fmt.Sprintf(format, args...), "\n"))
}
