// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/core/status"
	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
)

// post sends a JSON object to the API.
func (p *process) post(path, body string, into any) (code int, answer string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, "http://"+p.listen+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	b.ReadFrom(resp.Body)
	if into != nil {
		if err := json.Unmarshal(b.Bytes(), into); err != nil {
			p.t.Fatalf("POST %s: %v\n%s", path, err, b.Bytes())
		}
	}
	return resp.StatusCode, b.String()
}

// reload asks for a reload, and checks what it does to each pipeline.
func reload(t testing.TB, p *process, want ...status.Reloaded) {
	t.Helper()
	var done status.Reload
	if code, body := p.post("/api/v1/reload", "{}", &done); code != http.StatusOK || !done.OK || !slices.Equal(done.Pipelines, want) {
		t.Fatalf("%d, %+v, not %+v\n%s", code, done.Pipelines, want, body)
	}
}

// notReloaded asks for a reload that has to be refused, with words.
func notReloaded(t testing.TB, p *process, words ...string) {
	t.Helper()
	var done status.Reload
	code, body := p.post("/api/v1/reload", "{}", &done)
	if code != http.StatusConflict || done.OK || len(done.Pipelines) > 0 {
		t.Errorf("%d: %s", code, body)
	}
	mentions(t, body, words...)
}

func rewrite(t testing.TB, file, text string, args ...any) {
	t.Helper()
	if err := os.WriteFile(file, fmt.Appendf(nil, text, args...), 0o600); err != nil {
		t.Fatal(err)
	}
}

const reloadable = `
cluster "east" { brokers = [%q] }
cluster "west" { brokers = [%q] }
mirror %q {
  from   = cluster.east
  to     = cluster.west
  topics = [%s]
  rename { prefix = "east." }
  %s
}
`

// TestReloadAddsATopic selects one topic more while another is copied under load:
// what is copied already is not interrupted, and nothing comes twice.
func TestReloadAddsATopic(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	name := kafka.UniqueName("reload")
	east.CreateTopic(t, name+".steady", 3, nil)
	added := newJournal(t, east, name+".added", 2, nil)
	added.produce(20, 0, 1)
	file := write(t, reloadable, east.Bootstrap()[0], west.Bootstrap()[0], name, fmt.Sprintf("%q", name+".steady"), "")
	p := start(t, file)
	ready(t, p)
	load := startLoad(t, east, name+".steady", 3, 400)
	at(t, p, name+".steady", 0, 50)
	client := west.Client(t, kgo.ConsumeTopics("east."+name+".steady"), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()))
	before, owners := longestDelay(t, client), lanesOf(t, p)
	during := make(chan time.Duration, 1)
	go func() { during <- longestDelay(t, client) }()

	rewrite(t, file, reloadable, east.Bootstrap()[0], west.Bootstrap()[0], name, fmt.Sprintf("%q, %q", name+".steady", name+".added"), "")
	reload(t, p, status.Reloaded{Pipeline: name, Outcome: status.Updated})
	added.delivered(p, 0, 1)
	at(t, p, name+".steady", 0, p.partition(name+".steady", 0).Offset+100)
	t.Logf("the longest a record of the other topic took: %s before the reload, %s with it", before, <-during)
	load.stop()
	if s, _ := p.status(); s.LaneRestarts != 0 || !slices.Equal(lanesOf(t, p), owners) {
		t.Errorf("%d lane restarts; lanes %v, before %v", s.LaneRestarts, lanesOf(t, p), owners)
	}
	if strings.Contains(p.output.String(), "outcome=restarted") {
		t.Error("the pipeline was restarted")
	}
	caughtUp(t, p)

	rewrite(t, file, reloadable, east.Bootstrap()[0], west.Bootstrap()[0], name, fmt.Sprintf("%q", name+".steady"), "")
	p.signal(syscall.SIGHUP)
	eventually(t, 30*time.Second, func() (bool, string) {
		s, _ := p.status()
		left := slices.ContainsFunc(s.Partitions, func(p runner.PartitionStatus) bool { return p.Topic == added.topic })
		return !left, "the topic is copied still"
	})
	_, metrics := p.get("/metrics")
	mentions(t, string(metrics), `klamm_config_reloads_total{result="success"} 2`, "klamm_config_last_reload_successful 1")
	p.stop()
	added.copied(west, "east."+added.topic)
	equal(t, east, name+".steady", west, "east."+name+".steady", compare.Options{})
}

// lanesOf are the lanes that the process owns, as the target knows it.
func lanesOf(t testing.TB, p *process) []int {
	t.Helper()
	r := report(t, p)
	if len(r.Processes) != 1 {
		t.Fatalf("%d processes run the pipeline", len(r.Processes))
	}
	return r.Processes[0].Lanes
}

// longestDelay is the longest time from a record's timestamp to its arrival at a
// consumer of the target, over two seconds. It is told, not judged.
func longestDelay(t testing.TB, client *kgo.Client) time.Duration {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var longest time.Duration
	for ctx.Err() == nil {
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) { longest = max(longest, time.Since(r.Timestamp)) })
	}
	return longest
}

// TestReloadRefused keeps what runs when the files are broken, or cannot be
// followed: another source cluster, an address that moves.
func TestReloadRefused(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	j := newJournal(t, east, kafka.UniqueName("keeps"), 1, nil)
	topics := fmt.Sprintf("%q", j.topic)
	file := write(t, reloadable, east.Bootstrap()[0], west.Bootstrap()[0], j.topic, topics, "")
	p := start(t, file)
	j.produce(10, 0)
	j.delivered(p, 0)

	rewrite(t, file, reloadable, east.Bootstrap()[0], west.Bootstrap()[0], j.topic, topics, "lanes = \"many\"")
	notReloaded(t, p, "the files have 1 error", "lanes", `"line": 9`)
	rewrite(t, file, strings.ReplaceAll(reloadable, `rename { prefix = "east." }`, ""), west.Bootstrap()[0], east.Bootstrap()[0], j.topic, topics, "")
	notReloaded(t, p, "pipeline "+j.topic, "there are no positions of it", "cluster west", "another name")
	third := kafka.Start(t, kafka.Config{})
	rewrite(t, file, reloadable, third.Bootstrap()[0], west.Bootstrap()[0], j.topic, topics, "")
	notReloaded(t, p, "give this pipeline another name")
	rewrite(t, file, reloadable+"mirror \"more\" {\n  from = cluster.nowhere\n  to = cluster.west\n  topics = [\"x\"]\n  rename { prefix = \"n.\" }\n}\ncluster \"nowhere\" { brokers = [\"127.0.0.1:1\"] }\n",
		east.Bootstrap()[0], west.Bootstrap()[0], j.topic, topics, "memory = \"64MB\"")
	notReloaded(t, p, "pipeline more", "cluster nowhere")
	mentions(t, p.output.String(), "not reloaded: everything goes on as before", "pipeline.hcl:9:")

	j.produce(10, 0)
	j.delivered(p, 0)
	if s, _ := p.status(); s.LaneRestarts != 0 || s.Records != 20 {
		t.Errorf("%d lane restarts, %d records: it was interrupted", s.LaneRestarts, s.Records)
	}
	p.stop()
	j.copied(west, "east."+j.topic)
}

// TestReloadRestarts changes what needs a new run, adds a pipeline and removes it:
// every record is copied once all the same.
func TestReloadRestarts(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	name := kafka.UniqueName("again")
	one, two := newJournal(t, east, name+".one", 2, nil), newJournal(t, east, name+".two", 1, nil)
	file := write(t, reloadable, east.Bootstrap()[0], west.Bootstrap()[0], name, fmt.Sprintf("%q", one.topic), "")
	p := start(t, file)
	one.produce(30, 0, 1)
	two.produce(5, 0)
	one.delivered(p, 0, 1)
	second := fmt.Sprintf("mirror %q {\n  from = cluster.east\n  to = cluster.west\n  topics = [%q]\n  rename { prefix = \"east.\" }\n}\n", name+"-2", two.topic)
	rewrite(t, file, reloadable+second, east.Bootstrap()[0], west.Bootstrap()[0], name, fmt.Sprintf("%q", one.topic), "memory = \"64MB\"")
	reload(t, p, status.Reloaded{Pipeline: name, Outcome: status.Restarted}, status.Reloaded{Pipeline: name + "-2", Outcome: status.Started})
	one.produce(30, 0, 1)
	one.delivered(p, 0, 1)
	eventually(t, 30*time.Second, func() (bool, string) {
		_, body := p.get("/api/v1/status?pipeline=" + name + "-2")
		return strings.Contains(string(body), `"records": 5`), string(body)
	})
	rewrite(t, file, reloadable, east.Bootstrap()[0], west.Bootstrap()[0], name, fmt.Sprintf("%q", one.topic), "memory = \"64MB\"")
	reload(t, p, status.Reloaded{Pipeline: name, Outcome: status.Unchanged}, status.Reloaded{Pipeline: name + "-2", Outcome: status.Stopped})
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	one.copied(west, "east."+one.topic)
	two.copied(west, "east."+two.topic)
}
