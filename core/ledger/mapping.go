// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/klamm-io/klamm/sdk"
)

// Mapping says where the records of a source partition are at the target: the
// exact target offset of each that was delivered before the position. It is stored
// as segments, the newest of them together with the position, so it is never
// ahead of the data nor behind the position. Segments are decoded when they are
// needed. A Mapping is used by one goroutine at a time.
type Mapping struct {
	at     sdk.Position    // to which it reaches; its offset is -1 if there is none
	stored []storedSegment // by from
	last   *segment        // the newest, if it was decoded
	looked *segment        // the one that Lookup decoded last
}

type storedSegment struct {
	from int64
	raw  []byte
}

// Mapping returns that of a partition.
func (l *Lane) Mapping(tp sdk.TopicPartition) *Mapping {
	at, ok := l.Positions[tp]
	if !ok {
		at = sdk.Position{Stream: sdk.Stream{TopicPartition: tp}, Offset: -1}
	}
	return &Mapping{at: at, stored: slices.Clone(l.segments[tp])}
}

// Found says how much is known of a source offset.
type Found string

// What a translation can find.
const (
	Exact    Found = "exact"    // the record is at the target
	Next     Found = "next"     // the offset has no record there; the next that has one is named
	NotYet   Found = "not yet"  // there is no record there, nor one behind it
	Unmapped Found = "unmapped" // it is before the mapping begins: nothing is known
)

// Translation is what a source offset is at the target.
type Translation struct {
	Found  Found
	Source int64 // the offset asked for, or that of the next record
	// Target is its offset. For NotYet it is the one behind the last record that
	// arrived: what comes will be there, or behind it. It is -1 if not known.
	Target int64
}

// Lookup translates a source offset.
func (m *Mapping) Lookup(offset int64) (Translation, error) {
	valid, err := m.valid()
	if err != nil {
		return Translation{}, err
	}
	if offset < m.at.Offset && (len(valid) == 0 || offset < valid[0].from) {
		return Translation{Found: Unmapped, Source: offset, Target: -1}, nil
	}
	if len(valid) == 0 {
		return Translation{Found: NotYet, Source: offset, Target: -1}, nil
	}
	i, is := slices.BinarySearchFunc(valid, offset, func(s storedSegment, offset int64) int { return cmp.Compare(s.from, offset) })
	if !is {
		i--
	}
	for ; i < len(valid); i++ {
		if err := m.look(valid, i); err != nil {
			return Translation{}, err
		}
		if t, ok := m.looked.lookup(offset); ok {
			return t, nil
		}
	}
	t := Translation{Found: NotYet, Source: offset, Target: -1}
	if n := len(m.looked.runs); n > 0 {
		t.Target = m.looked.runs[n-1].targetEnd()
	}
	return t, nil
}

// lookup returns the first record of the segment at an offset or behind it.
func (s *segment) lookup(offset int64) (Translation, bool) {
	i, _ := slices.BinarySearchFunc(s.runs, offset, func(r offsetRun, offset int64) int { return cmp.Compare(r.sourceEnd()-1, offset) })
	if i == len(s.runs) {
		return Translation{}, false
	}
	r := s.runs[i]
	if offset < r.source {
		return Translation{Next, r.source, r.target}, true
	}
	return Translation{Exact, offset, r.target + offset - r.source}, true
}

// valid returns the segments that are the mapping up to the position. None are if
// the newest belongs to another position: then somebody moved it who knows of no
// mapping, such as an older Klamm. Those before since are left over.
func (m *Mapping) valid() ([]storedSegment, error) {
	n := len(m.stored)
	if n == 0 {
		return nil, nil
	}
	if m.last == nil {
		var err error
		if m.last, err = m.decode(m.stored[n-1]); err != nil {
			return nil, err
		}
	}
	if !m.last.Leads(m.at) {
		return nil, nil
	}
	i, is := slices.BinarySearchFunc(m.stored, m.last.since, func(s storedSegment, since int64) int { return cmp.Compare(s.from, since) })
	if !is {
		return nil, m.errorf(m.last.since, "the mapping begins there, and there is no such segment")
	}
	return m.stored[i:], nil
}

// look decodes a segment and holds it against what is around it.
func (m *Mapping) look(valid []storedSegment, i int) error {
	if m.looked != nil && m.looked.From == valid[i].from {
		return nil
	}
	s, err := m.decode(valid[i])
	if err != nil {
		return err
	}
	end := m.at.Offset
	if i+1 < len(valid) {
		end = valid[i+1].from
	}
	switch {
	case s.Stream != m.last.Stream || s.target != m.last.target || s.since != m.last.since:
		return m.errorf(s.From, "the segment is of another mapping than those around it")
	case s.To != end:
		return m.errorf(s.From, "the segment ends at source offset %d, and the next begins at %d", s.To, end)
	case i > 0 && (len(s.runs) == 0 || s.runs[0].source != s.From):
		return m.errorf(s.From, "the segment does not begin with a record")
	}
	m.looked = s
	return nil
}

func (m *Mapping) decode(s storedSegment) (*segment, error) {
	return decodeSegment(segmentKey(m.at.TopicPartition, s.from), s.raw)
}

func (m *Mapping) errorf(from int64, format string, args ...any) error {
	return fmt.Errorf("reading the stored record %q: %w", segmentKey(m.at.TopicPartition, from), fmt.Errorf(format, args...))
}

// Tail returns the end at which the mapping goes on.
func (m *Mapping) Tail() (*Tail, error) {
	valid, err := m.valid()
	if err != nil {
		return nil, err
	}
	t := NewTail(m.at)
	if len(valid) > 0 {
		t.segment = *m.last
		t.runs = slices.Clone(t.runs)
	}
	for _, s := range m.stored[:len(m.stored)-len(valid)] {
		if s.from != t.From {
			t.stale = append(t.stale, s.from)
		}
	}
	return t, nil
}

// MoveTo follows a position that goes on elsewhere, and returns what to write in
// the same commit. Forward, what is passed over becomes a hole. Back, the mapping
// from there on is removed: the records are copied again. Of another topic at
// either end nothing was mapped yet.
func (m *Mapping) MoveTo(to sdk.Position) ([]sdk.Entry, error) {
	valid, err := m.valid()
	if err != nil {
		return nil, err
	}
	was := m.at
	if to.Stream != was.Stream || to.Target != was.Target {
		valid = nil
	}
	first := len(m.stored) - len(valid)
	n, _ := slices.BinarySearchFunc(valid, to.Offset, func(s storedSegment, offset int64) int { return cmp.Compare(s.from, offset) })
	var end *segment
	switch {
	case n > 0:
		if err := m.look(valid, n-1); err != nil {
			return nil, err
		}
		end = m.looked
		end.cut(to.Offset)
	case to.Stream == was.Stream && to.Target == was.Target && 0 <= was.Offset && was.Offset < to.Offset:
		end = &NewTail(was).segment
		end.To = to.Offset
	}
	entries := m.without(m.stored[:first], m.stored[first+n:])
	m.at, m.stored, m.last, m.looked = to, slices.Clone(valid[:n]), nil, nil
	if end == nil {
		return entries, nil
	}
	e, err := end.entry()
	m.stored = append(m.stored[:max(n-1, 0)], storedSegment{end.From, e.Value})
	return append(entries, e), err
}

// Remove returns what removes the mapping.
func (m *Mapping) Remove() []sdk.Entry { return m.without(m.stored) }

func (m *Mapping) without(segments ...[]storedSegment) (entries []sdk.Entry) {
	for _, s := range slices.Concat(segments...) {
		entries = append(entries, sdk.Entry{Key: segmentKey(m.at.TopicPartition, s.from)})
	}
	return entries
}
