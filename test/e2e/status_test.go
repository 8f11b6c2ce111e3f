// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/klamm-io/klamm/core/operator"
	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/sdk"
	"github.com/klamm-io/klamm/test/kafka"
)

// reports asks klamm status, with --server ADDRESS or a file. It may be that a
// process, or a pipeline of it, cannot tell yet.
func reports(t testing.TB, args ...string) []*operator.Report {
	t.Helper()
	code, stdout, stderr := klamm(t, append([]string{"status", "--json"}, args...)...)
	var answer struct {
		Result struct {
			Pipelines []*operator.Report `json:"pipelines"`
		} `json:"result"`
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil {
		t.Fatalf("klamm status %s: exit code %d, %v\n%s\n%s", strings.Join(args, " "), code, err, stdout, stderr)
	}
	if len(answer.Result.Pipelines) == 0 {
		return []*operator.Report{{State: operator.Unknown, Error: stderr}}
	}
	return answer.Result.Pipelines
}

// report asks a process for its first pipeline, without the command.
func report(t testing.TB, p *process) *operator.Report {
	t.Helper()
	_, body := p.get("/api/v1/pipelines")
	var answer struct {
		Pipelines []*operator.Report `json:"pipelines"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Pipelines) == 0 {
		return &operator.Report{State: operator.Unknown}
	}
	return answer.Pipelines[0]
}

// find is what a report says of a partition; its offset is -1 if it says nothing.
func find(r *operator.Report, topic string, partition int32) operator.Partition {
	for _, p := range r.Partitions {
		if p.Topic == topic && p.Partition == partition {
			return p
		}
	}
	return operator.Partition{Offset: -1}
}

// TestStatus asks either of two processes and the target how a pipeline is, with a
// partition stopped; then the target alone, behind its source.
func TestStatus(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	j := newJournal(t, east, kafka.UniqueName("status"), 6, nil)
	file := mirrorFile(t, east, west, j.topic)
	if r := reports(t, file); len(r) != 1 || r[0].State != operator.New || r[0].Error != "" {
		t.Errorf("before the first run: %+v", r)
	}
	j.produce(20, 0, 1, 2, 3, 4, 5)
	p := start(t, file)
	j.delivered(p, 0, 1, 2, 3, 4, 5)
	p.stop()
	j.produce(20, 3)
	east.DeleteRecords(t, j.topic, 3, 30)

	first, second := start(t, file), start(t, file)
	ways := map[string][]string{"the first": {"--server", first.listen}, "the second": {"--server", second.listen}, "the target": {file}}
	for way, args := range ways {
		eventually(t, 30*time.Second, func() (bool, string) {
			r := reports(t, args...)[0]
			good := r.State == runner.Degraded && len(r.Processes) == 2 && r.LagRecords == 20 && find(r, j.topic, 3).State == runner.Stopped
			for n := range int32(6) {
				good = good && (n == 3 || find(r, j.topic, n).State == runner.Running)
			}
			return good, fmt.Sprintf("asking %s: %+v", way, r)
		})
		r := reports(t, args...)[0]
		holed := find(r, j.topic, 3)
		if holed.Reason != sdk.ReasonGap || *holed.Lost != (sdk.Offsets{From: 20, To: 30}) || !holed.CanSkip || holed.End != 40 || holed.Offset != 20 || holed.Stopped == nil {
			t.Errorf("asking %s: %+v", way, holed)
		}
		mentions(t, holed.LastError, j.topic, "[20, 30)")
		mentions(t, r.LastError, "[20, 30)")
		if a, b := len(r.Processes[0].Lanes), len(r.Processes[1].Lanes); a+b != 9 || len(r.Lanes) != 8 {
			t.Errorf("asking %s: %d and %d lanes are owned", way, a, b)
		}
	}
	mentions(t, succeeds(t, "status", file), "degraded", "east -> west", "1 stopped", "5 running", "[20, 30)")

	first.stop()
	second.stop()
	j.produce(7, 0)
	r := reports(t, file)[0]
	if r.State != runner.Idle || len(r.Processes) != 0 || r.LagRecords != 27 || find(r, j.topic, 0).LagRecords != 7 || find(r, j.topic, 3).State != runner.Stopped {
		t.Errorf("without a process: %+v", r)
	}
}

// TestStatusOfMany tells of the pipelines it can, beside one whose target cannot be
// reached.
func TestStatusOfMany(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	name := kafka.UniqueName("many")
	file := write(t, `
cluster "east" { brokers = [%q] }
cluster "west" { brokers = [%q] }
cluster "nowhere" { brokers = ["127.0.0.1:1"] }
mirror "lost" {
  from   = cluster.east
  to     = cluster.nowhere
  topics = ["a"]
}
mirror %q {
  from   = cluster.east
  to     = cluster.west
  topics = ["b"]
  rename { prefix = "east." }
}
`, east.Bootstrap()[0], west.Bootstrap()[0], name)
	code, out, stderr := klamm(t, "status", file)
	if code != 3 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	mentions(t, out, "lost  unknown", "cluster nowhere", name+"  new", "it has never run")
	refuses(t, 2, []string{`did you mean "lost"?`}, "status", file, "--pipeline", "lsot")
	refuses(t, 2, []string{"choose one with --pipeline"}, "positions", "list", file)
	refuses(t, 3, []string{"is klamm running there"}, "status", "--server", "127.0.0.1:1")
}
