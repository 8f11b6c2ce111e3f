// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"slices"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// write makes a record durable at the target. What is written follows what was
// written before, or repeats it; a hole is what gap records say.
func (w *world) write(s sdk.Stream, target string, offset int64, value string) {
	if value != valueAt(s.TopicPartition, offset) {
		w.fault("%s offset %d was written as %q", s.TopicPartition, offset, value)
	}
	if log := w.logs[s]; len(log) > 0 {
		before := log[len(log)-1]
		if w.zombies {
			before = slices.Max(log)
		}
		for o := before + 1; o < offset; o++ {
			if hasRecord(o) && !w.passedOver(s, o) && !(w.moved && w.durable[s][o]) {
				w.fault("%s offset %d was written behind a hole: %d came before", s.TopicPartition, offset, before)
				break
			}
		}
	}
	w.logs[s] = append(w.logs[s], offset)
	if w.durable[s] == nil {
		w.durable[s] = map[int64]bool{}
	}
	w.durable[s][offset] = true
	if w.targets[target] == nil {
		w.targets[target] = map[string]bool{}
	}
	w.targets[target][value] = true
}

// passedOver reports whether a gap record covers an offset.
func (w *world) passedOver(s sdk.Stream, offset int64) bool {
	if w.leftOut != nil && w.leftOut(offset) {
		return true
	}
	return slices.ContainsFunc(w.passed[s], func(g sdk.Offsets) bool {
		return g.From <= offset && (offset < g.To || g.To == ledger.OpenEnd)
	})
}

// stored is a partition's position in the store; -1 if there is none.
func (w *world) stored(tp sdk.TopicPartition) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.storedLocked(tp)
}

func (w *world) storedLocked(tp sdk.TopicPartition) int64 {
	p, ok := w.positionLocked(tp)
	if !ok {
		return -1
	}
	return p.Offset
}

func (w *world) positionLocked(tp sdk.TopicPartition) (sdk.Position, bool) {
	key := sdk.PositionKey(tp)
	value, ok := w.ledgers[ledger.LaneOf(tp, w.lanes)][key]
	if !ok {
		return sdk.Position{}, false
	}
	p, _, err := sdk.DecodePosition(key, value)
	if err != nil {
		w.fault("%v", err)
	}
	return p, true
}

// checkCommit holds a commit against invariants 1 to 3: a position goes over what
// is durable, and anywhere else only beside the gap or the move that says so.
func (w *world) checkCommit(lane int, entries []sdk.Entry) {
	set := map[string][]byte{}
	var gone []sdk.TopicPartition
	for _, e := range entries {
		if e.Value != nil {
			set[e.Key] = e.Value
		} else if tp, ok := w.positionKeys()[e.Key]; ok {
			gone = append(gone, tp)
		}
	}
	l, err := ledger.DecodeLane(set)
	if err != nil {
		w.fault("%v", err)
		return
	}
	gaps := map[sdk.TopicPartition]ledger.Gap{}
	for _, g := range l.Gaps {
		if _, twice := gaps[g.TopicPartition]; twice {
			w.fault("%s has two gaps in one commit", g.TopicPartition)
		}
		gaps[g.TopicPartition] = g
		if _, ok := l.Positions[g.TopicPartition]; !ok && !slices.Contains(gone, g.TopicPartition) {
			w.fault("%s has a gap %s without a position", g.TopicPartition, g.Offsets)
		}
	}
	for tp, m := range l.Moved {
		if w.carried[m.ID] {
			w.fault("the move %s of %s is carried out twice", m.ID, tp)
		}
		w.carried[m.ID] = true
	}
	for _, tp := range gone {
		if g, ok := gaps[tp]; !ok || g.From != w.storedLocked(tp) || g.To != ledger.OpenEnd {
			w.fault("the position of %s is removed, with the gap %s", tp, g.Offsets)
		}
	}
	for tp, p := range l.Positions {
		if ledger.LaneOf(tp, w.lanes) != lane {
			w.fault("lane %d stores the position of %s", lane, tp)
		}
		gap, isGap := gaps[tp]
		moved, isMoved := l.Moved[tp]
		w.checkPosition(p, gap, isGap, isMoved && moved.Refused == "")
	}
}

func (w *world) positionKeys() map[string]sdk.TopicPartition {
	keys := map[string]sdk.TopicPartition{}
	for tp := range w.ids {
		keys[sdk.PositionKey(tp)] = tp
	}
	return keys
}

func (w *world) checkPosition(p sdk.Position, gap ledger.Gap, isGap, moved bool) {
	was, stored := w.positionLocked(p.TopicPartition)
	switch {
	case !stored || w.fresh && p.Offset == w.since[p.TopicPartition]:
		w.starts[p.Stream] = p.Offset
	case was.TopicID != p.TopicID:
		if !isGap || gap.Offsets != (sdk.Offsets{From: was.Offset, To: ledger.OpenEnd}) || gap.Stream != was.Stream {
			w.fault("%s went to another topic at %d, with the gap %s", was, p.Offset, gap.Offsets)
		}
		w.starts[p.Stream] = p.Offset
	case p.Offset < was.Offset && isGap && gap.Reason == sdk.ReasonTruncated:
		if gap.Offsets != (sdk.Offsets{From: p.Offset, To: was.Offset}) {
			w.fault("%s went back to %d, with the gap %s", was, p.Offset, gap.Offsets)
		}
	case p.Offset < was.Offset && moved:
		w.starts[p.Stream], w.moved = min(w.starts[p.Stream], p.Offset), true
	case p.Offset < was.Offset:
		w.fault("%s went back from %d to %d", p.TopicPartition, was.Offset, p.Offset)
	case isGap && gap.Reason == sdk.ReasonRejected:
		if gap.From < was.Offset || gap.To > p.Offset || gap.Stream != was.Stream {
			w.fault("%s went on to %d, with the gap %s of rejected records", was, p.Offset, gap.Offsets)
		}
	case isGap && (gap.Offsets != (sdk.Offsets{From: was.Offset, To: p.Offset}) || gap.Stream != was.Stream):
		w.fault("%s went on to %d, with the gap %s", was, p.Offset, gap.Offsets)
	}
	if isGap && gap.Reason != sdk.ReasonRejected {
		w.passed[gap.Stream] = append(w.passed[gap.Stream], gap.Offsets)
		w.event("gap %s %s", p.TopicPartition, gap.Offsets)
	}
	for o := w.starts[p.Stream]; o < p.Offset; o++ {
		if hasRecord(o) && !w.durable[p.Stream][o] && !w.passedOver(p.Stream, o) {
			w.fault("%s has position %d, but %d is not durable", p.TopicPartition, p.Offset, o)
			break
		}
	}
	w.event("store %s", p)
}
