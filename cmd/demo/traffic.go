// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/sdk"
)

// stream is one topic at the source and how it is written.
type stream struct {
	topic         string
	partitions    int32
	codec         kgo.CompressionCodec
	batch         int // records written at a time
	transactional bool
	excluded      bool // by the file
}

func streams() []stream {
	return []stream{
		{topic: "orders.eu", partitions: 3, codec: kgo.ZstdCompression(), batch: 60},
		{topic: "orders.us", partitions: 2, codec: kgo.GzipCompression(), batch: 30},
		{topic: "orders.internal", partitions: 1, codec: kgo.NoCompression(), batch: 5, excluded: true},
		{topic: "payments", partitions: 3, codec: kgo.SnappyCompression(), batch: 40, transactional: true},
		{topic: "customers", partitions: 2, codec: kgo.Lz4Compression(), batch: 20},
	}
}

// traffic writes all streams.
type traffic struct{ writers []*writer }

func newTraffic(c *sdk.Cluster) (*traffic, error) {
	t := &traffic{}
	for i, s := range streams() {
		opts := []kgo.Opt{
			kgo.SeedBrokers(c.Brokers...),
			kgo.RecordPartitioner(kgo.ManualPartitioner()),
			kgo.ProducerBatchCompression(s.codec),
		}
		if s.transactional {
			opts = append(opts, kgo.TransactionalID("demo-"+s.topic))
		}
		client, err := kgo.NewClient(opts...)
		if err != nil {
			t.close()
			return nil, err
		}
		t.writers = append(t.writers, &writer{
			stream: s, client: client, records: generator{rand.New(rand.NewPCG(uint64(i), 1))},
		})
	}
	return t, nil
}

// write writes until ctx ends; what was begun is finished.
func (t *traffic) write(ctx context.Context) error {
	errs := make(chan error, len(t.writers))
	var all sync.WaitGroup
	for _, w := range t.writers {
		all.Go(func() { errs <- w.run(ctx) })
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// aborted counts the records of aborted transactions.
func (t *traffic) aborted() int64 {
	var n int64
	for _, w := range t.writers {
		n += w.aborted.Load()
	}
	return n
}

func (t *traffic) close() {
	for _, w := range t.writers {
		w.client.Close()
	}
}

// writer writes one stream.
type writer struct {
	stream
	client  *kgo.Client
	records generator
	// Records; those of a transaction count when it is about to end.
	committed, aborted atomic.Int64
}

const (
	pause       = 50 * time.Millisecond
	abortsEvery = 4 // transactions
)

func (w *writer) run(ctx context.Context) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	whole := context.WithoutCancel(ctx)
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		var err error
		if w.transactional {
			err = w.transaction(whole, n%abortsEvery != 0)
		} else {
			err = w.produce(whole, &w.committed)
		}
		if err != nil {
			return fmt.Errorf("writing to %s: %w", w.topic, err)
		}
	}
}

func (w *writer) transaction(ctx context.Context, commit bool) error {
	if err := w.client.BeginTransaction(); err != nil {
		return err
	}
	counter := &w.committed
	if !commit {
		counter = &w.aborted
	}
	if err := w.produce(ctx, counter); err != nil {
		return err
	}
	return w.client.EndTransaction(ctx, kgo.TransactionEndTry(commit))
}

func (w *writer) produce(ctx context.Context, counter *atomic.Int64) error {
	records := make([]*kgo.Record, w.batch)
	for i := range records {
		records[i] = w.records.next(w.topic, w.partitions)
	}
	if err := w.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return err
	}
	counter.Add(int64(len(records)))
	return nil
}
