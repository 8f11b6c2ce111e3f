// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// loaded is a topic at the source and what is in it.
type loaded struct {
	topic   string
	codec   string
	records int64
	bytes   int64   // of keys, values and headers
	wire    int64   // of batches as stored
	batches int64   //
	ends    []int64 // by partition
	sums    []chain // by partition
}

// load writes a topic of JSON records of about 1 KiB, a fifth of them with two
// headers, in full batches.
func (b *bench) load(ctx context.Context, topic, codec string, batch, partitions int, size int64) (*loaded, error) {
	l := &loaded{topic: topic, codec: codec, ends: make([]int64, partitions), sums: make([]chain, partitions)}
	written := &written{}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(b.east.direct()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(compression(codec)), kgo.ProducerBatchMaxBytes(int32(batch)),
		// What is flushed at once fills its batches but the last.
		kgo.ManualFlushing(), kgo.MaxBufferedRecords(1<<20), kgo.WithHooks(written),
	)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if err := b.east.createTopic(ctx, topic, partitions); err != nil {
		return nil, err
	}
	var failed atomic.Pointer[error]
	done := func(_ *kgo.Record, err error) {
		if err != nil {
			failed.Store(&err)
		}
	}
	variety := newVariety()
	began := time.Now().UnixMilli()
	for l.bytes < size {
		for range 1 << 16 {
			r := variety.record(l.records)
			r.Topic, r.Partition = topic, int32(l.records)%int32(partitions)
			r.Timestamp = time.UnixMilli(began + l.records/100)
			l.note(r)
			client.Produce(ctx, r, done)
		}
		if err := client.Flush(ctx); err != nil {
			return nil, err
		}
		if err := failed.Load(); err != nil {
			return nil, fmt.Errorf("loading %s: %w", topic, *err)
		}
	}
	l.wire, l.batches = written.wire.Load(), written.batches.Load()
	return l, nil
}

func (l *loaded) note(r *kgo.Record) {
	l.records++
	l.bytes += int64(len(r.Key) + len(r.Value))
	for _, h := range r.Headers {
		l.bytes += int64(len(h.Key) + len(h.Value))
	}
	l.ends[r.Partition]++
	l.sums[r.Partition].add(r)
}

// written counts batches as they are sent.
type written struct{ wire, batches atomic.Int64 }

// batchHeader is what a batch has before its records.
const batchHeader = 61

// OnProduceBatchWritten implements [kgo.HookProduceBatchWritten].
func (w *written) OnProduceBatchWritten(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.ProduceBatchMetrics) {
	w.wire.Add(int64(m.CompressedBytes) + batchHeader)
	w.batches.Add(1)
}

// variety are records to take turns with; they do not come again within what
// any codec sees at once.
type variety []kgo.Record

// newVariety makes the same records each time, once.
var newVariety = sync.OnceValue(func() variety {
	random := rand.New(rand.NewPCG(1, 2))
	v := make(variety, 1<<15)
	for i := range v {
		v[i] = makeRecord(random, i)
	}
	return v
})

func (v variety) record(n int64) *kgo.Record {
	r := v[n%int64(len(v))]
	return &r
}

func makeRecord(random *rand.Rand, n int) kgo.Record {
	id := make([]byte, 96)
	for i := range id {
		id[i] = byte(random.Uint32())
	}
	value := fmt.Sprintf(`{"id":%d,"customer":"%s","amount":%d.%02d,"currency":"EUR","status":"%s","items":[`,
		n, hex.EncodeToString(id[:16]), random.IntN(10000), random.IntN(100), []string{"created", "paid", "shipped", "returned"}[random.IntN(4)])
	for i := range 8 {
		value += fmt.Sprintf(`{"sku":"%s","quantity":%d,"price":%d,"warehouse":"east-%d"},`, hex.EncodeToString(id[16+i*8:24+i*8]), random.IntN(10), random.IntN(100000), random.IntN(8))
	}
	value += `{}],"note":"` + hex.EncodeToString(id[:48]) + `"}`
	r := kgo.Record{Key: fmt.Appendf(nil, "customer-%08d", random.IntN(1<<20)), Value: []byte(value)}
	if n%5 == 0 {
		r.Headers = []kgo.RecordHeader{{Key: "trace", Value: id[:16]}, {Key: "source", Value: []byte("web")}}
	}
	return r
}
