// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
)

// mirrorFile is an unbounded mirror of the topics with a prefix.
func mirrorFile(t testing.TB, east, west *kafka.Cluster, name string) string {
	t.Helper()
	return write(t, `
cluster "east" { brokers = [%q] }
cluster "west" { brokers = [%q] }

mirror %q {
  from   = cluster.east
  to     = cluster.west
  topics = ["%[3]s*"]
  rename { prefix = "east." }
}
`, east.Bootstrap()[0], west.Bootstrap()[0], name)
}

// caughtUp waits until a process has delivered all that the source holds.
func caughtUp(t testing.TB, processes ...*process) {
	t.Helper()
	var at time.Time
	eventually(t, time.Minute, func() (bool, string) {
		lag, owned, total := int64(0), 0, 0
		for _, p := range processes {
			s, ok := p.status()
			if !ok {
				return false, "no answer"
			}
			for _, part := range s.Partitions {
				if part.LagRecords != 0 {
					at = time.Time{}
					return false, fmt.Sprintf("%s-%d is %d behind at %d", part.Topic, part.Partition, part.LagRecords, part.Offset)
				}
			}
			lag += s.LagRecords
			owned, total = owned+s.LanesOwned, s.LanesTotal
		}
		if lag != 0 || total == 0 || owned < total {
			return false, fmt.Sprintf("lag %d, %d of %d lanes owned", lag, owned, total)
		}
		// The end that lag is measured against is asked for every few seconds:
		// what counts is one asked for after the load has ended.
		if at.IsZero() {
			at = time.Now()
		}
		return time.Since(at) > 6*time.Second, "waiting for the end to be asked for again"
	})
}

// TestKilled kills the process ten times under load: nothing is lost, the order
// is kept, and what comes twice is a replay of a suffix.
func TestKilled(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	topic := kafka.UniqueName("killed")
	east.CreateTopic(t, topic, 4, nil)
	file := mirrorFile(t, east, west, topic)
	traffic := startLoad(t, east, topic, 4, 4000)
	random := rand.New(rand.NewPCG(5, uint64(time.Now().UnixNano())))
	for range 10 {
		p := start(t, file)
		eventually(t, 30*time.Second, func() (bool, string) {
			s, ok := p.status()
			return ok && s.Records > 0, fmt.Sprintf("%s, %d records, %s", s.State, s.Records, s.LastError)
		})
		killAt := time.After(time.Duration(random.IntN(2000)) * time.Millisecond)
		<-killAt
		p.kill()
	}
	p := start(t, file)
	traffic.stop()
	caughtUp(t, p)
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	equal(t, east, topic, west, "east."+topic, compare.Options{AllowReplays: true})
	neverBack(t, west, topic)
}

// TestStopped stops the process with SIGTERM under load, again and again:
// nothing is lost and nothing comes twice.
func TestStopped(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	topic := kafka.UniqueName("stopped")
	east.CreateTopic(t, topic, 4, nil)
	file := mirrorFile(t, east, west, topic)
	traffic := startLoad(t, east, topic, 4, 4000)
	for range 4 {
		p := start(t, file)
		eventually(t, 30*time.Second, func() (bool, string) {
			s, ok := p.status()
			return ok && s.Records > 2000, fmt.Sprintf("%s, %d records, %s", s.State, s.Records, s.LastError)
		})
		if code := p.stop(); code != 0 {
			t.Fatalf("exit code %d after SIGTERM", code)
		}
	}
	traffic.stop()
	p := start(t, file)
	caughtUp(t, p)
	p.stop()
	equal(t, east, topic, west, "east."+topic, compare.Options{})
}

// TestStoppedUnderBacklog stops the process with far more to read than a stop may
// take: it does not work off what is there first, and nothing comes twice.
func TestStoppedUnderBacklog(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	topic := kafka.UniqueName("backlog")
	east.CreateTopic(t, topic, 4, nil)
	client := east.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	value := make([]byte, 1000)
	for n := range 300_000 {
		client.Produce(t.Context(), &kgo.Record{Topic: topic, Partition: int32(n % 4), Value: binary.BigEndian.AppendUint64(value[:992:992], uint64(n))}, nil)
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	file := mirrorFile(t, east, west, topic)
	first := start(t, file)
	eventually(t, 30*time.Second, func() (bool, string) {
		s, ok := first.status()
		return ok && s.Records > 0, fmt.Sprintf("%s, %d records, %s", s.State, s.Records, s.LastError)
	})
	if code := first.stop(); code != 0 || strings.Contains(first.output.String(), "work in hand") {
		t.Errorf("exit code %d, or work was given up", code)
	}
	second := start(t, file)
	caughtUp(t, second)
	second.stop()
	equal(t, east, topic, west, "east."+topic, compare.Options{})
}

// TestShared runs two processes of one file. They share the lanes; when one is
// killed the other has them within 15 seconds, and nothing is lost.
func TestShared(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	topic := kafka.UniqueName("shared")
	east.CreateTopic(t, topic, 8, nil)
	file := mirrorFile(t, east, west, topic)
	traffic := startLoad(t, east, topic, 8, 2000)
	one, two := start(t, file), start(t, file)
	eventually(t, 30*time.Second, func() (bool, string) {
		a, ok1 := one.status()
		b, ok2 := two.status()
		return ok1 && ok2 && a.LanesOwned == 4 && b.LanesOwned == 4 && a.Records > 0 && b.Records > 0,
			fmt.Sprintf("%d and %d lanes, %d and %d records", a.LanesOwned, b.LanesOwned, a.Records, b.Records)
	})
	one.kill()
	eventually(t, 15*time.Second, func() (bool, string) {
		s, _ := two.status()
		running := 0
		for _, l := range s.Lanes {
			if l.State == runner.Running {
				running++
			}
		}
		return s.LanesOwned == 8 && running == 9, fmt.Sprintf("%d lanes, %d running", s.LanesOwned, running)
	})
	traffic.stop()
	caughtUp(t, two)
	two.stop()
	equal(t, east, topic, west, "east."+topic, compare.Options{AllowReplays: true})
}
