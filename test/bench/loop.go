// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type loopFlags struct {
	from, to   string
	topics     string
	prefix     string
	codec      string
	records    int64
	partitions int
	linger     time.Duration
}

// runLoop is the peer: consume, produce the same record to the same partition,
// with the client's best settings for it, until so many records are through.
func runLoop(ctx context.Context, args []string) error {
	var f loopFlags
	flags := flag.NewFlagSet("loop", flag.ContinueOnError)
	flags.StringVar(&f.from, "from", "", "source brokers")
	flags.StringVar(&f.to, "to", "", "target brokers")
	flags.StringVar(&f.topics, "topics", "", "source topics")
	flags.StringVar(&f.prefix, "prefix", "", "what target topics have before their names")
	flags.StringVar(&f.codec, "codec", "none", "target codec")
	flags.Int64Var(&f.records, "records", 0, "records to copy; 0 is without an end")
	flags.IntVar(&f.partitions, "partitions", 12, "partitions of each topic")
	flags.DurationVar(&f.linger, "linger", 5*time.Millisecond, "how long the producer waits for more records")
	if err := flags.Parse(args); err != nil {
		return err
	}
	consumer, err := f.consumer()
	if err != nil {
		return err
	}
	defer consumer.Close()
	producer, err := f.producer()
	if err != nil {
		return err
	}
	defer producer.Close()
	return f.copy(ctx, consumer, producer)
}

func (f *loopFlags) consumer() (*kgo.Client, error) {
	starts := map[string]map[int32]kgo.Offset{}
	for _, topic := range split(f.topics) {
		starts[topic] = fromStart(topic, f.partitions)[topic]
	}
	return kgo.NewClient(
		kgo.SeedBrokers(split(f.from)...),
		kgo.ConsumePartitions(starts),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(8<<20), kgo.FetchMaxPartitionBytes(1<<20),
		kgo.FetchMaxWait(250*time.Millisecond),
	)
}

func (f *loopFlags) producer() (*kgo.Client, error) {
	return kgo.NewClient(
		kgo.SeedBrokers(split(f.to)...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(compression(f.codec)),
		kgo.ProducerBatchMaxBytes(1000<<10),
		kgo.ProducerLinger(f.linger),
		kgo.MaxBufferedRecords(200_000),
		kgo.MaxBufferedBytes(128<<20),
	)
}

func (f *loopFlags) copy(ctx context.Context, consumer, producer *kgo.Client) error {
	var failed atomic.Pointer[error]
	done := func(_ *kgo.Record, err error) {
		if err != nil {
			failed.Store(&err)
		}
	}
	for seen := int64(0); f.records == 0 || seen < f.records; {
		fetches := consumer.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		}
		fetches.EachTopic(func(t kgo.FetchTopic) {
			target := f.prefix + t.Topic
			t.EachRecord(func(r *kgo.Record) {
				r.Topic = target
				producer.Produce(ctx, r, done)
				seen++
			})
		})
	}
	if err := producer.Flush(ctx); err != nil {
		return err
	}
	if err := failed.Load(); err != nil {
		return fmt.Errorf("producing: %w", *err)
	}
	return nil
}

func compression(name string) kgo.CompressionCodec {
	return map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}[name]
}

func join(list []string) string { return strings.Join(list, ",") }
