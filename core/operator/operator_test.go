// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/sdk"
)

func tp(topic string, partition int32) sdk.TopicPartition {
	return sdk.TopicPartition{Topic: topic, Partition: partition}
}

// planned is a change, and what it comes to.
type planned struct {
	name string
	plan func(context.Context, *Desk) ([]*Change, error)
	want string // partition from->to, gap or repeats
	err  string
}

func plans() []planned {
	skip := func(of sdk.TopicPartition, offset int64) func(context.Context, *Desk) ([]*Change, error) {
		return func(ctx context.Context, d *Desk) ([]*Change, error) {
			c, err := d.Skip(ctx, of, offset)
			return []*Change{c}, err
		}
	}
	set := func(of sdk.TopicPartition, offset int64) func(context.Context, *Desk) ([]*Change, error) {
		return func(ctx context.Context, d *Desk) ([]*Change, error) {
			c, err := d.Set(ctx, of, offset)
			return []*Change{c}, err
		}
	}
	reset := func(scope ledger.Scope, where string) func(context.Context, *Desk) ([]*Change, error) {
		return func(ctx context.Context, d *Desk) ([]*Change, error) { return d.Reset(ctx, scope, where) }
	}
	return []planned{
		{"skip a gap", skip(tp("a", 1), -1), "a-1 50->60 gap [50, 60) gap", ""},
		{"skip further", skip(tp("a", 1), 70), "a-1 50->70 gap [50, 70) gap", ""},
		{"skip forward", skip(tp("a", 0), 55), "a-0 50->55 gap [50, 55) skipped", ""},
		{"skip in a topic made again", skip(tp("b", 0), 20), "b-0 50->20 gap [50, -1) skipped", ""},
		{"skip back", skip(tp("a", 0), 40), "", "at offset 50 already"},
		{"skip what runs", skip(tp("a", 0), -1), "", "not stopped"},
		{"skip without a place", skip(tp("a", 2), -1), "", "no right to read"},
		{"skip beyond", skip(tp("a", 0), 101), "", "beyond the log, which ends at 100"},
		{"set back", set(tp("a", 0), 20), "a-0 50->20 repeats 30", ""},
		{"set forward", set(tp("a", 0), 100), "a-0 50->100 gap [50, 100) skipped", ""},
		{"set to where it is", set(tp("a", 0), 50), "a-0 50->50 repeats 0", ""},
		{"set before the log", set(tp("a", 0), 9), "", "the log begins at 10"},
		{"unknown topic", set(tp("aa", 0), 20), "", `topic aa has no positions; topics that have some: a, b`},
		{"unknown partition", set(tp("a", 3), 20), "", "those that have one: 0, 1, 2"},
		{"reset a topic", reset(ledger.Scope{Topic: "a", Partition: -1}, "earliest"), "a-0 50->10 repeats 40; a-1 50->10 repeats 40; a-2 50->10 repeats 40", ""},
		{"reset a partition", reset(ledger.Scope{Topic: "a", Partition: 2}, "latest"), "a-2 50->100 gap [50, 100) denied", ""},
		{"reset outside the log", reset(ledger.Scope{Topic: "a", Partition: 0}, "5000"), "a-0 50->100 gap [50, 100) skipped", ""},
		{"reset to nowhere", reset(ledger.Everything(), "yesterday"), "", "yesterday"},
		{"reset an unknown topic", reset(ledger.Scope{Topic: "order", Partition: -1}, "latest"), "", "topic order has no positions"},
	}
}

// TestPlans makes every kind of change to every kind of partition; what cannot be
// meant is a RequestError.
func TestPlans(t *testing.T) {
	for _, tt := range plans() {
		t.Run(tt.name, func(t *testing.T) {
			d, _ := world(t)
			changes, err := tt.plan(t.Context(), d)
			if tt.err != "" {
				if _, asked := errors.AsType[*RequestError](err); !asked || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), "pipeline dr") {
					t.Errorf("error %v (%T), want a request error with %q", err, err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, c := range changes {
				all = append(all, describe(c))
			}
			if got := strings.Join(all, "; "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func describe(c *Change) string {
	s := fmt.Sprintf("%s %d->%d", c.TopicPartition, c.From.Offset, c.To.Offset)
	if c.Gap != nil {
		return fmt.Sprintf("%s gap %s %s", s, c.Gap.Offsets, c.Gap.Reason)
	}
	return fmt.Sprintf("%s repeats %d", s, c.Repeats)
}

func TestNearestTopic(t *testing.T) {
	d, _ := world(t)
	err := d.unknown(tp("order", 0), []sdk.TopicPartition{tp("orders", 0), tp("orders", 1), tp("payments", 0)})
	if !strings.Contains(err.Error(), `did you mean "orders"?`) {
		t.Error(err)
	}
}

// TestApplyAlone carries a change out where no process runs: position, gap and the
// end of the stop are there at once.
func TestApplyAlone(t *testing.T) {
	d, s := world(t)
	of := tp("a", 1)
	c, err := d.Skip(t.Context(), of, -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Apply(t.Context(), []*Change{c}); err != nil {
		t.Fatal(err)
	}
	skipped(t, s, of)
	if moves := s.control(t).Moves; len(moves) > 0 {
		t.Errorf("words are left: %v", moves)
	}
	gaps, err := d.Gaps(t.Context())
	if err != nil || len(gaps) != 1 || gaps[0].Topic != "a" {
		t.Errorf("%v, %v", gaps, err)
	}
}

// TestApplyMovesTheMapping: with the position its mapping moves.
func TestApplyMovesTheMapping(t *testing.T) {
	of := tp("a", 0)
	tests := []struct {
		name string
		to   int64
		want []ledger.Translation // of 39, 40 and 45
	}{
		{"back", 40, []ledger.Translation{{Found: ledger.Exact, Source: 39, Target: 139}, {Found: ledger.NotYet, Source: 40, Target: 140}, {Found: ledger.NotYet, Source: 45, Target: 140}}},
		{"forward", 70, []ledger.Translation{{Found: ledger.Exact, Source: 39, Target: 139}, {Found: ledger.Exact, Source: 40, Target: 140}, {Found: ledger.Exact, Source: 45, Target: 145}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, s := world(t)
			at := s.lane(t, of).Positions[of]
			at.Offset = 30
			tail := ledger.NewTail(at)
			tail.Append([]sdk.Run{{TopicPartition: sdk.TopicPartition{Topic: "east.a"}, Source: 30, Target: 130, Count: 20}}, sdk.Offsets{From: 30, To: 50})
			entries, err := tail.Entries()
			if err != nil || len(entries) != 1 {
				t.Fatal(entries, err)
			}
			s.put(t, of, encode(entries[0], nil))
			c, err := d.Set(t.Context(), of, tt.to)
			if err == nil {
				err = d.Apply(t.Context(), []*Change{c})
			}
			if err != nil {
				t.Fatal(err)
			}
			l := s.lane(t, of)
			for i, offset := range []int64{39, 40, 45} {
				if got, err := l.Mapping(of).Lookup(offset); err != nil || got != tt.want[i] {
					t.Errorf("offset %d: got %+v, %v; want %+v", offset, got, err, tt.want[i])
				}
			}
			if at := l.Positions[of]; at.Offset != tt.to {
				t.Errorf("position %s", at)
			}
		})
	}
}

// skipped checks that the ledger has what skipping the gap of a partition writes.
func skipped(t *testing.T, s *fakeStore, of sdk.TopicPartition) {
	t.Helper()
	l := s.lane(t, of)
	if at := l.Positions[of]; at.Offset != 60 || at.LeaderEpoch != 2 || at.Target != "east.a" {
		t.Errorf("the position is %+v", at)
	}
	if _, still := l.Stops[of]; still {
		t.Error("it is stopped still")
	}
	if len(l.Gaps) != 1 || l.Gaps[0].Offsets != (sdk.Offsets{From: 50, To: 60}) || l.Gaps[0].Error != "10 offsets are gone" || l.Gaps[0].Cause != "positions skip" {
		t.Errorf("the gaps are %+v", l.Gaps)
	}
}

// owner carries out moves as a running process would, when it sees them. Before, the
// partition has gone on to an offset by itself.
func owner(t *testing.T, s *fakeStore, of sdk.TopicPartition, offset int64) {
	t.Helper()
	lane := ledger.LaneOf(of, s.Lanes())
	s.owners[lane] = sdk.Owner{ID: "klamm-a-1"}
	carry := func() bool {
		m, ok := s.control(t).Moves[of]
		if !ok {
			return false
		}
		l := s.lane(t, of)
		from := l.Positions[of]
		var stop *ledger.Stop
		if st, ok := l.Stops[of]; ok {
			stop = &st
		} else {
			from.Offset = offset
		}
		_, entries, err := m.Carry(from, l.Mapping(of), stop, time.Unix(20, 0))
		if err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		s.write(lane, entries...)
		s.mu.Unlock()
		return true
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for !carry() && ctx.Err() == nil {
			<-tick.C
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// TestApplyByOwner tells the process that owns the lane, and takes the word back.
func TestApplyByOwner(t *testing.T) {
	d, s := world(t)
	of := tp("a", 1)
	c, err := d.Skip(t.Context(), of, -1)
	if err != nil {
		t.Fatal(err)
	}
	owner(t, s, of, 50)
	if err := d.Apply(t.Context(), []*Change{c}); err != nil {
		t.Fatal(err)
	}
	skipped(t, s, of)
	if moves := s.control(t).Moves; len(moves) > 0 {
		t.Errorf("words are left: %v", moves)
	}
	if s.epochs[ledger.LaneOf(of, 2)] != 0 {
		t.Error("the owner was fenced")
	}
}

// TestApplyTooLate skips to where the owner has been meanwhile; and a set tells what
// it has really done.
func TestApplyTooLate(t *testing.T) {
	d, s := world(t)
	of := tp("a", 0)
	c, err := d.Skip(t.Context(), of, 55)
	if err != nil {
		t.Fatal(err)
	}
	owner(t, s, of, 80)
	if err := d.Apply(t.Context(), []*Change{c}); err == nil || !strings.Contains(err.Error(), "it is there already") {
		t.Errorf("error %v", err)
	}
	c, err = d.Set(t.Context(), of, 60)
	if err != nil {
		t.Fatal(err)
	}
	owner(t, s, of, 80)
	if err := d.Apply(t.Context(), []*Change{c}); err != nil || describe(c) != "a-0 80->60 repeats 20" {
		t.Errorf("%s, %v", describe(c), err)
	}
}

// TestApplyBesideANewcomer meets a process that takes the lane in the very moment.
func TestApplyBesideANewcomer(t *testing.T) {
	d, s := world(t)
	of := tp("a", 1)
	c, err := d.Skip(t.Context(), of, -1)
	if err != nil {
		t.Fatal(err)
	}
	lane := ledger.LaneOf(of, 2)
	s.opened = func(opened int) {
		if opened == lane {
			s.opened = nil
			s.mu.Lock()
			s.epochs[lane]++
			s.mu.Unlock()
			owner(t, s, of, 50)
		}
	}
	if err := d.Apply(t.Context(), []*Change{c}); err != nil {
		t.Fatal(err)
	}
	skipped(t, s, of)
}

func TestReport(t *testing.T) {
	d, s := world(t)
	r, err := d.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.State != runner.Idle || r.LagRecords != 200 || r.Source.ID != "E" || len(r.Partitions) != 4 || r.LastError != "10 offsets are gone" {
		t.Errorf("with no process: %+v", r)
	}
	batches := ledger.Batches{Encoded: 9, Decoded: map[string]int64{"gap": 1}}
	running, err := ledger.State{State: string(runner.Running), Batches: batches}.Entry()
	if err != nil {
		t.Fatal(err)
	}
	for lane := 1; lane <= 2; lane++ {
		s.write(lane, running)
		s.owners[lane] = sdk.Owner{ID: "klamm-a-1"}
	}
	if r, err = d.Report(t.Context()); err != nil || r.State != runner.Degraded || len(r.Processes) != 1 {
		t.Errorf("with partitions stopped: %+v, %v", r, err)
	}
	if all := (ledger.Batches{Encoded: 18, Decoded: map[string]int64{"gap": 2}}); !r.Batches.Equal(all) || !r.Lanes[1].Batches.Equal(batches) {
		t.Errorf("batches %+v, want %+v; of lane 2 %+v, want %+v", r.Batches, all, r.Lanes[1].Batches, batches)
	}
	want := map[string]runner.State{"a0": runner.Running, "a1": runner.Stopped, "a2": runner.Stopped, "b0": runner.Running}
	for _, p := range r.Partitions {
		name := fmt.Sprint(p.Topic, p.Partition)
		if p.State != want[name] || p.CanSkip != (name == "a1") || p.Offset != 50 || p.End != 100 {
			t.Errorf("%+v", p)
		}
	}
	d.source, d.noSource = nil, errors.New("no route to east")
	if r, err = d.Report(t.Context()); err != nil || r.SourceError != "no route to east" || r.LagRecords != -1 {
		t.Errorf("without the source: %+v, %v", r, err)
	}
}

// TestReportOfAProcess has what the process knows first hand over what it wrote down.
func TestReportOfAProcess(t *testing.T) {
	written, now, other := ledger.Batches{Encoded: 1}, ledger.Batches{Encoded: 8, Decoded: map[string]int64{"cut": 1}}, ledger.Batches{Encoded: 5}
	r := &Report{Lanes: []Lane{{Lane: 1, Batches: written}, {Lane: 2, Batches: other}}}
	r.overlay(runner.Status{Lanes: []runner.LaneStatus{{Lane: sdk.ControlLane}, {Lane: 1, State: runner.Running, Batches: now}}})
	r.summarise(nil)
	if all := (ledger.Batches{Encoded: 13, Decoded: map[string]int64{"cut": 1}}); !r.Lanes[0].Batches.Equal(now) || !r.Batches.Equal(all) {
		t.Errorf("batches %+v, of lane 1 %+v", r.Batches, r.Lanes[0].Batches)
	}
}

func TestPauses(t *testing.T) {
	d, s := world(t)
	ctx, topic := t.Context(), ledger.Scope{Topic: "a", Partition: ledger.AllPartitions}
	if err := d.Pause(ctx, topic, "eva"); err != nil {
		t.Fatal(err)
	}
	if p := s.control(t).Pauses[topic]; p.By != "eva" {
		t.Errorf("the pause is %+v", p)
	}
	if r, _ := d.Report(t.Context()); len(r.Pauses) != 1 || r.Pauses[0].Topic != "a" || r.Partitions[0].State != runner.Paused || r.Partitions[1].State != runner.Stopped || r.Partitions[3].State != runner.Idle {
		t.Errorf("%+v", r)
	}
	for _, tt := range []struct {
		err  error
		says string
	}{
		{d.Resume(ctx, ledger.Scope{Topic: "a", Partition: 1}), `paused are ["topic a"]`},
		{d.Resume(ctx, ledger.Everything()), "the pipeline is not paused"},
		{d.Pause(ctx, ledger.Scope{Topic: "c", Partition: -1}, ""), "topic c has no positions"},
		{d.Pause(ctx, ledger.Scope{Topic: "a", Partition: 7}, ""), "partition 7"},
	} {
		if _, asked := errors.AsType[*RequestError](tt.err); !asked || !strings.Contains(tt.err.Error(), tt.says) {
			t.Errorf("error %v, want %q", tt.err, tt.says)
		}
	}
	if err := d.Resume(ctx, topic); err != nil || len(s.control(t).Pauses) > 0 {
		t.Errorf("resuming: %v", err)
	}
}
