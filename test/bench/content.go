// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// chain is a checksum over the records of one partition in their order.
type chain struct {
	sum     hash.Hash
	scratch []byte
}

func (c *chain) add(r *kgo.Record) {
	if c.sum == nil {
		c.sum = sha256.New()
	}
	text := binary.BigEndian.AppendUint64(c.scratch[:0], uint64(r.Timestamp.UnixMilli()))
	part := func(b []byte) {
		text = binary.BigEndian.AppendUint32(text, uint32(len(b)))
		text = append(text, b...)
	}
	part(r.Key)
	part(r.Value)
	text = binary.BigEndian.AppendUint32(text, uint32(len(r.Headers)))
	for _, h := range r.Headers {
		part([]byte(h.Key))
		part(h.Value)
	}
	c.sum.Write(text)
	c.scratch = text
}

func (c *chain) equal(d *chain) bool {
	if c.sum == nil || d.sum == nil {
		return c.sum == d.sum
	}
	return slices.Equal(c.sum.Sum(nil), d.sum.Sum(nil))
}

// checkCounts compares the number of records by partition.
func (b *bench) checkCounts(ctx context.Context, target string, l *loaded) error {
	ends, err := b.west.ends(ctx, target)
	if err != nil {
		return err
	}
	if !slices.Equal(ends, l.ends) {
		return fmt.Errorf("%s has %v records by partition, want %v", target, ends, l.ends)
	}
	return nil
}

// checkContent compares every record of the copy with what was loaded.
func (b *bench) checkContent(ctx context.Context, target string, l *loaded) error {
	if err := b.checkCounts(ctx, target, l); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.west.direct()...), kgo.ConsumePartitions(fromStart(target, len(l.ends))))
	if err != nil {
		return err
	}
	defer client.Close()
	sums := make([]chain, len(l.ends))
	for seen := int64(0); seen < l.records; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("reading %s: %w", target, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			sums[r.Partition].add(r)
			seen++
		})
	}
	for p := range sums {
		if !sums[p].equal(&l.sums[p]) {
			return fmt.Errorf("partition %d of %s differs from its source", p, target)
		}
	}
	return nil
}

// fromStart are all partitions of a topic.
func fromStart(topic string, partitions int) map[string]map[int32]kgo.Offset {
	starts := map[int32]kgo.Offset{}
	for p := range int32(partitions) {
		starts[p] = kgo.NewOffset().AtStart()
	}
	return map[string]map[int32]kgo.Offset{topic: starts}
}
