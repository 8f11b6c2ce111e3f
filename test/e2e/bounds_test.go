// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/sdk"
	"github.com/klamm-io/klamm/test/kafka"
)

// boundedFile mirrors the topics with a prefix under the names that another
// prefix gives them, with more attributes.
func boundedFile(t testing.TB, east, west *kafka.Cluster, topics, prefix, attributes string) string {
	t.Helper()
	return write(t, `
cluster "east" { brokers = [%q] }
cluster "west" { brokers = [%q] }

mirror %q {
  from   = cluster.east
  to     = cluster.west
  topics = ["%s*"]
  rename { prefix = %q }
  %s
}
`, east.Bootstrap()[0], west.Bootstrap()[0], prefix+topics, topics, prefix, attributes)
}

// TestBounds copies parts of a topic. Its records are a second apart.
func TestBounds(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	source := newJournal(t, east, kafka.UniqueName("bounds"), 3, nil)
	begin := time.Now().Add(-time.Hour).Truncate(time.Second)
	for n := range 20 {
		for partition, count := range []int{20, 10, 0} {
			if n < count {
				source.add(int32(partition), &kgo.Record{Value: fmt.Append(nil, n), Timestamp: begin.Add(time.Duration(n) * time.Second)})
			}
		}
	}
	second := func(n float64) string {
		return begin.Add(time.Duration(n * float64(time.Second))).Format(time.RFC3339Nano)
	}
	tests := []struct {
		name, since, until string
		want               [2]sdk.Offsets // of partitions 0 and 1
	}{
		{"all", "earliest", "latest", [2]sdk.Offsets{{From: 0, To: 20}, {From: 0, To: 10}}},
		{"nothing", "latest", "latest", [2]sdk.Offsets{}},
		{"offsets", "3", "12", [2]sdk.Offsets{{From: 3, To: 12}, {From: 3, To: 10}}},
		{"offsets-outside", "15", "500", [2]sdk.Offsets{{From: 15, To: 20}, {From: 0, To: 0}}},
		{"times", second(5), second(15), [2]sdk.Offsets{{From: 5, To: 15}, {From: 5, To: 10}}},
		{"times-between", second(4.5), second(12.5), [2]sdk.Offsets{{From: 5, To: 13}, {From: 5, To: 10}}},
		{"time-after-end", second(11), "latest", [2]sdk.Offsets{{From: 11, To: 20}, {}}},
		{"until-nothing", "earliest", second(-5), [2]sdk.Offsets{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			attributes := fmt.Sprintf("since = %q\n  until = %q", test.since, test.until)
			p := start(t, boundedFile(t, east, west, source.topic, test.name+".", attributes))
			if code := p.wait(time.Minute); code != 0 {
				t.Fatalf("exit code %d", code)
			}
			want := &journal{t: t, topic: source.topic, partitions: make([][]*kgo.Record, 3)}
			for n, w := range test.want {
				want.partitions[n] = source.partitions[n][w.From:w.To]
			}
			want.copied(west, test.name+"."+source.topic)
		})
	}
}

// TestSinceLatest resolves since = "latest" once, at the first start. What comes
// later is copied, also what is produced while klamm is killed; what comes into
// being later is copied from its first record.
func TestSinceLatest(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	prefix := kafka.UniqueName("latest")
	file := boundedFile(t, east, west, prefix, "east.", `since = "latest"`)
	old := newJournal(t, east, prefix+".old", 2, nil)
	old.produce(10, 0, 1)
	p := start(t, file)
	at(t, p, old.topic, 0, 10)
	at(t, p, old.topic, 1, 10)
	p.kill()

	old.produce(5, 0, 1)
	between := newJournal(t, east, prefix+".between", 2, nil)
	between.produce(5, 0, 1)
	p = start(t, file)
	old.delivered(p, 0, 1)
	between.delivered(p, 0, 1)
	grow(t, old, 4)
	old.produce(5, 2, 3)
	old.delivered(p, 2, 3)
	p.stop()
	mentions(t, p.output.String(), "going on from stored positions")
	for _, partition := range []int32{0, 1} {
		old.partitions[partition] = old.partitions[partition][10:]
	}
	old.copied(west, "east."+old.topic)
	between.copied(west, "east."+between.topic)
}

// TestFresh runs a bounded mirror three times: to the end, again (nothing is
// left to do), and over from the start.
func TestFresh(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	j := newJournal(t, east, kafka.UniqueName("fresh"), 3, nil)
	j.produce(50, 0, 1)
	file := boundedFile(t, east, west, j.topic, "east.", `until = "latest"`)
	for run, args := range [][]string{nil, nil, {"--fresh"}} {
		if code := start(t, file, args...).wait(time.Minute); code != 0 {
			t.Fatalf("run %d: exit code %d", run, code)
		}
		if run == 2 {
			for n, records := range j.partitions {
				j.partitions[n] = append(records, records...)
			}
		}
		j.copied(west, "east."+j.topic)
	}
	endless := start(t, mirrorFile(t, east, west, j.topic), "--fresh")
	if code := endless.wait(time.Minute); code != 3 {
		t.Errorf("--fresh without an end: exit code %d", code)
	}
}

// TestBoundedWithLoss stops one partition of a bounded run; the others reach
// their end, and the exit code and the summary tell.
func TestBoundedWithLoss(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	j := newJournal(t, east, kafka.UniqueName("partly"), 3, nil)
	j.produce(10, 0, 1, 2)
	file := boundedFile(t, east, west, j.topic, "east.", `until = "latest"`)
	if code := start(t, file).wait(time.Minute); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	j.produce(10, 0, 1, 2)
	east.DeleteRecords(t, j.topic, 2, 16)
	for range 2 {
		p := start(t, file)
		if code := p.wait(time.Minute); code != 1 {
			t.Errorf("exit code %d with a partition stopped", code)
		}
		out := p.output.String()
		mentions(t, out, "stopped: topic "+j.topic+" partition 2 offsets [10, 16): gap", "stopped before their end: 1 of its partitions")
		if strings.Contains(out, "stopped: topic "+j.topic+" partition 0") {
			t.Errorf("partition 0 is told to have stopped:\n%s", out)
		}
	}
	j.forget(2, 10)
	j.copied(west, "east."+j.topic)
}
