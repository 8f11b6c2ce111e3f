// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/klamm-io/klamm/sdk"
)

// model is what a mapping has to say, in the plainest form: the target offset of
// each source offset.
type model struct {
	t       *rapid.T
	entries map[string][]byte
	at      sdk.Position
	targets map[int64]int64
	since   int64
	end     int64 // of the target log
	tail    *Tail
}

var modelPartition = sdk.TopicPartition{Topic: "orders", Partition: 3}

func newModel(t *rapid.T) *model {
	m := &model{t: t, entries: map[string][]byte{}, targets: map[int64]int64{}, since: rapid.Int64Range(0, 50).Draw(t, "since")}
	m.at = sdk.Position{Stream: sdk.Stream{TopicPartition: modelPartition, TopicID: sdk.TopicID{1}}, Offset: m.since, Target: "east.orders"}
	m.end = rapid.Int64Range(0, 1<<40).Draw(t, "target log")
	m.commit()
	m.tail = NewTail(m.at)
	return m
}

// commit stores the position with other entries.
func (m *model) commit(entries ...sdk.Entry) {
	for _, e := range append(entries, must[sdk.Entry](m.t)(sdk.EncodePosition(m.at))) {
		if e.Value == nil {
			delete(m.entries, e.Key)
		} else {
			m.entries[e.Key] = e.Value
		}
	}
}

func (m *model) stored() *Mapping {
	return must[*Lane](m.t)(DecodeLane(maps.Clone(m.entries))).Mapping(modelPartition)
}

// deliver moves the position over runs with holes between them, some of them to
// elsewhere, some reaching behind the position.
func (m *model) deliver(n int) {
	random := rapid.Int64Range(0, 4)
	var runs []sdk.Run
	moved := sdk.Offsets{From: m.at.Offset, To: m.at.Offset}
	for range n {
		moved.To += random.Draw(m.t, "hole")
		m.end += max(random.Draw(m.t, "others' records")-3, 0)
		r := sdk.Run{TopicPartition: sdk.TopicPartition{Topic: "east.orders", Partition: 3}, Source: moved.To, Target: m.end, Count: 1 + random.Draw(m.t, "count")}
		if elsewhere := random.Draw(m.t, "elsewhere"); elsewhere == 4 {
			r.Topic = "rejected"
		} else {
			m.end += r.Count
			for i := range r.Count {
				m.targets[r.Source+i] = r.Target + i
			}
		}
		moved.To += r.Count
		runs = append(runs, r)
	}
	if cut := random.Draw(m.t, "cut"); moved.To-cut > moved.From {
		m.forget(moved.To - cut)
		moved.To -= cut
	}
	m.tail.Append(runs, moved)
	m.at.Offset = moved.To
}

// forget drops what is at or behind a source offset.
func (m *model) forget(offset int64) {
	maps.DeleteFunc(m.targets, func(source, _ int64) bool { return source >= offset })
}

// move lets the position go on elsewhere.
func (m *model) move(to sdk.Position) {
	stored := m.stored()
	entries := must[[]sdk.Entry](m.t)(stored.MoveTo(to))
	if to.Stream != m.at.Stream || to.Target != m.at.Target || to.Offset < m.since {
		m.since = to.Offset
		clear(m.targets)
	}
	m.forget(to.Offset)
	m.at = to
	m.commit(entries...)
	m.tail = must[*Tail](m.t)(stored.Tail())
}

// want is the answer for an offset.
func (m *model) want(offset int64) Translation {
	if offset < m.at.Offset && offset < m.since {
		return Translation{Unmapped, offset, -1}
	}
	last := int64(-1)
	for source := m.since; source < m.at.Offset; source++ {
		target, ok := m.targets[source]
		if ok && source == offset {
			return Translation{Exact, offset, target}
		}
		if ok && source > offset {
			return Translation{Next, source, target}
		}
		if ok {
			last = target + 1
		}
	}
	return Translation{NotYet, offset, last}
}

// check holds the stored mapping against the model, and the number of runs against
// what it must be.
func (m *model) check() {
	m.t.Helper()
	stored := m.stored()
	for o := max(m.since-2, 0); o < m.at.Offset+3; o++ {
		if got, want := must[Translation](m.t)(stored.Lookup(o)), m.want(o); got != want {
			m.t.Fatalf("offset %d at %s: got %+v, want %+v", o, m.at, got, want)
		}
	}
	runs := 0
	for i, key := range slices.Sorted(maps.Keys(m.entries)) {
		if !strings.HasPrefix(key, mapPrefix) {
			continue
		}
		s := must[*segment](m.t)(decodeSegment(key, m.entries[key]))
		runs += len(s.runs)
		if len(s.runs) > segmentRuns || s.since != m.since {
			m.t.Fatalf("segment %d has %d runs, of a mapping since %d; want since %d", i, len(s.runs), s.since, m.since)
		}
	}
	sources := slices.Sorted(maps.Keys(m.targets))
	want := 0
	for i, o := range sources {
		if i == 0 || sources[i-1] != o-1 || m.targets[o-1] != m.targets[o]-1 {
			want++
		}
	}
	if more := runs - want; more < 0 || more > len(m.entries) { // one that goes on in the next segment
		m.t.Fatalf("%d runs are stored, %d are needed", runs, want)
	}
}

// Whatever is delivered, however the position moves and whenever the process
// starts again: the stored mapping says what the plain model does.
func TestMappingIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"deliver", "deliver", "deliver much", "restart", "move", "recreate", "rename"}).Draw(t, "step") {
			case "deliver":
				m.deliver(rapid.IntRange(0, 9).Draw(t, "runs"))
				m.commit(must[[]sdk.Entry](t)(m.tail.Entries())...)
			case "deliver much":
				for range 2 {
					m.deliver(rapid.IntRange(0, segmentRuns).Draw(t, "runs"))
				}
				m.commit(must[[]sdk.Entry](t)(m.tail.Entries())...)
			case "restart":
				if m.tail = must[*Tail](t)(m.stored().Tail()); !m.tail.Leads(m.at) {
					t.Fatalf("the tail does not lead from %s", m.at)
				}
			case "move":
				to := m.at
				to.Offset = rapid.Int64Range(0, m.at.Offset+9).Draw(t, "to")
				m.move(to)
			case "recreate":
				to := m.at
				to.TopicID[1]++
				to.Offset = rapid.Int64Range(0, 9).Draw(t, "to")
				m.move(to)
			case "rename":
				to := m.at
				to.Target = fmt.Sprint("west.", m.end)
				m.move(to)
				to.Target = "east.orders"
				m.move(to)
			}
			m.check()
		}
		for _, e := range m.stored().Remove() {
			delete(m.entries, e.Key)
		}
		if len(m.entries) != 1 {
			t.Fatalf("left over: %v", slices.Collect(maps.Keys(m.entries)))
		}
	})
}
