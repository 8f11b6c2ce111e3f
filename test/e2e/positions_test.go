// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klamm-io/klamm/core/status"
	"github.com/klamm-io/klamm/sdk"
	"github.com/klamm-io/klamm/test/kafka"
)

// lose drops from a journal what no copy will have: the records of a partition in
// [from, to), by their place in the journal.
func (j *journal) lose(partition int32, from, to int64) {
	j.partitions[partition] = slices.Delete(j.partitions[partition], int(from), int(to))
}

// expectGap checks one gap record.
func expectGap(t testing.TB, g status.Gap, topic string, partition int32, from, to int64, reason sdk.Reason, cause string) {
	t.Helper()
	if g.To == nil || g.Count == nil {
		t.Fatalf("the gap %+v has no end", g)
	}
	if g.Topic != topic || g.Partition != partition || g.From != from || *g.To != to || *g.Count != to-from || g.Reason != reason || g.Cause != cause {
		t.Errorf("the gap is %s/%d [%d, %d) of %d, %s, by %s; not [%d, %d), %s, by %s",
			g.Topic, g.Partition, g.From, *g.To, *g.Count, g.Reason, g.Cause, from, to, reason, cause)
	}
}

// TestGapSkipped removes records that were not copied, while klamm is stopped and
// while it runs. With on_gap = "skip" the partition goes on behind them, and each
// gap is written down exactly.
func TestGapSkipped(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	prefix := kafka.UniqueName("skipped")
	holed, whole := newJournal(t, east, prefix+".holed", 3, nil), newJournal(t, east, prefix+".whole", 2, nil)
	file := mirrorWith(t, east, west, prefix, `on_gap = "skip"`)
	holed.produce(20, 0, 1, 2)
	whole.produce(20, 0, 1)
	p := start(t, file)
	holed.delivered(p, 0, 1, 2)
	whole.delivered(p, 0, 1)
	p.stop()

	holed.produce(30, 0, 1, 2)
	whole.produce(10, 0, 1)
	east.DeleteRecords(t, holed.topic, 1, 37)
	p = start(t, file)
	holed.delivered(p, 0, 1, 2)
	whole.delivered(p, 0, 1)
	found := gapsLeft(t, 1, file)
	expectGap(t, found[0], holed.topic, 1, 20, 37, sdk.ReasonGap, `on_gap = "skip"`)

	p.signal(syscall.SIGSTOP)
	for range 8 {
		holed.produce(10, 0, 1)
	}
	east.DeleteRecords(t, holed.topic, 1, 115)
	p.signal(syscall.SIGCONT)
	holed.produce(10, 0, 1, 2)
	holed.delivered(p, 0, 1, 2)
	found = gapsLeft(t, 2, file, "--topic", prefix+".h*")
	from := found[1].From // the fetch that was waiting has taken the first batch at most
	if from < 50 || from > 60 {
		t.Errorf("the second gap begins at %d", from)
	}
	expectGap(t, found[1], holed.topic, 1, from, 115, sdk.ReasonGap, `on_gap = "skip"`)
	gapsLeft(t, 0, file, "--topic", prefix+".whole")
	ready(t, p)
	if _, body := p.get("/metrics"); !strings.Contains(string(body), fmt.Sprintf("klamm_gaps_total{pipeline=%q} 2", prefix)) {
		t.Error("klamm_gaps_total is not 2")
	}
	p.stop()
	holed.lose(1, from, 115)
	holed.lose(1, 20, 37)
	holed.copied(west, "east."+holed.topic)
	whole.copied(west, "east."+whole.topic)
}

// TestSkipByHand frees a partition that a gap has stopped: once beside a process
// that runs, once with none. Nothing else is disturbed.
func TestSkipByHand(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	j := newJournal(t, east, kafka.UniqueName("byhand"), 3, nil)
	file := mirrorFile(t, east, west, j.topic)
	j.produce(20, 0, 1, 2)
	p := start(t, file)
	j.delivered(p, 0, 1, 2)
	p.stop()
	j.produce(30, 0, 1, 2)
	east.DeleteRecords(t, j.topic, 1, 37)

	p = start(t, file)
	stopped(t, p, j.topic, 1, sdk.ReasonGap)
	j.delivered(p, 0, 2)
	skip := []string{"positions", "skip", file, "--topic", j.topic, "--partition"}
	refuses(t, 2, []string{"it is not stopped"}, append(skip, "0")...)
	refuses(t, 2, []string{"no position", "0, 1, 2"}, append(skip, "7")...)
	refuses(t, 2, []string{fmt.Sprintf("did you mean %q?", j.topic)}, "positions", "skip", file, "--topic", j.topic+"x", "--partition", "1")
	refuses(t, 2, []string{"beyond the log", "ends at 50"}, append(skip, "1", "--to", "51")...)
	skipsTo(t, append(skip, "1", "--dry-run"), 20, 37)
	if part := p.partition(j.topic, 1); part.Offset != 20 {
		t.Fatalf("a dry run moved the position to %d", part.Offset)
	}
	skipsTo(t, append(skip, "1"), 20, 37)
	j.produce(5, 0, 1, 2)
	j.delivered(p, 0, 1, 2)
	ready(t, p)
	if s, _ := p.status(); s.LaneRestarts != 0 {
		t.Errorf("lanes were restarted %d times", s.LaneRestarts)
	}
	p.stop()

	j.produce(30, 0, 1, 2)
	east.DeleteRecords(t, j.topic, 2, 70) // of 85; 55 are copied
	p = start(t, file)
	stopped(t, p, j.topic, 2, sdk.ReasonGap)
	p.stop()
	skipsTo(t, append(skip[:3:3], "--all-stopped"), 55, 70)
	p = start(t, file)
	j.delivered(p, 0, 1, 2)
	ready(t, p)
	p.stop()

	found := gapsLeft(t, 2, file)
	expectGap(t, found[0], j.topic, 1, 20, 37, sdk.ReasonGap, "positions skip")
	expectGap(t, found[1], j.topic, 2, 55, 70, sdk.ReasonGap, "positions skip")
	j.lose(1, 20, 37)
	j.lose(2, 55, 70)
	j.copied(west, "east."+j.topic)
}

// skipsTo runs a command that moves one position, and checks what it says.
func skipsTo(t testing.TB, args []string, from, to int64) {
	t.Helper()
	var m moved
	ask(t, &m, args...)
	if len(m.Changes) != 1 {
		t.Fatalf("%v made %d changes", args, len(m.Changes))
	}
	c := m.Changes[0]
	if c.From != from || c.To != to || c.PassedOver == nil || *c.PassedOver.From != from || *c.PassedOver.To != to || c.Repeated != 0 {
		t.Errorf("%v: %+v, passed over %+v", args, c, c.PassedOver)
	}
}

// TestRefusedSkipped skips a record that the target refuses, for whatever reason,
// beside a running process: all behind it arrives, and the gap is that one offset.
func TestRefusedSkipped(t *testing.T) {
	t.Parallel()
	for _, r := range refusals() {
		t.Run(r.name, r.skipped)
	}
}

func (test refusal) skipped(t *testing.T) {
	east, west := kafka.Clusters(t)
	j := newJournal(t, east, kafka.UniqueName("refused-skipped"), 2, test.source)
	west.CreateTopic(t, "east."+j.topic, 2, test.target)
	behind := refusedInTheMiddle(j, test.record)
	file := mirrorFile(t, east, west, j.topic)
	p := start(t, file)
	stopped(t, p, j.topic, 0, sdk.ReasonRefused)
	eventually(t, 30*time.Second, func() (bool, string) { // the process writes down within a second that it stopped
		code, _, says := klamm(t, "positions", "skip", file, "--topic", j.topic, "--partition", "0", "--dry-run")
		return code == 0, says
	})
	skipsTo(t, []string{"positions", "skip", file, "--topic", j.topic, "--partition", "0"}, 5, 6)
	at(t, p, j.topic, 0, 5+int64(len(behind)))
	j.delivered(p, 1)
	ready(t, p)
	p.stop()
	found := gapsLeft(t, 1, file)
	expectGap(t, found[0], j.topic, 0, 5, 6, sdk.ReasonRefused, "positions skip")
	j.partitions[0] = append(j.partitions[0], behind[1:]...)
	j.copied(west, "east."+j.topic)
}

// TestSetAndReset moves positions back and forth while klamm runs.
func TestSetAndReset(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	j := newJournal(t, east, kafka.UniqueName("set"), 2, nil)
	file := mirrorFile(t, east, west, j.topic)
	refuses(t, 1, []string{"has never run"}, "positions", "list", file)
	j.produce(20, 0, 1)
	p := start(t, file)
	j.delivered(p, 0, 1)
	var m moved
	ask(t, &m, "positions", "set", file, "--topic", j.topic, "--partition", "1", "--offset", "15")
	if c := m.Changes[0]; c.From != 20 || c.To != 15 || c.Repeated != 5 || c.PassedOver != nil {
		t.Errorf("set says %+v", c)
	}
	at(t, p, j.topic, 1, 20)
	j.partitions[1] = append(j.partitions[1], j.partitions[1][15:20]...)
	ask(t, &m, "positions", "reset", file, "--topic", j.topic, "--to", "earliest")
	if len(m.Changes) != 2 || m.Changes[0].Repeated != 20 || m.Changes[1].To != 0 {
		t.Errorf("reset says %+v", m.Changes)
	}
	for partition := range int32(2) {
		at(t, p, j.topic, partition, 20)
		j.partitions[partition] = append(j.partitions[partition], j.partitions[partition][:20]...)
	}
	refuses(t, 2, []string{"yesterday"}, "positions", "reset", file, "--all-topics", "--to", "yesterday")
	p.stop()
	j.copied(west, "east."+j.topic)
	gapsLeft(t, 0, file)
	mentions(t, succeeds(t, "positions", "list", file), "TOPIC", "POSITION", j.topic, "east."+j.topic, "idle")
}

// TestRecreateRestarts deletes a topic and makes it again under a running klamm
// that may go on with the new one.
func TestRecreateRestarts(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	prefix := kafka.UniqueName("anew")
	old, other := newJournal(t, east, prefix+".old", 2, nil), newJournal(t, east, prefix+".other", 1, nil)
	file := mirrorWith(t, east, west, prefix, `on_recreate = "restart"`)
	p := start(t, file)
	old.produce(12, 0, 1)
	other.produce(12, 0)
	old.delivered(p, 0, 1)
	remove(t, east, old.topic)
	made := newJournal(t, east, old.topic, 2, nil)
	made.produce(20, 0, 1)
	made.delivered(p, 0, 1)
	other.produce(10, 0)
	other.delivered(p, 0)
	ready(t, p)
	p.stop()
	found := gapsLeft(t, 2, file)
	for _, g := range found {
		if g.Topic != old.topic || g.From != 12 || g.To != nil || g.Reason != sdk.ReasonRecreated || g.Cause != `on_recreate = "restart"` {
			t.Errorf("the gap is %+v", g)
		}
	}
	mentions(t, succeeds(t, "gaps", file), "end of the old topic", old.topic)
	for partition := range old.partitions {
		old.partitions[partition] = append(old.partitions[partition], made.partitions[partition]...)
	}
	old.copied(west, "east."+old.topic)
	other.copied(west, "east."+other.topic)
}
