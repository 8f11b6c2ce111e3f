// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/sdk"
)

// overlay puts what this process knows first hand over what is written down.
func (r *Report) overlay(s runner.Status) {
	own := map[int]bool{}
	for _, l := range s.Lanes {
		if l.Lane == sdk.ControlLane || l.Lane > len(r.Lanes) {
			continue
		}
		own[l.Lane] = true
		lane := &r.Lanes[l.Lane-1]
		lane.State, lane.Restarts, lane.Batches = l.State, l.Restarts, l.Batches
		if l.LastError != "" {
			lane.LastError = l.LastError
		}
	}
	live := map[sdk.TopicPartition]runner.PartitionStatus{}
	for _, p := range s.Partitions {
		live[sdk.TopicPartition{Topic: p.Topic, Partition: p.Partition}] = p
	}
	for i := range r.Partitions {
		p := &r.Partitions[i]
		now, ok := live[sdk.TopicPartition{Topic: p.Topic, Partition: p.Partition}]
		if !ok || !own[p.Lane] {
			continue
		}
		p.State, p.Offset, p.Target = now.State, now.Offset, now.Target
		p.Reason, p.Lost, p.LastError = now.Reason, now.Lost, now.LastError
		if p.State != runner.Stopped {
			p.Stopped, p.CanSkip = nil, false
		}
		if now.End >= 0 {
			p.End = max(p.End, now.End)
		}
		if p.End >= 0 {
			p.LagRecords = max(p.End-p.Offset, 0)
		}
	}
	if s.LastErrorAt != nil && (r.LastErrorAt == nil || s.LastErrorAt.After(*r.LastErrorAt)) {
		r.LastError, r.LastErrorAt = s.LastError, s.LastErrorAt
	}
}

// summarise concludes from the lanes and partitions to the pipeline.
func (r *Report) summarise(pauses ledger.Pauses) {
	r.State = runner.Running
	known := true
	for _, l := range r.Lanes {
		r.Batches.Add(l.Batches)
		if l.LastErrorAt != nil && (r.LastErrorAt == nil || l.LastErrorAt.After(*r.LastErrorAt)) {
			r.LastError, r.LastErrorAt = l.LastError, l.LastErrorAt
		}
		if l.State != runner.Running {
			r.State = runner.Degraded
		}
	}
	for _, p := range r.Partitions {
		if p.Unselected {
			continue
		}
		known = known && (p.LagRecords >= 0 || p.State == runner.Stopped)
		r.LagRecords += max(p.LagRecords, 0)
		if p.State == runner.Stopped {
			r.State = runner.Degraded
		}
		if at := p.Stopped; at != nil && (r.LastErrorAt == nil || at.After(*r.LastErrorAt)) {
			r.LastError, r.LastErrorAt = p.LastError, at
		}
	}
	if !known {
		r.LagRecords = -1
	}
	_, paused := pauses[ledger.Everything()]
	switch {
	case len(r.Processes) == 0:
		r.State = runner.Idle
	case paused && r.State == runner.Running:
		r.State = runner.Paused
	}
}
