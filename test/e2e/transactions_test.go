// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
	"github.com/klamm-io/klamm/test/records"
)

// TestHolesAreNoLoss mirrors logs full of offsets that hold nothing for a
// reader: aborted records, transaction markers, what was compacted away. No
// partition stops.
func TestHolesAreNoLoss(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	prefix := kafka.UniqueName("holes")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	topics, err := records.Produce(ctx, east.Bootstrap(), records.Workload{Seed: 11, Count: 20_000, Prefix: prefix, Compact: true})
	if err != nil {
		t.Fatal(err)
	}
	file := mirrorFile(t, east, west, prefix)
	for range 2 {
		p := start(t, file)
		caughtUp(t, p)
		ready(t, p)
		p.stop()
		for _, topic := range topics {
			equal(t, east, topic.Name, west, "east."+topic.Name, compare.Options{})
		}
	}
}

// TestOpenTransaction leaves a transaction open at the source. A bounded run
// ends before it; an unbounded one waits, and goes on when it is aborted.
func TestOpenTransaction(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	j := newJournal(t, east, kafka.UniqueName("open"), 2, nil)
	j.produce(10, 0, 1)
	open := openTransaction(t, east, j.topic, 0, 5)
	j.produce(10, 0, 1) // behind it; readers of partition 0 do not see them yet

	bounded := start(t, boundedFile(t, east, west, j.topic, "until.", `until = "latest"`))
	if code := bounded.wait(time.Minute); code != 0 {
		t.Fatalf("the bounded run: exit code %d", code)
	}
	behind := j.partitions[0][10:]
	j.forget(0, 10)
	j.copied(west, "until."+j.topic)

	p := start(t, mirrorFile(t, east, west, j.topic))
	j.delivered(p, 0, 1)
	j.produce(10, 1)
	j.delivered(p, 1)
	ready(t, p)
	j.copied(west, "east."+j.topic)

	if err := open.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	at(t, p, j.topic, 0, 10+5+10+1) // with the marker
	p.stop()
	j.partitions[0] = append(j.partitions[0], behind...)
	j.copied(west, "east."+j.topic)
}

// openTransaction writes records in a transaction and does not end it.
func openTransaction(t *testing.T, c *kafka.Cluster, topic string, partition int32, count int) *kgo.Client {
	t.Helper()
	client := c.Client(t, manual(), kgo.TransactionalID(topic), kgo.TransactionTimeout(5*time.Minute))
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for range count {
		r := &kgo.Record{Topic: topic, Partition: partition, Value: []byte("open")}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	return client
}
