// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// perSecond is how many records latency is measured with.
const perSecond = 1000

// latencyRow is one engine.
type latencyRow struct {
	Engine  string  `json:"engine"`
	P50     float64 `json:"p50_ms"`
	P99     float64 `json:"p99_ms"`
	Records int     `json:"records"`
}

// measureLatency is from just before a record is produced at the source until
// it is seen at the target, by the clock of this process.
func (b *bench) measureLatency(ctx context.Context) error {
	for _, engine := range b.chosen(noMirrorEngine, klammEngine, loopEngine, promptEngine, defaultEngine, tunedEngine) {
		row, err := b.latencyRow(ctx, engine)
		if err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
		say("latency: %-19s p50 %.1f ms, p99 %.1f ms", engine, row.P50, row.P99)
		b.results.Latency = append(b.results.Latency, row)
	}
	return nil
}

func (b *bench) latencyRow(ctx context.Context, engine string) (latencyRow, error) {
	row := latencyRow{Engine: engine}
	l := &loaded{topic: fmt.Sprintf("latency-%d", b.jobs), codec: linkCodec, ends: make([]int64, b.partitions)}
	if err := b.east.createTopic(ctx, l.topic, b.partitions); err != nil {
		return row, err
	}
	at, topic := b.east, l.topic
	if engine != noMirrorEngine {
		j := b.newJob(engine, l)
		at, topic = b.west, j.target(l.topic)
		cmd, err := b.command(ctx, engine, j)
		if err != nil {
			return row, err
		}
		p, err := launch(cmd)
		if err != nil {
			return row, err
		}
		defer p.end()
		if err := b.awaitTopic(ctx, p, topic); err != nil {
			return row, err
		}
	}
	delays, err := b.delays(ctx, l.topic, at, topic)
	if err != nil {
		return row, err
	}
	slices.Sort(delays)
	row.Records = len(delays)
	row.P50 = milliseconds(delays[len(delays)/2])
	row.P99 = milliseconds(delays[len(delays)*99/100])
	if err := b.east.clear(ctx); err != nil {
		return row, err
	}
	return row, b.west.clear(ctx)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// awaitTopic waits until an engine has made the copy.
func (b *bench) awaitTopic(ctx context.Context, p *process, topic string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(2 * time.Minute); ; {
		ends, err := b.west.ends(ctx, topic)
		if err != nil || len(ends) > 0 {
			return err
		}
		if err := p.ended(); err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s is not made within 2 minutes\n%s", topic, p.out)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// delays produces to one topic while it consumes the other, first for as long
// as it measures to get all warm.
func (b *bench) delays(ctx context.Context, source string, at *side, target string) ([]time.Duration, error) {
	// What is not there within that time after the last record is lost.
	ctx, cancel := context.WithTimeout(ctx, 2*b.latency+2*time.Minute)
	defer cancel()
	producer, err := kgo.NewClient(
		kgo.SeedBrokers(b.east.direct()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(compression(linkCodec)), kgo.DefaultProduceTopic(source),
	)
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	consumer, err := kgo.NewClient(kgo.SeedBrokers(at.direct()...), kgo.ConsumePartitions(fromStart(target, b.partitions)))
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	const unknown = int64(1) << 62
	began := time.Now()
	var total atomic.Int64
	total.Store(unknown)
	var failed error
	var producing sync.WaitGroup
	defer producing.Wait()
	producing.Go(func() {
		var n int64
		if n, failed = produceSteadily(ctx, producer, began, 2*b.latency, b.partitions); failed != nil {
			cancel()
		}
		total.Store(n)
	})
	var delays []time.Duration
	for seen := int64(0); seen < total.Load(); {
		waiting, stop := context.WithTimeout(ctx, 500*time.Millisecond)
		fetches := consumer.PollFetches(waiting)
		stop()
		now := time.Since(began)
		fetches.EachRecord(func(r *kgo.Record) {
			seen++
			sent := time.Duration(binary.BigEndian.Uint64(r.Value))
			if sent >= b.latency {
				delays = append(delays, now-sent)
			}
		})
		if ctx.Err() != nil {
			producing.Wait()
			return nil, fmt.Errorf("%d records arrived: %w", seen, errorOrContext(ctx, failed))
		}
	}
	if len(delays) == 0 {
		return nil, fmt.Errorf("no record arrived in time")
	}
	return delays, nil
}

func errorOrContext(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	return ctx.Err()
}

// produceSteadily sends one record every millisecond, each with the time since
// began at its front, and returns how many.
func produceSteadily(ctx context.Context, producer *kgo.Client, began time.Time, length time.Duration, partitions int) (int64, error) {
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	variety := newVariety()
	var failed atomic.Pointer[error]
	n := int64(0)
	for {
		since := time.Since(began)
		if since > length {
			break
		}
		// The ticker drops what it is late with.
		for due := int64(since.Seconds() * perSecond); n < due; n++ {
			r := variety.record(n)
			r.Value = append(binary.BigEndian.AppendUint64(nil, uint64(time.Since(began))), r.Value...)
			r.Partition = int32(n) % int32(partitions)
			producer.Produce(ctx, r, func(_ *kgo.Record, err error) {
				if err != nil {
					failed.Store(&err)
				}
			})
		}
		select {
		case <-ctx.Done():
			return n, ctx.Err()
		case <-tick.C:
		}
	}
	if err := producer.Flush(ctx); err != nil {
		return n, err
	}
	if err := failed.Load(); err != nil {
		return n, *err
	}
	return n, nil
}
