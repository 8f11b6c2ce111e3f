// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/test/kafka"
)

// load keeps producing numbered records to the partitions of a topic until it is
// stopped.
type load struct {
	t      testing.TB
	client *kgo.Client
	cancel context.CancelFunc
	done   sync.WaitGroup
	mu     sync.Mutex
	sent   int
}

func startLoad(t testing.TB, c *kafka.Cluster, topic string, partitions int32, perSecond int) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{t: t, client: c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner())), cancel: cancel}
	l.done.Go(func() { l.run(ctx, topic, partitions, perSecond) })
	t.Cleanup(l.stop)
	return l
}

func (l *load) run(ctx context.Context, topic string, partitions int32, perSecond int) {
	const ticks = 20
	tick := time.NewTicker(time.Second / ticks)
	defer tick.Stop()
	random := rand.New(rand.NewPCG(3, 4))
	for n := uint64(0); ; {
		for range perSecond / ticks {
			value := binary.BigEndian.AppendUint64(nil, n)
			value = append(value, make([]byte, random.IntN(500))...)
			l.client.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(n) % partitions, Key: value[4:8], Value: value}, l.count)
			n++
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (l *load) count(_ *kgo.Record, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.sent++
	}
}

// stop ends the load and returns when all of it is written.
func (l *load) stop() {
	l.cancel()
	l.done.Wait()
	if err := l.client.Flush(context.Background()); err != nil {
		l.t.Errorf("flushing the load: %v", err)
	}
}
