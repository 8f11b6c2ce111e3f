// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/sdk"
	"github.com/klamm-io/klamm/test/kafka"
)

// TestTruncated has a source lose records that were already copied, by an
// unclean leader election. A klamm that runs meanwhile notices, and so does one
// that starts when the log has grown past its position again. What is lost is
// exact, and another topic goes on. With on_truncate = "continue" the partition goes
// on where the log now ends, and a gap record says what only the target has.
func TestTruncated(t *testing.T) {
	t.Parallel()
	_, west := kafka.Clusters(t)
	east := kafka.Start(t, kafka.Config{Brokers: 3})
	prefix := kafka.UniqueName("truncated")
	unclean := map[string]string{"unclean.leader.election.enable": "true", "min.insync.replicas": "1"}
	lossy, safe := newJournalOn(t, east, prefix+".lossy", []int32{2, 3}, unclean), newJournalOn(t, east, prefix+".safe", []int32{1}, nil)
	lossy.produce(10, 0)
	safe.produce(10, 0)
	east.AwaitISR(t, lossy.topic, 0, 2, 3)
	east.Stop(t, 3)
	east.AwaitISR(t, lossy.topic, 0, 2)
	lossy.produce(8, 0)

	file := mirrorFile(t, east, west, prefix)
	between := boundedFile(t, east, west, prefix, "between.", "")
	continued := boundedFile(t, east, west, prefix, "continued.", `on_truncate = "continue"`)
	p, later, goesOn := start(t, file), start(t, between), start(t, continued)
	for _, running := range []*process{p, later, goesOn} {
		lossy.delivered(running, 0)
		safe.delivered(running, 0)
	}
	later.stop()
	east.Kill(t, 2)
	awaitNoLeader(t, east, lossy.topic)
	east.Restart(t, 3)
	truncated(t, p, lossy)

	grown := journal{t: t, topic: lossy.topic, client: east.Client(t, manual()), partitions: make([][]*kgo.Record, 1)}
	grown.produce(12, 0)
	safe.produce(10, 0)
	later = start(t, between)
	truncated(t, later, lossy)
	for _, running := range []*process{p, later, goesOn} {
		safe.delivered(running, 0)
	}
	at(t, goesOn, lossy.topic, 0, 22)
	for _, running := range []*process{p, later, goesOn} {
		running.stop()
	}
	if found := gaps(t, continued); len(found) != 1 {
		t.Errorf("there are %d gaps: %+v", len(found), found)
	} else {
		expectGap(t, found[0], lossy.topic, 0, 10, 18, sdk.ReasonTruncated, `on_truncate = "continue"`)
	}
	p = start(t, file)
	truncated(t, p, lossy)
	p.stop()
	for _, target := range []string{"east.", "between."} {
		lossy.copied(west, target+lossy.topic) // also what the source has lost
		safe.copied(west, target+safe.topic)
	}
	both := journal{t: t, topic: lossy.topic, partitions: [][]*kgo.Record{slices.Concat(lossy.partitions[0], grown.partitions[0])}}
	both.copied(west, "continued."+lossy.topic)
}

// truncated waits until the partition has stopped at 18, because the log was cut
// off at 10.
func truncated(t *testing.T, p *process, j *journal) {
	t.Helper()
	part := stopped(t, p, j.topic, 0, sdk.ReasonTruncated)
	if want := (sdk.Offsets{From: 10, To: 18}); *part.Lost != want {
		t.Errorf("lost are %v, not %v: %s", part.Lost, want, part.LastError)
	}
	mentions(t, part.LastError, "[10, 18)", "truncated")
}

func newJournalOn(t *testing.T, c *kafka.Cluster, topic string, replicas []int32, configs map[string]string) *journal {
	t.Helper()
	c.CreateTopicOn(t, topic, replicas, configs)
	return &journal{t: t, cluster: c, topic: topic, partitions: make([][]*kgo.Record, 1), client: c.Client(t, manual())}
}

// awaitNoLeader waits until the controller has noticed that the leader is gone.
func awaitNoLeader(t *testing.T, c *kafka.Cluster, topic string) {
	t.Helper()
	admin := c.Admin(t)
	eventually(t, 30*time.Second, func() (bool, string) {
		topics, err := admin.ListTopics(t.Context(), topic)
		if err != nil {
			return false, err.Error()
		}
		leader := topics[topic].Partitions[0].Leader
		return leader < 0, fmt.Sprintf("broker %d leads", leader)
	})
}
