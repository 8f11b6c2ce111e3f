// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/test/kafka"
)

// TestPause pauses a topic by command and a partition over the API, in two
// processes and over a restart of one, then the whole pipeline.
func TestPause(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	prefix := kafka.UniqueName("pause")
	still, half := newJournal(t, east, prefix+".still", 3, nil), newJournal(t, east, prefix+".half", 4, nil)
	file := mirrorFile(t, east, west, prefix)
	still.produce(10, 0, 1, 2)
	half.produce(10, 0, 1, 2, 3)
	first, second := start(t, file), start(t, file)
	caughtUpAll(t, first, 7)

	if out := succeeds(t, "pause", file, "--topic", still.topic); out != fmt.Sprintf("paused: topic %s\n", still.topic) {
		t.Errorf("it says %q", out)
	}
	if code, body := second.post("/api/v1/pause", fmt.Sprintf(`{"pipeline": %q, "topic": %q, "partition": 2}`, prefix, half.topic), nil); code != http.StatusOK {
		t.Fatalf("%d: %s", code, body)
	}
	refuses(t, 2, []string{"is not paused", "topic " + still.topic}, "resume", file, "--topic", half.topic)
	refuses(t, 2, []string{"did you mean"}, "pause", "--server", first.listen, "--topic", still.topic+"x")
	paused(t, first, 4)
	second.stop()
	second = start(t, file)
	paused(t, first, 4)
	still.produce(10, 0, 1, 2)
	half.produce(10, 0, 1, 2, 3)
	eventually(t, 30*time.Second, func() (bool, string) {
		r := report(t, first)
		good := find(r, half.topic, 2).Offset == 10
		for n := range int32(3) {
			good = good && find(r, still.topic, n).Offset == 10 && find(r, half.topic, []int32{0, 1, 3}[n]).Offset == 20
		}
		return good, fmt.Sprintf("%+v", r.Partitions)
	})

	succeeds(t, "resume", "--server", first.listen, "--topic", still.topic)
	succeeds(t, "resume", file, "--topic", half.topic, "--partition", "2")
	caughtUpAll(t, first, 7)
	succeeds(t, "pause", "--server", second.listen)
	paused(t, first, 7)
	eventually(t, 30*time.Second, func() (bool, string) {
		r := report(t, second)
		return r.State == runner.Paused, string(r.State)
	})
	ready(t, second) // it does what it is asked to
	first.stop()
	second.stop()
	still.copied(west, "east."+still.topic)
	half.copied(west, "east."+half.topic)
}

// paused waits until so many partitions are paused, over both processes.
func paused(t testing.TB, p *process, want int) {
	t.Helper()
	eventually(t, 30*time.Second, func() (bool, string) {
		r := report(t, p)
		count := 0
		for _, part := range r.Partitions {
			if part.State == runner.Paused {
				count++
			}
		}
		return count == want && len(r.Processes) == 2, fmt.Sprintf("%d are paused: %+v", count, r)
	})
}

// caughtUpAll waits until all processes together are at the end of all partitions.
func caughtUpAll(t testing.TB, p *process, partitions int) {
	t.Helper()
	eventually(t, 30*time.Second, func() (bool, string) {
		r := report(t, p)
		return len(r.Processes) == 2 && len(r.Partitions) == partitions && r.LagRecords == 0 && r.State == runner.Running, fmt.Sprintf("%+v", r)
	})
}
