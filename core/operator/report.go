// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/sdk"
)

// Report is how a pipeline is, over all its processes.
type Report struct {
	Pipeline string          `json:"pipeline"`
	State    runner.State    `json:"state"`
	Source   runner.Endpoint `json:"source"`
	Sink     runner.Endpoint `json:"sink"`
	// LagRecords is the sum over the partitions; -1 if it is not known of all,
	// and SourceError then may say why.
	LagRecords int64 `json:"lag_records"`
	// Error says why nothing else is known; the state is then Unknown.
	Error       string     `json:"error,omitempty"`
	SourceError string     `json:"source_error,omitempty"`
	LastError   string     `json:"last_error,omitempty"` // the newest of all lanes and partitions
	LastErrorAt *time.Time `json:"last_error_at,omitempty"`
	Gaps        int        `json:"gaps"` // gap records
	// Batches are those of all lanes.
	Batches    ledger.Batches `json:"batches"`
	Pauses     []Paused       `json:"pauses"`
	Processes  []Process      `json:"processes"`
	Lanes      []Lane         `json:"lanes"`
	Partitions []Partition    `json:"partitions"`
}

// States of a pipeline that no process tells of.
const (
	New     runner.State = "new"     // it has never run
	Unknown runner.State = "unknown" // it cannot be told; the report's Error says why
)

// Without is the report of a pipeline that could not be asked.
func Without(pipeline string, err error) *Report {
	r := &Report{
		Pipeline: pipeline, State: Unknown, LagRecords: -1,
		Pauses: []Paused{}, Processes: []Process{}, Lanes: []Lane{}, Partitions: []Partition{},
	}
	if errors.Is(err, sdk.ErrNoStore) {
		r.State = New
	} else {
		r.Error = err.Error()
	}
	return r
}

// Paused is something that is paused; without a topic it is the pipeline, with
// partition -1 the topic.
type Paused struct {
	Topic     string `json:"topic,omitempty"`
	Partition int32  `json:"partition"`
	At        string `json:"at"`
	By        string `json:"by,omitempty"`
}

// Process is a process that runs the pipeline.
type Process struct {
	sdk.Owner
	Lanes []int `json:"lanes"` // the control lane (0) among them
}

// Lane is a lane, whoever owns it.
type Lane struct {
	Lane  int          `json:"lane"`
	Owner string       `json:"owner,omitempty"` // id of the process; empty if nobody owns it
	State runner.State `json:"state"`
	// Since, Restarts, LastError and Batches are what the owner (or the last one) wrote
	// down; an error stays until there is another one.
	Since       *time.Time `json:"since,omitempty"`
	Restarts    int        `json:"restarts"`
	LastError   string     `json:"last_error,omitempty"`
	LastErrorAt *time.Time `json:"last_error_at,omitempty"`
	// Batches are those delivered since that owner took the lane.
	Batches ledger.Batches `json:"batches"`
}

// Partition is a source partition that has a position.
type Partition struct {
	Topic     string       `json:"topic"`
	Partition int32        `json:"partition"`
	Target    string       `json:"target"`
	Lane      int          `json:"lane"`
	State     runner.State `json:"state"`
	Offset    int64        `json:"offset"` // next offset not known to be at the target
	End       int64        `json:"end"`    // -1 if it is not known
	// LagRecords is -1 if it is not known.
	LagRecords int64 `json:"lag_records"`
	// Unselected says that the file does not select the topic any more: the
	// position is kept, and counts for nothing.
	Unselected bool `json:"unselected,omitempty"`
	// Reason, Stopped, Lost, LastError and CanSkip are set if it is stopped.
	Reason    sdk.Reason   `json:"reason,omitempty"`
	Stopped   *time.Time   `json:"stopped_at,omitempty"`
	Lost      *sdk.Offsets `json:"offsets,omitempty"`
	LastError string       `json:"last_error,omitempty"`
	CanSkip   bool         `json:"can_skip,omitempty"` // positions skip needs no offset
}

// Report tells how the pipeline is.
func (d *Desk) Report(ctx context.Context) (*Report, error) {
	c, err := d.control(ctx)
	if err != nil {
		return nil, err
	}
	owners, err := d.store.Owners(ctx)
	if err != nil {
		return nil, err
	}
	lanes, err := d.lanes(ctx)
	if err != nil {
		return nil, err
	}
	r := &Report{
		Pipeline: d.pipeline.Name,
		Source:   runner.EndpointOf(d.pipeline.Source.Plugin, d.pipeline.Source.Config),
		Sink:     runner.EndpointOf(d.pipeline.Sink.Plugin, d.pipeline.Sink.Config),
		Pauses:   pausesOf(c.Pauses), Processes: processesOf(owners),
		Lanes: []Lane{}, Partitions: []Partition{},
	}
	r.Source.ID, r.Sink.ID = c.Birth.Source, c.Birth.Sink
	for i, l := range lanes {
		r.Gaps += len(l.Gaps)
		lane := laneOf(i+1, l.State, owners)
		r.Lanes = append(r.Lanes, lane)
		for tp, at := range l.Positions {
			r.Partitions = append(r.Partitions, partitionOf(tp, at, l, lane, c.Pauses))
		}
	}
	slices.SortFunc(r.Partitions, func(a, b Partition) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	d.markUnselected(r)
	d.measure(ctx, r, lanes)
	if d.running != nil {
		r.overlay(d.running.Status())
	}
	r.summarise(c.Pauses)
	return r, nil
}

func compare(a, b sdk.TopicPartition) int {
	return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

func pausesOf(pauses ledger.Pauses) []Paused {
	all := []Paused{}
	for s, p := range pauses {
		all = append(all, Paused{Topic: s.Topic, Partition: s.Partition, At: p.At, By: p.By})
	}
	slices.SortFunc(all, func(a, b Paused) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return all
}

func processesOf(owners map[int]sdk.Owner) []Process {
	byID := map[string]*Process{}
	for lane, o := range owners {
		if byID[o.ID] == nil {
			byID[o.ID] = &Process{Owner: o}
		}
		byID[o.ID].Lanes = append(byID[o.ID].Lanes, lane)
	}
	all := []Process{}
	for _, p := range byID {
		slices.Sort(p.Lanes)
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b Process) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func laneOf(number int, s *ledger.State, owners map[int]sdk.Owner) Lane {
	l := Lane{Lane: number, State: runner.Idle}
	if s != nil {
		l.Restarts, l.LastError, l.Batches = s.Restarts, s.LastError, s.Batches
		l.Since = &s.Since
		if s.LastError != "" {
			l.LastErrorAt = &s.LastErrorAt
		}
	}
	o, owned := owners[number]
	switch {
	case !owned:
		l.Since = nil
	case s == nil || s.State == string(runner.Stopped):
		l.Owner, l.State = o.ID, runner.Starting
	default:
		l.Owner, l.State = o.ID, runner.State(s.State)
	}
	return l
}

func partitionOf(tp sdk.TopicPartition, at sdk.Position, l *ledger.Lane, lane Lane, pauses ledger.Pauses) Partition {
	p := Partition{
		Topic: tp.Topic, Partition: tp.Partition, Target: at.Target, Lane: lane.Lane, State: lane.State,
		Offset: at.Offset, End: -1, LagRecords: -1,
	}
	s, stopped := l.Stops[tp]
	switch {
	case stopped:
		p.State, p.Reason, p.LastError, p.CanSkip = runner.Stopped, s.Reason, s.Error, s.Resume != nil
		p.Stopped, p.Lost = &s.At, &s.Offsets
	case pauses.Hold(tp):
		p.State = runner.Paused
	}
	return p
}

// markUnselected marks what the file does not select any more.
func (d *Desk) markUnselected(r *Report) {
	selecting, ok := d.pipeline.Source.Config.(sdk.Selecting)
	if !ok {
		return
	}
	selected := map[string]bool{}
	for i := range r.Partitions {
		p := &r.Partitions[i]
		if _, asked := selected[p.Topic]; !asked {
			selected[p.Topic] = selecting.SelectsTopic(p.Topic)
		}
		if !selected[p.Topic] {
			p.Unselected, p.State = true, runner.Idle
		}
	}
}

// measure asks the source where its partitions end.
func (d *Desk) measure(ctx context.Context, r *Report, lanes []*ledger.Lane) {
	if d.source == nil {
		r.SourceError = d.noSource.Error()
		return
	}
	lister, ok := d.source.(sdk.EndLister)
	if !ok {
		return
	}
	var streams []sdk.Stream
	for _, l := range lanes {
		for _, at := range l.Positions {
			streams = append(streams, at.Stream)
		}
	}
	ends, err := lister.Ends(ctx, streams)
	if err != nil {
		r.SourceError = err.Error()
	}
	for i := range r.Partitions {
		p := &r.Partitions[i]
		if end, ok := ends[sdk.TopicPartition{Topic: p.Topic, Partition: p.Partition}]; ok {
			p.End, p.LagRecords = end, max(end-p.Offset, 0)
		}
	}
}
