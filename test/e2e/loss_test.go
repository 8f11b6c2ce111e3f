// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/klamm-io/klamm/sdk"
	"github.com/klamm-io/klamm/test/kafka"
)

// TestGapBetweenRuns removes records that were not copied while klamm is
// stopped. Just that partition stops, with just that range, again after every
// restart; the others go on.
func TestGapBetweenRuns(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	prefix := kafka.UniqueName("gap")
	holed, whole := newJournal(t, east, prefix+".holed", 3, nil), newJournal(t, east, prefix+".whole", 2, nil)
	file := mirrorFile(t, east, west, prefix)
	holed.produce(20, 0, 1, 2)
	whole.produce(20, 0, 1)
	p := start(t, file)
	holed.delivered(p, 0, 1, 2)
	whole.delivered(p, 0, 1)
	p.stop()

	holed.produce(30, 0, 1, 2)
	whole.produce(10, 0, 1)
	east.DeleteRecords(t, holed.topic, 1, 37) // of 50; 20 are copied
	east.DeleteRecords(t, holed.topic, 2, 20) // just what is copied: no loss
	holed.forget(1, 20)
	for range 2 {
		p = start(t, file)
		part := stopped(t, p, holed.topic, 1, sdk.ReasonGap)
		if want := (sdk.Offsets{From: 20, To: 37}); *part.Lost != want {
			t.Errorf("lost are %v, not %v", part.Lost, want)
		}
		mentions(t, part.LastError, "[20, 37)", "17 offsets", "DeleteRecords")
		holed.produce(5, 0, 2)
		whole.produce(5, 0, 1)
		holed.delivered(p, 0, 2)
		whole.delivered(p, 0, 1)
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d after SIGTERM", code)
		}
		mentions(t, p.output.String(), "partition stopped", "[20, 37)")
	}
	holed.copied(west, "east."+holed.topic)
	whole.copied(west, "east."+whole.topic)
}

// TestGapWhileBehind removes records while klamm runs and is behind.
func TestGapWhileBehind(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	j := newJournal(t, east, kafka.UniqueName("behind"), 2, nil)
	file := mirrorFile(t, east, west, j.topic)
	p := start(t, file)
	j.produce(10, 0, 1)
	j.delivered(p, 0, 1)

	// The fetch that is waiting at the broker takes the first batch at most.
	p.signal(syscall.SIGSTOP)
	for range 8 {
		j.produce(10, 0, 1)
	}
	east.DeleteRecords(t, j.topic, 1, 75)
	p.signal(syscall.SIGCONT)

	part := stopped(t, p, j.topic, 1, sdk.ReasonGap)
	if part.Lost.To != 75 || part.Lost.From < 10 || part.Lost.From > 70 || part.Lost.From != part.Offset {
		t.Errorf("lost are %v, the position is %d", part.Lost, part.Offset)
	}
	mentions(t, part.LastError, part.Lost.String())
	j.forget(1, part.Lost.From) // exact: what is before it is at the target
	j.produce(10, 0)
	j.delivered(p, 0)
	p.stop()
	j.copied(west, "east."+j.topic)

	p = start(t, file)
	again := stopped(t, p, j.topic, 1, sdk.ReasonGap)
	if *again.Lost != *part.Lost {
		t.Errorf("after a restart lost are %v, before it were %v", again.Lost, part.Lost)
	}
	p.stop()
	j.copied(west, "east."+j.topic)
}

// signal sends klamm a signal.
func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// TestRecreatedWhileRunning deletes a topic and makes it again, with more
// partitions, under a running klamm.
func TestRecreatedWhileRunning(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	prefix := kafka.UniqueName("recreated")
	old, other := newJournal(t, east, prefix+".old", 2, nil), newJournal(t, east, prefix+".other", 1, nil)
	file := mirrorFile(t, east, west, prefix)
	p := start(t, file)
	old.produce(12, 0, 1)
	other.produce(12, 0)
	old.delivered(p, 0, 1)

	before := topicID(t, east, old.topic)
	remove(t, east, old.topic)
	made := newJournal(t, east, old.topic, 3, nil)
	made.produce(20, 0, 1, 2)
	recreated(t, p, made, before, 12, 0, 1)
	other.produce(10, 0)
	other.delivered(p, 0)
	p.stop()
	for run := range 2 {
		p = start(t, file)
		recreated(t, p, made, before, 12, 0, 1)
		made.produce(5, 0, 1, 2)
		other.produce(5+run, 0)
		other.delivered(p, 0)
		p.stop()
	}
	other.copied(west, "east."+other.topic)
	nothingOf(t, west, old)
}

// TestRecreatedBetweenRuns makes topics again while klamm is stopped, one with
// as many partitions, one with fewer, one with more.
func TestRecreatedBetweenRuns(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	prefix := kafka.UniqueName("again")
	file := mirrorFile(t, east, west, prefix)
	var journals []*journal
	for _, name := range []string{".same", ".fewer", ".more"} {
		j := newJournal(t, east, prefix+name, 2, nil)
		j.produce(12, 0, 1)
		journals = append(journals, j)
	}
	other := newJournal(t, east, prefix+".other", 1, nil)
	p := start(t, file)
	for _, j := range journals {
		j.delivered(p, 0, 1)
	}
	p.stop()

	var made []*journal
	var before []string
	for i, j := range journals {
		before = append(before, topicID(t, east, j.topic))
		remove(t, east, j.topic)
		m := newJournal(t, east, j.topic, []int32{2, 1, 3}[i], nil)
		for partition := range m.partitions {
			m.produce(20, int32(partition))
		}
		made = append(made, m)
	}
	other.produce(10, 0)
	for range 2 {
		p = start(t, file)
		for i := range made {
			recreated(t, p, made[i], before[i], 12, 0, 1)
		}
		other.produce(10, 0)
		other.delivered(p, 0)
		p.stop()
	}
	other.copied(west, "east."+other.topic)
	for _, j := range journals {
		nothingOf(t, west, j)
	}
}

// recreated waits until partitions have stopped because their topic is another
// one by now, with both ids in the message.
func recreated(t *testing.T, p *process, made *journal, before string, offset int64, partitions ...int32) {
	t.Helper()
	for _, partition := range partitions {
		part := stopped(t, p, made.topic, partition, sdk.ReasonRecreated)
		mentions(t, part.LastError, before, topicID(t, made.cluster, made.topic), fmt.Sprintf("offset %d", offset))
	}
}

// nothingOf checks that the copy of a topic that was made again still has the
// content of the old one.
func nothingOf(t *testing.T, west *kafka.Cluster, old *journal) {
	t.Helper()
	old.copied(west, "east."+old.topic)
}

// TestDeleted deletes topics: one under a running klamm, one while it is
// stopped.
func TestDeleted(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	prefix := kafka.UniqueName("deleted")
	file := mirrorFile(t, east, west, prefix)
	running, between := newJournal(t, east, prefix+".running", 2, nil), newJournal(t, east, prefix+".between", 1, nil)
	other := newJournal(t, east, prefix+".other", 1, nil)
	running.produce(8, 0, 1)
	between.produce(7, 0)
	p := start(t, file)
	running.delivered(p, 0, 1)
	between.delivered(p, 0)
	id := topicID(t, east, running.topic)
	remove(t, east, running.topic)
	for partition := range int32(2) {
		mentions(t, stopped(t, p, running.topic, partition, sdk.ReasonDeleted).LastError, id, "offset 8")
	}
	other.produce(9, 0)
	other.delivered(p, 0)
	p.stop()

	betweenID := topicID(t, east, between.topic)
	remove(t, east, between.topic)
	p = start(t, file)
	mentions(t, stopped(t, p, between.topic, 0, sdk.ReasonDeleted).LastError, betweenID, "offset 7")
	mentions(t, stopped(t, p, running.topic, 1, sdk.ReasonDeleted).LastError, id, "offset 8")
	other.produce(9, 0)
	other.delivered(p, 0)
	p.stop()
	for _, j := range []*journal{running, between, other} {
		j.copied(west, "east."+j.topic)
	}
}
