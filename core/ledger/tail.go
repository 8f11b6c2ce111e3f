// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"math"

	"github.com/klamm-io/klamm/sdk"
)

// Tail is the newest end of a mapping, which grows with the position. It is all
// of a mapping that has to be in memory.
type Tail struct {
	segment
	closed []segment // since the last Entries
	stale  []int64   // segments that are no part of the mapping any more
}

// NewTail is that of a partition whose mapping begins at a position.
func NewTail(at sdk.Position) *Tail {
	return &Tail{segment: segment{
		Stream: at.Stream, target: at.Target, since: at.Offset, Offsets: sdk.Offsets{From: at.Offset, To: at.Offset},
	}}
}

// Append takes the runs of a delivery, as far as the position has moved over them.
// A mapping is of the partition of the same number in the position's target topic:
// runs to anywhere else (a transform sends records to another topic, a partitioner
// to another partition) are left out.
//
// After a crash, what was delivered and not stored is delivered again: the mapping
// names the second copy.
func (t *Tail) Append(runs []sdk.Run, moved sdk.Offsets) {
	to := sdk.TopicPartition{Topic: t.target, Partition: t.Partition}
	for _, r := range runs {
		if r.TopicPartition != to || r.Source < 0 || r.Target < 0 || r.Count > math.MaxInt64-max(r.Source, r.Target) {
			continue
		}
		from, end := max(r.Source, moved.From, t.To), min(r.Source+r.Count, moved.To)
		if from < end {
			t.add(offsetRun{source: from, target: r.Target + from - r.Source, count: end - from})
		}
	}
	t.To = max(t.To, moved.To)
}

// add appends a run. A target offset that was there before is that of another log:
// the topic was made again, or truncated, and nobody knows what it still has of
// what was mapped. So the mapping begins anew; what is stored before its beginning
// is removed when the lane is next opened.
func (t *Tail) add(r offsetRun) {
	var last *offsetRun
	if n := len(t.runs); n > 0 {
		last = &t.runs[n-1]
	}
	switch {
	case last == nil:
	case r.target < last.targetEnd():
		t.stale = append(t.stale, t.From)
		t.closed, t.runs, t.since, t.From = nil, nil, r.source, r.source
	case r.source == last.sourceEnd() && r.target == last.targetEnd():
		last.count += r.count
		return
	case len(t.runs) == segmentRuns:
		done := t.segment
		done.To = r.source
		t.closed = append(t.closed, done)
		t.runs, t.From = nil, r.source
	}
	t.runs = append(t.runs, r)
	t.To = r.sourceEnd()
}

// Entries are what to write in the same commit as the position: what the mapping
// has become since they were last asked for.
func (t *Tail) Entries() ([]sdk.Entry, error) {
	var entries []sdk.Entry
	for _, from := range t.stale {
		entries = append(entries, sdk.Entry{Key: segmentKey(t.TopicPartition, from)})
	}
	for _, s := range append(t.closed, t.segment) {
		e, err := s.entry()
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	t.stale, t.closed = nil, nil
	return entries, nil
}

// Tails returns those of the lane's mappings.
func (l *Lane) Tails() (map[sdk.TopicPartition]*Tail, error) {
	tails := make(map[sdk.TopicPartition]*Tail, len(l.segments))
	for tp := range l.segments {
		t, err := l.Mapping(tp).Tail()
		if err != nil {
			return nil, err
		}
		tails[tp] = t
	}
	return tails, nil
}
