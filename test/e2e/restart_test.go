// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
)

// TestSourceDies kills and restarts the only broker of a source under load, with
// a partition that nothing was written to since before klamm began: a new leader
// epoch without a record is no truncation.
func TestSourceDies(t *testing.T) {
	t.Parallel()
	_, west := kafka.Clusters(t)
	east := kafka.Start(t, kafka.Config{})
	prefix := kafka.UniqueName("source-dies")
	idle, empty := newJournal(t, east, prefix+".idle", 1, nil), newJournal(t, east, prefix+".empty", 1, nil)
	busy := prefix + ".busy"
	east.CreateTopic(t, busy, 3, nil)
	idle.produce(10, 0)
	east.Restart(t, 1) // its log now has an epoch without a record
	p := start(t, boundedFile(t, east, west, prefix, "east.", `since = "latest"`))
	at(t, p, idle.topic, 0, 10)
	for partition := range int32(3) {
		at(t, p, busy, partition, 0)
	}
	traffic := startLoad(t, east, busy, 3, 1000)
	moves(t, p)
	for range 2 {
		east.Kill(t, 1)
		troubled(t, p, "cluster east")
		east.Restart(t, 1)
		moves(t, p)
	}
	traffic.stop()
	idle.produce(10, 0)
	empty.produce(10, 0)
	idle.delivered(p, 0)
	empty.delivered(p, 0)
	caughtUp(t, p)
	ready(t, p)
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	equal(t, east, busy, west, "east."+busy, compare.Options{AllowReplays: true})
	idle.partitions[0] = idle.partitions[0][10:]
	idle.copied(west, "east."+idle.topic)
	empty.copied(west, "east."+empty.topic)
}

// moves waits until klamm has delivered some more in every partition.
func moves(t *testing.T, p *process) {
	t.Helper()
	before := map[string]int64{}
	eventually(t, time.Minute, func() (bool, string) {
		s, ok := p.status()
		if !ok || s.Records == 0 {
			return false, "nothing is delivered: " + s.LastError
		}
		for _, part := range s.Partitions {
			name := fmt.Sprintf("%s/%d", part.Topic, part.Partition)
			if _, ok := before[name]; !ok {
				before[name] = part.Offset
			}
			if part.Offset < before[name]+200 && !strings.Contains(name, ".idle") && !strings.Contains(name, ".empty") {
				return false, fmt.Sprintf("%s stands at %d: %s", name, part.Offset, s.LastError)
			}
		}
		return true, ""
	})
}

// troubled waits until klamm says that a cluster gives trouble: in the status,
// and by not being ready.
func troubled(t *testing.T, p *process, cluster string) {
	t.Helper()
	eventually(t, time.Minute, func() (bool, string) {
		s, _ := p.status()
		code, body := p.get("/readyz")
		return !s.Ready() && code == 503 && strings.Contains(s.LastError, cluster) && strings.Contains(string(body), cluster),
			fmt.Sprintf("it is %s, %d, with %q", s.State, code, s.LastError)
	})
}
