// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// load writes a topic of JSON records of about 1 KiB, a fifth of them with two
// headers, and returns how many there are and how many bytes they have.
func load(ctx context.Context, broker, topic, codec string, o options) (records, bytes int64, err error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(broker), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(compression(codec)), kgo.ProducerBatchMaxBytes(int32(o.batch)),
		kgo.ProducerLinger(0), kgo.MaxBufferedRecords(20_000),
	)
	if err != nil {
		return 0, 0, err
	}
	defer client.Close()
	if err := createTopic(ctx, client, topic, o.partitions); err != nil {
		return 0, 0, err
	}
	random := rand.New(rand.NewPCG(1, 2))
	failed := make(chan error, 1)
	for bytes < o.size {
		r := record(random, records)
		// Runs of one partition fill its batches.
		r.Topic, r.Partition = topic, int32(records/512)%int32(o.partitions)
		records++
		bytes += int64(len(r.Key) + len(r.Value))
		for _, h := range r.Headers {
			bytes += int64(len(h.Key) + len(h.Value))
		}
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
	select {
	case err := <-failed:
		return 0, 0, fmt.Errorf("loading %s: %w", topic, err)
	default:
		return records, bytes, nil
	}
}

func record(random *rand.Rand, n int64) *kgo.Record {
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
	r := &kgo.Record{Key: []byte(fmt.Sprintf("customer-%08d", random.IntN(1<<20))), Value: []byte(value)}
	if n%5 == 0 {
		r.Headers = []kgo.RecordHeader{{Key: "trace", Value: id[:16]}, {Key: "source", Value: []byte("web")}}
	}
	return r
}

func createTopic(ctx context.Context, client *kgo.Client, topic string, partitions int) error {
	retention := "-1"
	_, err := kadm.NewClient(client).CreateTopic(ctx, int32(partitions), 1, map[string]*string{"retention.ms": &retention}, topic)
	return err
}
