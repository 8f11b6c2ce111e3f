// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
	"github.com/klamm-io/klamm/test/link"
)

const cutPartitions = 6

// smallBatches fills a topic with batches so small that on a link of some length
// hundreds of a partition are in flight.
func smallBatches(t testing.TB, c *kafka.Cluster, topic string, records int) {
	t.Helper()
	client := c.Client(t, kgo.ProducerBatchMaxBytes(2<<10), kgo.ProducerLinger(0), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(records))
	var batch []*kgo.Record
	for i := range records {
		batch = append(batch, &kgo.Record{
			Topic: topic, Partition: int32(i/200) % cutPartitions,
			Key: fmt.Append(nil, "key ", i), Value: fmt.Appendf(nil, "%0120d", i),
		})
	}
	if err := client.ProduceSync(t.Context(), batch...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// TestCuts breaks the link to the target, and that to the source, in the middle of
// what is in flight: by resets, by orderly ends, by silence. Nothing is lost, the
// order is kept, and nothing comes twice, because the broker or the target's log
// tells what has arrived.
func TestCuts(t *testing.T) {
	t.Parallel()
	far := link.Options{Delay: 10 * time.Millisecond}
	for _, broken := range []string{"target", "source"} {
		t.Run(broken, func(t *testing.T) {
			t.Parallel()
			east, west := kafka.Clusters(t)
			topic := kafka.UniqueName("cuts")
			from, to := east.Bootstrap()[0], west.Bootstrap()[0]
			proxied := kafka.Start(t, kafka.Config{Link: &far})
			if broken == "target" {
				west, to = proxied, proxied.Addresses(kafka.Proxied)[0]
			} else {
				east, from = proxied, proxied.Addresses(kafka.Proxied)[0]
			}
			east.CreateTopic(t, topic, cutPartitions, nil)
			smallBatches(t, east, topic, 120_000)
			p := start(t, write(t, `
cluster "east" { brokers = [%q] }
cluster "west" { brokers = [%q] }
mirror %q {
  from   = cluster.east
  to     = cluster.west
  topics = [%[3]q]
}
`, from, to, topic))
			l := proxied.Links()[0]
			breakLink(t, p, l, broken == "target")
			caughtUp(t, p)
			if s, _ := p.status(); s.LaneRestarts != 0 {
				t.Errorf("lanes started %d times again: %s", s.LaneRestarts, s.LastError)
			}
			if code := p.stop(); code != 0 {
				t.Errorf("exit code %d after SIGTERM", code)
			}
			equal(t, east, topic, west, topic, compare.Options{})
		})
	}
}

// breakLink breaks a link again and again while something moves over it.
func breakLink(t testing.TB, p *process, l *link.Link, towardsBroker bool) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, uint64(time.Now().UnixNano())))
	moved := func(n int64) {
		count := l.FromBroker
		if towardsBroker {
			count = l.ToBroker
		}
		begin := count()
		eventually(t, 30*time.Second, func() (bool, string) {
			s, _ := p.status()
			return count()-begin > n || s.LagRecords == 0 && s.Records > 0, fmt.Sprintf("%d bytes moved, %s", count()-begin, s.LastError)
		})
	}
	moved(100 << 10)
	for i := range 9 {
		switch i % 3 {
		case 0:
			select {
			case <-l.CutAfter(random.Int64N(400 << 10)):
			case <-time.After(5 * time.Second): // nothing moves towards the broker any more
			}
		case 1:
			l.Finish()
		case 2:
			l.Cut()
		}
		moved(200 << 10)
	}
	l.Stall()
	last := int64(-1)
	eventually(t, 30*time.Second, func() (bool, string) {
		before := last
		last = l.ToBroker() + l.FromBroker()
		return last == before, "something still moves"
	})
	l.Resume()
}
