// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
)

// TestMemoryIsABudget lets a target freeze amid a backlog that is many times the
// pipeline's memory: the process stays within it, all told, and nothing is lost.
func TestMemoryIsABudget(t *testing.T) {
	const size = 128 << 20 // of records in each topic
	east, _ := kafka.Clusters(t)
	west := kafka.Start(t, kafka.Config{})
	prefix := kafka.UniqueName("memory")
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	for name, codec := range codecs {
		backlog(t, east, prefix+"."+name, 6, size, codec)
	}
	for _, budget := range []int64{128 << 20, 256 << 20} {
		t.Run(fmt.Sprintf("%d MiB", budget>>20), func(t *testing.T) {
			to := fmt.Sprintf("to%d.", budget>>20)
			p := start(t, write(t, `
cluster "east" { brokers = [%q] }
cluster "west" { brokers = [%q] }
mirror "memory%d" {
  from   = cluster.east
  to     = cluster.west
  topics = ["%s.*"]
  memory = "%dMiB"
  rename { prefix = %q }
}
`, east.Bootstrap()[0], west.Bootstrap()[0], budget>>20, prefix, budget>>20, to))
			eventually(t, 30*time.Second, func() (bool, string) {
				s, _ := p.status()
				return s.Records > 0, "nothing is delivered: " + s.LastError
			})
			west.Freeze(t, 1)
			troubled(t, p, "cluster west")
			t.Logf("frozen: peak %d MiB", p.peakRSS()>>20)
			west.Thaw(t, 1)
			caughtUp(t, p)
			peak := p.peakRSS()
			t.Logf("peak %d MiB of %d", peak>>20, budget>>20)
			if peak > budget {
				t.Errorf("took %d MiB of memory; its budget is %d", peak>>20, budget>>20)
			}
			if code := p.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			for name := range codecs {
				topic := prefix + "." + name
				equal(t, east, topic, west, to+topic, compare.Options{AllowReplays: true})
			}
		})
	}
}

// backlog fills a topic with records of 1 KiB that compress to about a third.
func backlog(t testing.TB, c *kafka.Cluster, topic string, partitions int32, size int, codec kgo.CompressionCodec) {
	t.Helper()
	c.CreateTopic(t, topic, partitions, map[string]string{"retention.ms": "-1"})
	client := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(5*time.Millisecond))
	random := rand.New(rand.NewPCG(5, 6))
	for n := range size >> 10 {
		value := bytes.Repeat([]byte(fmt.Sprintf(`{"n":%8d,`, n)), 64)
		for i := range 350 {
			value[i] = byte(random.Uint32())
		}
		client.Produce(context.Background(), &kgo.Record{Topic: topic, Partition: int32(n/256) % partitions, Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// peakRSS is the most memory that the process has had at a time, in bytes.
func (p *process) peakRSS() int64 {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	_, line, _ := bytes.Cut(status, []byte("VmHWM:"))
	var kib int64
	if _, err := fmt.Sscan(string(line), &kib); err != nil {
		p.t.Fatal(err)
	}
	return kib << 10
}
