// SPDX-License-Identifier: Apache-2.0

package records

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// fillOdd has one producer for each codec write at the same time.
func (p *production) fillOdd(ctx context.Context, t *Topic) error {
	codecs := []struct {
		name  string
		codec kgo.CompressionCodec
	}{
		{"none", kgo.NoCompression()},
		{"gzip", kgo.GzipCompression()},
		{"snappy", kgo.SnappyCompression()},
		{"lz4", kgo.Lz4Compression()},
		{"zstd", kgo.ZstdCompression()},
	}
	group, ctx := errgroup.WithContext(ctx)
	for i, c := range codecs {
		s := p.newSource(t.Name, c.name, uint64(i))
		count := share(t.Written, len(codecs), i)
		large := min(share(p.Large, len(codecs), i), count)
		group.Go(func() error {
			next := func(n int) *kgo.Record {
				// The large ones are spread among the others.
				if large > 0 && n%(count/large) == 0 && n/(count/large) < large {
					return s.large()
				}
				return s.odd()
			}
			return p.fill(ctx, count, next, kgo.ProducerBatchCompression(c.codec))
		})
	}
	return group.Wait()
}

// fillAppendTime writes records that get their timestamps from the broker.
func (p *production) fillAppendTime(ctx context.Context, t *Topic) error {
	s := p.newSource(t.Name, "append time", 10)
	return p.fill(ctx, t.Written, func(int) *kgo.Record { return s.odd() })
}

// share is the i-th of n nearly equal parts.
func share(count, n, i int) int { return count*(i+1)/n - count*i/n }

// fill writes count records with a producer of its own.
func (p *production) fill(ctx context.Context, count int, next func(n int) *kgo.Record, opts ...kgo.Opt) error {
	client, err := p.client(opts...)
	if err != nil {
		return err
	}
	defer client.Close()
	return write(ctx, client, count, next)
}

// write writes count records and waits for all of them.
func write(ctx context.Context, client *kgo.Client, count int, next func(n int) *kgo.Record) error {
	var once sync.Once
	var failed error
	for n := range count {
		client.Produce(ctx, next(n), func(r *kgo.Record, err error) {
			if err != nil {
				once.Do(func() { failed = fmt.Errorf("producing record %d to partition %d: %w", n, r.Partition, err) })
			}
		})
	}
	if err := client.Flush(ctx); err != nil {
		return fmt.Errorf("flushing: %w", err)
	}
	return failed
}
