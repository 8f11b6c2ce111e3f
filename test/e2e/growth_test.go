// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/klamm-io/klamm/test/kafka"
)

// pickedUp is how long klamm may take to notice what is new: five seconds, and
// as long again for machines that are busy.
const pickedUp = 10 * time.Second

// TestGrowth lets topics and partitions come into being under a running klamm,
// already with records in them.
func TestGrowth(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	prefix := kafka.UniqueName("growth")
	first := newJournal(t, east, prefix+".first", 2, nil)
	p := start(t, mirrorFile(t, east, west, prefix))
	first.produce(10, 0, 1)
	first.delivered(p, 0, 1)

	began := time.Now()
	second := newJournal(t, east, prefix+".second", 5, map[string]string{
		"cleanup.policy": "compact,delete", "retention.ms": "86400000000", "max.message.bytes": "2345678",
	})
	second.produce(10, 0, 1, 2, 3, 4)
	newWithin(t, p, second, 0, 1, 2, 3, 4)
	t.Logf("a new topic was copied %s after its creation began", time.Since(began))

	began = time.Now()
	grow(t, first, 7)
	first.produce(10, 2, 3, 4, 5, 6)
	newWithin(t, p, first, 2, 3, 4, 5, 6)
	t.Logf("new partitions were copied %s after their creation began", time.Since(began))
	first.produce(10, 0, 1)
	first.delivered(p, 0, 1)
	ready(t, p)
	p.stop()
	for _, j := range []*journal{first, second} {
		j.copied(west, "east."+j.topic) // compares the number of partitions too
		likeSource(t, j, west, "east."+j.topic)
	}
}

// TestGrowthBetweenRuns adds a partition and a topic while klamm is stopped.
func TestGrowthBetweenRuns(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	prefix := kafka.UniqueName("grown")
	file := mirrorFile(t, east, west, prefix)
	first := newJournal(t, east, prefix+".first", 1, map[string]string{"retention.ms": "-1"})
	first.produce(10, 0)
	p := start(t, file)
	first.delivered(p, 0)
	p.stop()
	grow(t, first, 4)
	first.produce(10, 0, 1, 2, 3)
	second := newJournal(t, east, prefix+".second", 3, map[string]string{"cleanup.policy": "compact"})
	second.produce(10, 0, 2)
	p = start(t, file)
	first.delivered(p, 0, 1, 2, 3)
	second.delivered(p, 0, 2)
	ready(t, p)
	p.stop()
	for _, j := range []*journal{first, second} {
		j.copied(west, "east."+j.topic)
		likeSource(t, j, west, "east."+j.topic)
	}
}

// TestGrowthShared adds partitions that two processes have to read: both want
// the target to have them.
func TestGrowthShared(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	j := newJournal(t, east, kafka.UniqueName("both"), 1, nil)
	file := mirrorFile(t, east, west, j.topic)
	processes := []*process{start(t, file), start(t, file)}
	eventually(t, 30*time.Second, func() (bool, string) {
		one, _ := processes[0].status()
		two, _ := processes[1].status()
		return one.LanesOwned == 4 && two.LanesOwned == 4, fmt.Sprintf("%d and %d lanes", one.LanesOwned, two.LanesOwned)
	})
	grow(t, j, 32)
	for n := range j.partitions {
		j.produce(1, int32(n))
	}
	eventually(t, pickedUp, func() (bool, string) {
		for n := range j.partitions {
			if processes[0].partition(j.topic, int32(n)).Offset < 1 && processes[1].partition(j.topic, int32(n)).Offset < 1 {
				return false, fmt.Sprintf("partition %d is not copied", n)
			}
		}
		return true, ""
	})
	for _, p := range processes {
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d after SIGTERM", code)
		}
	}
	j.copied(west, "east."+j.topic)
}

func newWithin(t *testing.T, p *process, j *journal, partitions ...int32) {
	t.Helper()
	eventually(t, pickedUp, func() (bool, string) {
		for _, n := range partitions {
			if part := p.partition(j.topic, n); part.Offset < j.end(n) {
				return false, fmt.Sprintf("%s/%d is at %d, not yet at %d; %s", j.topic, n, part.Offset, j.end(n), part.LastError)
			}
		}
		return true, ""
	})
}

// grow adds partitions until there are so many.
func grow(t *testing.T, j *journal, total int) {
	t.Helper()
	answer, err := j.cluster.Admin(t).UpdatePartitions(t.Context(), total, j.topic)
	if err == nil {
		err = answer.Error()
	}
	if err != nil {
		t.Fatalf("growing topic %s: %v", j.topic, err)
	}
	for len(j.partitions) < total {
		j.partitions = append(j.partitions, nil)
	}
	eventually(t, 30*time.Second, func() (bool, string) {
		topics, err := j.cluster.Admin(t).ListTopics(t.Context(), j.topic)
		return err == nil && len(topics[j.topic].Partitions) == total, fmt.Sprintf("topic %s: %v, %v", j.topic, topics[j.topic].Partitions, err)
	})
	// A client of its own knows the new partitions at once.
	j.client = j.cluster.Client(t, manual())
}

// likeSource compares the settings that shape what a topic may hold.
func likeSource(t *testing.T, j *journal, to *kafka.Cluster, target string) {
	t.Helper()
	keys := []string{"cleanup.policy", "retention.ms", "retention.bytes", "delete.retention.ms", "max.message.bytes"}
	want, got := configs(t, j.cluster, j.topic, keys), configs(t, to, target, keys)
	if len(want) != len(keys) || !maps.Equal(want, got) {
		t.Errorf("%s has %v, %s has %v", j.topic, want, target, got)
	}
}

// configs are the effective settings of a topic.
func configs(t *testing.T, c *kafka.Cluster, topic string, keys []string) map[string]string {
	t.Helper()
	described, err := c.Admin(t).DescribeTopicConfigs(t.Context(), topic)
	if err == nil {
		err = described[0].Err
	}
	if err != nil {
		t.Fatalf("describing topic %s: %v", topic, err)
	}
	values := map[string]string{}
	for _, config := range described[0].Configs {
		for _, key := range keys {
			if config.Key == key {
				values[key] = config.MaybeValue()
			}
		}
	}
	return values
}
