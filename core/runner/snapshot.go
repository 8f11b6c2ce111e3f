// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"slices"
	"strings"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// Status is a snapshot; it may be called at any time, from any goroutine.
func (r *Runner) Status() Status {
	now, p := time.Now(), r.spec.Load()
	s := Status{
		Pipeline:    r.name,
		Source:      EndpointOf(p.Source.Plugin, p.Source.Config),
		Sink:        EndpointOf(p.Sink.Plugin, p.Sink.Config),
		MemoryBytes: r.memory[0].Used() + r.memory[1].Used(),
		MemoryLimit: r.memory[0].Limit() + r.memory[1].Limit(),
		Lanes:       []LaneStatus{}, Partitions: []PartitionStatus{},
	}
	troubled := r.health.describe(&s, now)
	r.mu.Lock()
	lanes, paused := r.ownedLanes(), false
	if r.control != nil { // both ends are open
		_, paused = r.control.Pauses[ledger.Everything()]
		s.Source.ID, s.Sink.ID, s.Bounded, s.LanesTotal = r.source.ID(), r.sink.ID(), r.source.Bounded(), r.store.Lanes()
	}
	r.mu.Unlock()
	for _, l := range lanes {
		if l.number == sdk.ControlLane {
			s.ControlOwned = true
		} else {
			s.LanesOwned++
		}
		s.Lanes = append(s.Lanes, l.describe())
		if f := l.current(); f != nil {
			s.Partitions = append(s.Partitions, f.describe(now)...)
		}
	}
	s.summarise(troubled)
	if paused && s.State == Running {
		s.State = Paused
	}
	return s
}

// EndpointOf describes a stage that reads or writes.
func EndpointOf(plugin string, config any) Endpoint {
	e := Endpoint{Plugin: plugin}
	if c, ok := config.(sdk.Clustered); ok && c.UsesCluster() != nil {
		e.Cluster = c.UsesCluster().Name
	}
	return e
}

// describe fills in what health knows, and reports whether something is being
// retried now.
func (h *health) describe(s *Status, now time.Time) (troubled bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.State, s.Since, s.Started, s.LastError = h.state, h.since, h.started, h.last
	if h.last != "" {
		at := h.lastAt
		s.LastErrorAt = &at
	}
	s.LaneRestarts, s.Gaps, s.Latency = h.restarts, h.gaps, h.latency
	s.Topics = make(map[string]Total, len(h.totals))
	for topic, t := range h.totals {
		s.Topics[topic] = t.clone()
		s.Records += t.Records
		s.Bytes += t.Bytes
		s.Batches.Add(t.Batches)
	}
	return h.troubledLocked(now)
}

func (s *Status) summarise(troubled bool) {
	slices.SortFunc(s.Partitions, func(a, b PartitionStatus) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return int(a.Partition - b.Partition)
	})
	known := true
	for _, l := range s.Lanes {
		troubled = troubled || l.State == Retrying
	}
	for _, p := range s.Partitions {
		troubled = troubled || p.State == Stopped
		known = known && (p.LagRecords >= 0 || p.State != Running)
		s.LagRecords += max(p.LagRecords, 0)
		s.LagSeconds = max(s.LagSeconds, p.LagSeconds)
	}
	if !known {
		s.LagRecords, s.LagSeconds = -1, -1
	}
	if troubled && s.State == Running {
		s.State = Degraded
	}
}

func (l *lane) describe() LaneStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := LaneStatus{Lane: l.number, State: l.state, Restarts: l.restarts, Batches: l.batches.Clone()}
	if l.last != nil {
		s.LastError = l.last.Error()
	}
	return s
}

func (f *flow) describe(now time.Time) []PartitionStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]PartitionStatus, 0, len(f.partitions))
	for tp, p := range f.partitions {
		s := PartitionStatus{
			Topic: tp.Topic, Partition: tp.Partition, Target: p.target, Lane: f.lane.number, State: p.state(),
			Offset: p.next.Offset, End: p.end, LagRecords: p.lag(), LagSeconds: p.lagSeconds(now),
			Records: p.records, Bytes: p.bytes,
		}
		if p.stop != nil {
			at := p.stop.Offsets
			s.Reason, s.Lost, s.LastError = p.stop.Reason, &at, p.stop.Error()
		}
		out = append(out, s)
	}
	return out
}

// reading returns the partitions that are not at an end.
func (f *flow) reading() []sdk.Stream {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []sdk.Stream
	for _, p := range f.partitions {
		if p.stop == nil {
			out = append(out, p.Stream)
		}
	}
	return out
}

func (f *flow) setEnds(ends map[sdk.TopicPartition]int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	for tp, end := range ends {
		if p, ok := f.partitions[tp]; ok {
			p.setEnd(end, now)
		}
	}
}

// finished reports whether every partition is at the end of a bounded source,
// and what was delivered is stored.
func (f *flow) finished() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.adopted {
		return false
	}
	for _, p := range f.partitions {
		if !p.over() {
			return false
		}
	}
	return true
}

// stopped returns why partitions stopped, in the order of their names.
func (r *Runner) stopped() []*sdk.PartitionError {
	r.mu.Lock()
	lanes := r.ownedLanes()
	r.mu.Unlock()
	var out []*sdk.PartitionError
	for _, l := range lanes {
		if f := l.current(); f != nil {
			out = append(out, f.stopped()...)
		}
	}
	slices.SortFunc(out, func(a, b *sdk.PartitionError) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return int(a.Partition - b.Partition)
	})
	return out
}

func (f *flow) stopped() []*sdk.PartitionError {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []*sdk.PartitionError
	for _, p := range f.partitions {
		if p.stop != nil {
			out = append(out, p.stop)
		}
	}
	return out
}
