// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
	"github.com/klamm-io/klamm/test/link"
)

const oddPartitions = 6

// TestTargetBrokersDie moves the leaders of a replicated target, and kills the one
// that leads everything, while hundreds of batches are in flight to it. Klamm goes on
// with the leaders that there are. Nothing is lost, nothing comes twice, the order is
// kept and the mapping is exact, because the log of the new leader tells what has
// arrived.
func TestTargetBrokersDie(t *testing.T) {
	t.Parallel()
	east, _ := kafka.Clusters(t)
	west := kafka.Start(t, kafka.Config{
		Brokers: 3, Link: &link.Options{Delay: 10 * time.Millisecond},
		Properties: map[string]string{"default.replication.factor": "3", "min.insync.replicas": "2"},
	})
	topic := kafka.UniqueName("target-dies")
	target := "east." + topic
	east.CreateTopic(t, topic, oddPartitions, nil)
	oddBatches(t, east, topic, 400)
	p := start(t, mirrorOf(t, east.Bootstrap()[0], west.Addresses(kafka.Proxied)[0], topic))
	all := ends(t, east, topic)
	arrived(t, west, target, all/6, all)
	for _, coordinated := range []string{"__consumer_offsets", "__transaction_state"} {
		west.Lead(t, coordinated, 1) // lanes whose coordinator dies may be lost, and something come twice
	}
	west.Lead(t, target, 3)
	arrived(t, west, target, all/3, all)
	west.Lead(t, target, 2)
	arrived(t, west, target, all/2, all)
	west.Kill(t, 2)
	troubled(t, p, "cluster west")
	arrived(t, west, target, all*2/3, all)
	west.Restart(t, 2)
	for partition := range int32(oddPartitions) {
		west.AwaitISR(t, target, partition, 1, 2, 3)
	}
	west.Lead(t, target, 2)
	oddBatches(t, east, topic, 10)
	isWhole(t, p, east, west, topic)
}

// arrived waits until a topic holds so many records of all, so that what happens next
// happens amid the rest. How much that is depends on the machine.
func arrived(t testing.TB, c *kafka.Cluster, topic string, count, all int64) {
	t.Helper()
	var n int64
	eventually(t, time.Minute, func() (bool, string) {
		n = ends(t, c, topic)
		return n >= count, fmt.Sprintf("%s holds %d records, not yet %d", topic, n, count)
	})
	t.Logf("%s holds %d records of %d", topic, n, all)
}

// ends is how many offsets the partitions of a topic have; none if there is no such topic.
func ends(t testing.TB, c *kafka.Cluster, topic string) (sum int64) {
	t.Helper()
	offsets, err := c.Admin(t).ListEndOffsets(t.Context(), topic)
	if err != nil {
		return 0
	}
	offsets.Each(func(o kadm.ListedOffset) { sum += max(o.Offset, 0) })
	return sum
}

// isWhole ends a mirror that has copied one topic: it did all of its work, and none of
// it twice.
func isWhole(t *testing.T, p *process, east, west *kafka.Cluster, topic string) {
	t.Helper()
	source := delivered(t, p, east, topic)
	if s, _ := p.status(); s.LaneRestarts != 0 {
		t.Errorf("lanes started %d times again: %s", s.LaneRestarts, s.LastError)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	target := read(t, west, "east."+topic)
	if d := compare.Diff(source, target, compare.Options{}); len(d) > 0 {
		t.Errorf("the copy of %s is not what it is:\n%s", topic, compare.Report(d))
	}
	lanes := ledgers(t, west, topic)
	for n, part := range source.Partitions {
		tp := sdk.TopicPartition{Topic: topic, Partition: int32(n)}
		translated(t, lanes[ledger.LaneOf(tp, len(lanes)-1)], tp, part.Records, target.Partitions[n].Records)
	}
}

// delivered waits until all that a topic holds is delivered, and returns that.
func delivered(t testing.TB, p *process, c *kafka.Cluster, topic string) compare.Content {
	t.Helper()
	source := read(t, c, topic)
	for n, part := range source.Partitions {
		at(t, p, topic, int32(n), int64(len(part.Records)))
	}
	return source
}

// oddBatches fills a topic with batches of odd sizes, from three producers with
// codecs of their own, which each write so many records to each partition.
func oddBatches(t testing.TB, c *kafka.Cluster, topic string, count int) {
	t.Helper()
	sizes := map[int]kgo.CompressionCodec{700: kgo.NoCompression(), 3000: kgo.Lz4Compression(), 20_000: kgo.ZstdCompression()}
	var running sync.WaitGroup
	for size, codec := range sizes {
		client := c.Client(t, manual(), kgo.ProducerLinger(0), kgo.ProducerBatchMaxBytes(int32(size)), kgo.ProducerBatchCompression(codec))
		running.Go(func() {
			random, bytes := rand.New(rand.NewPCG(7, uint64(size))), noise(size)
			for n := range count * oddPartitions {
				r := &kgo.Record{
					Topic: topic, Partition: int32(n) % oddPartitions,
					Key: fmt.Appendf(nil, "%d of %d", n, size), Value: bytes[:random.IntN(size/2)],
				}
				client.Produce(t.Context(), r, func(_ *kgo.Record, err error) {
					if err != nil {
						t.Error(err)
					}
				})
			}
			if err := client.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
}
