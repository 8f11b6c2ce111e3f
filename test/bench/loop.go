// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// runLoop is the peer: consume, produce the same record to the same partition,
// with the client's best settings for it, until so many records are through.
func runLoop(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("loop", flag.ExitOnError)
	from := flags.String("from", "", "source broker")
	to := flags.String("to", "", "target broker")
	source := flags.String("source", "", "source topic")
	target := flags.String("target", "", "target topic")
	codec := flags.String("codec", "none", "target codec")
	records := flags.Int64("records", 0, "records to copy")
	partitions := flags.Int("partitions", 12, "partitions of the topic")
	if err := flags.Parse(args); err != nil {
		return err
	}
	starts := map[int32]kgo.Offset{}
	for p := range int32(*partitions) {
		starts[p] = kgo.NewOffset().AtStart()
	}
	consumer, err := kgo.NewClient(
		kgo.SeedBrokers(*from),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{*source: starts}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(8<<20), kgo.FetchMaxPartitionBytes(1<<20),
		kgo.FetchMaxWait(250*time.Millisecond),
	)
	if err != nil {
		return err
	}
	defer consumer.Close()
	producer, err := kgo.NewClient(
		kgo.SeedBrokers(*to),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(compression(*codec)),
		kgo.ProducerBatchMaxBytes(1000<<10),
		kgo.ProducerLinger(5*time.Millisecond),
		kgo.MaxBufferedRecords(200_000),
		kgo.MaxBufferedBytes(128<<20),
	)
	if err != nil {
		return err
	}
	defer producer.Close()
	var failed atomic.Pointer[error]
	done := func(_ *kgo.Record, err error) {
		if err != nil {
			failed.Store(&err)
		}
	}
	for seen := int64(0); seen < *records; {
		fetches := consumer.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			r.Topic = *target
			producer.Produce(ctx, r, done)
			seen++
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
