// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// idleTopicPartitions is how many partitions the topics of this measure have.
const idleTopicPartitions = 100

// idleRow is one engine with thousands of partitions.
type idleRow struct {
	Engine       string  `json:"engine"`
	Partitions   int     `json:"partitions"`
	CPUPerMinute float64 `json:"idle_cpu_seconds_per_minute"`
	RSSMiB       float64 `json:"idle_rss_mib"`
	// StalledRSSMiB is the peak while there is much to copy and the target
	// takes nothing.
	StalledRSSMiB float64 `json:"stalled_peak_rss_mib"`
	BacklogMiB    float64 `json:"backlog_mib"`
}

func (b *bench) measureIdle(ctx context.Context) error {
	for _, engine := range b.chosen(klammEngine, loopEngine) {
		row, err := b.idleRow(ctx, engine)
		if err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
		say("idle: %-19s %.1f CPU-s a minute, %.0f MiB, with a stalled target %.0f MiB", engine, row.CPUPerMinute, row.RSSMiB, row.StalledRSSMiB)
		b.results.Idle = append(b.results.Idle, row)
	}
	return nil
}

func (b *bench) idleRow(ctx context.Context, engine string) (idleRow, error) {
	row := idleRow{Engine: engine, Partitions: b.idlePartitions / idleTopicPartitions * idleTopicPartitions}
	l := &loaded{codec: linkCodec, ends: make([]int64, idleTopicPartitions)}
	j := b.newJob(engine, l)
	j.to, j.topics = b.west.delayed(), nil
	for n := range b.idlePartitions / idleTopicPartitions {
		topic := fmt.Sprintf("idle-%s-%d", j.name, n)
		if err := b.east.createTopic(ctx, topic, idleTopicPartitions); err != nil {
			return row, err
		}
		j.topics = append(j.topics, topic)
	}
	cmd, err := b.command(ctx, engine, j)
	if err != nil {
		return row, err
	}
	p, err := launch(cmd)
	if err != nil {
		return row, err
	}
	defer p.end()
	for _, topic := range j.topics {
		if err := b.awaitTopic(ctx, p, j.target(topic)); err != nil {
			return row, err
		}
	}
	if err := b.watchIdle(ctx, p, &row); err != nil {
		return row, err
	}
	if err := b.watchStalled(ctx, p, j, &row); err != nil {
		return row, err
	}
	if err := b.east.clear(ctx); err != nil {
		return row, err
	}
	return row, b.west.clear(ctx)
}

// watchIdle gives the process a third of the time to settle.
func (b *bench) watchIdle(ctx context.Context, p *process, row *idleRow) error {
	if err := p.rest(ctx, b.idle/3); err != nil {
		return err
	}
	before, began := p.cpu(), time.Now()
	if err := p.rest(ctx, b.idle); err != nil {
		return err
	}
	row.CPUPerMinute = (p.cpu() - before).Seconds() / time.Since(began).Minutes()
	row.RSSMiB = float64(p.status("VmRSS")) / 1024
	return nil
}

// watchStalled fills the source while the target takes nothing, and then lets
// go, so that it shows that the process still copies.
func (b *bench) watchStalled(ctx context.Context, p *process, j *job, row *idleRow) error {
	target := b.west.cluster.Links()[0]
	target.Stall()
	defer target.Resume()
	records, bytes, err := b.backlog(ctx, j.topics)
	if err != nil {
		return err
	}
	if err := p.rest(ctx, b.idle); err != nil {
		return err
	}
	row.BacklogMiB, row.StalledRSSMiB = mib(bytes), p.peakMiB()
	target.Resume()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(5 * time.Minute); ; {
		arrived, err := b.arrived(ctx, j)
		if err != nil || arrived >= records {
			return err
		}
		if err := p.ended(); err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d of %d records arrived after the target had stalled\n%s", arrived, records, p.out)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (b *bench) arrived(ctx context.Context, j *job) (int64, error) {
	var targets []string
	for _, topic := range j.topics {
		targets = append(targets, j.target(topic))
	}
	listed, err := b.west.admin.ListEndOffsets(ctx, targets...)
	if err != nil {
		return 0, err
	}
	var total int64
	for p := range offsets(listed) {
		total += p.Offset
	}
	return total, nil
}

// backlog fills the topics in turns, -mib in all.
func (b *bench) backlog(ctx context.Context, topics []string) (records, bytes int64, err error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(b.east.direct()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(1<<20),
		kgo.ProducerBatchCompression(compression(linkCodec)), kgo.ManualFlushing(),
	)
	if err != nil {
		return 0, 0, err
	}
	defer client.Close()
	variety := newVariety()
	partitions := int64(len(topics) * idleTopicPartitions)
	failed := make(chan error, 1)
	for bytes < b.mib<<20 {
		for range 1 << 17 {
			// Runs of one partition fill its batches.
			p := records / 16 % partitions
			r := variety.record(records)
			r.Topic, r.Partition = topics[p/idleTopicPartitions], int32(p%idleTopicPartitions)
			records++
			bytes += int64(len(r.Key) + len(r.Value))
			client.Produce(ctx, r, func(_ *kgo.Record, err error) {
				if err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			})
		}
		if err := client.Flush(ctx); err != nil {
			return 0, 0, err
		}
	}
	select {
	case err := <-failed:
		return 0, 0, fmt.Errorf("filling the source: %w", err)
	default:
		return records, bytes, nil
	}
}
