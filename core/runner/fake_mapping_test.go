// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// landed is a record in a target partition's log, at the offset that is its index.
type landed struct {
	sdk.Stream
	offset int64 // at the source
}

// land appends a record to a target partition and returns its offset there. Now
// and then somebody else has written before.
func (w *world) land(to sdk.TopicPartition, of sdk.Stream, offset int64) int64 {
	if offset%10 == 5 {
		w.copies[to] = append(w.copies[to], landed{})
	}
	w.copies[to] = append(w.copies[to], landed{of, offset})
	return int64(len(w.copies[to]) - 1)
}

// recent is how many offsets before a position are looked up at every commit.
const recent = 100

// checkMappings holds the mappings of a lane against what is at the target: those
// of the given positions, each as far back as back offsets.
func (w *world) checkMappings(lane int, back int64, of func(sdk.TopicPartition) bool) {
	l, err := ledger.DecodeLane(w.ledgers[lane])
	if err != nil {
		w.fault("%v", err)
		return
	}
	for tp, at := range l.Positions {
		if of(tp) {
			w.checkMapping(l.Mapping(tp), at, max(at.Offset-back, 0))
		}
	}
}

// checkMapping checks that a mapping ends at the position; that every record that
// was delivered before to the topic is mapped to one that is a copy of it, in order; and every
// other offset to the next record that was.
func (w *world) checkMapping(m *ledger.Mapping, at sdk.Position, from int64) {
	lookup := func(offset int64) ledger.Translation {
		t, err := m.Lookup(offset)
		if err != nil {
			w.fault("%s: %v", at, err)
		}
		return t
	}
	next := lookup(at.Offset)
	if next.Found != ledger.NotYet {
		w.fault("%s: the mapping goes on behind the position: %+v", at, next)
	}
	log := w.copies[tpOf(at.Target, at.Partition)]
	for o := at.Offset - 1; o >= from; o-- {
		switch t := lookup(o); {
		case t.Found == ledger.Exact:
			if t.Source != o || next.Target >= 0 && t.Target >= next.Target || log[t.Target] != (landed{at.Stream, o}) {
				w.fault("%s: offset %d is mapped to %+v, the next to %+v", at, o, t, next)
			}
			next = ledger.Translation{Found: ledger.Next, Source: o, Target: t.Target}
		case t.Found == ledger.Unmapped && o < w.starts[at.Stream]:
		case hasRecord(o) && o >= w.starts[at.Stream] && !w.passedOver(at.Stream, o) && !w.elsewhere[at.Stream][o]:
			w.fault("%s: offset %d was delivered, and is mapped as %+v", at, o, t)
		case t.Found != next.Found || t.Target != next.Target || t.Found == ledger.Next && t.Source != next.Source:
			w.fault("%s: offset %d is mapped as %+v, the next record as %+v", at, o, t, next)
		}
	}
}
