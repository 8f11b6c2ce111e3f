// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/sdk"
	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
)

// TestFrozen freezes a process until its lanes have gone to the other, and wakes
// it with its hands full: what it still sends is refused, and no position goes
// back.
func TestFrozen(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	topic := kafka.UniqueName("frozen")
	east.CreateTopic(t, topic, 8, nil)
	file := mirrorFile(t, east, west, topic)
	traffic := startLoad(t, east, topic, 8, 4000)
	one, two := start(t, file), start(t, file)
	lanes := func(p *process) int {
		s, _ := p.status()
		return s.LanesOwned
	}
	shared := func() (bool, string) {
		a, b := lanes(one), lanes(two)
		return a == 4 && b == 4, fmt.Sprintf("%d and %d lanes", a, b)
	}
	eventually(t, 30*time.Second, shared)
	for range 2 {
		one.cmd.Process.Signal(syscall.SIGSTOP)
		eventually(t, 30*time.Second, func() (bool, string) {
			n := lanes(two)
			return n == 8, fmt.Sprintf("%d lanes", n)
		})
		one.cmd.Process.Signal(syscall.SIGCONT)
		eventually(t, 30*time.Second, shared)
	}
	traffic.stop()
	caughtUp(t, one, two)
	if a, b := one.stop(), two.stop(); a != 0 || b != 0 {
		t.Errorf("exit codes %d and %d", a, b)
	}
	equal(t, east, topic, west, "east."+topic, compare.Options{AllowReplays: true})
	neverBack(t, west, topic)
}

// neverBack reads every position that a pipeline has ever committed.
func neverBack(t *testing.T, c *kafka.Cluster, pipeline string) {
	t.Helper()
	newest := map[sdk.TopicPartition]sdk.Position{}
	everCommitted(t, c, pipeline, func(r *kgo.Record) {
		p, ok, err := sdk.DecodePosition(string(r.Key), r.Value)
		if err == nil && !ok {
			return
		}
		if err != nil {
			t.Error(err)
		}
		if before := newest[p.TopicPartition]; p.Offset < before.Offset {
			t.Errorf("the position of %s went back from %d to %d", p.TopicPartition, before.Offset, p.Offset)
		}
		newest[p.TopicPartition] = p
	})
	if len(newest) == 0 {
		t.Errorf("the pipeline %s has no position", pipeline)
	}
}

// everCommitted reads all that a pipeline has stored in its positions topic, and
// that is still there. It returns the number of lanes, the control lane included.
func everCommitted(t testing.TB, c *kafka.Cluster, pipeline string, each func(*kgo.Record)) (lanes int) {
	t.Helper()
	topic := "_klamm." + pipeline + ".positions"
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ends, err := c.Admin(t).ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	client := c.Client(t, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
			if !r.Attrs.IsControl() {
				each(r)
			}
		})
	}
	return len(ends[topic])
}
