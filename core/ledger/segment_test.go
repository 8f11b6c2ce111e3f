// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/sdk"
)

const (
	segmentAt10 = "map/orders/3/00000000000000000010"
	segmentID   = "01000000-0000-0000-0000-000000000000"
)

// mapped is a mapping since source offset 10, target offset 100, with these runs.
func mapped(t testing.TB, runs ...offsetRun) (at sdk.Position, tail *Tail) {
	t.Helper()
	at = sdk.Position{Stream: sdk.Stream{TopicPartition: modelPartition, TopicID: sdk.TopicID{1}}, Offset: 10, Target: "east.orders"}
	tail = NewTail(at)
	for _, r := range runs {
		deliver(&at, tail, r)
	}
	return at, tail
}

func deliver(at *sdk.Position, tail *Tail, r offsetRun) {
	moved := sdk.Offsets{From: at.Offset, To: max(at.Offset, r.sourceEnd())}
	at.Offset = moved.To
	tail.Append([]sdk.Run{{TopicPartition: sdk.TopicPartition{Topic: "east.orders", Partition: 3}, Source: r.source, Target: r.target, Count: r.count}}, moved)
}

// laneWith is a lane that has a position and other entries.
func laneWith(t testing.TB, at sdk.Position, entries map[string][]byte) *Lane {
	t.Helper()
	entries = maps.Clone(entries)
	e, err := sdk.EncodePosition(at)
	if err != nil {
		t.Fatal(err)
	}
	entries[e.Key] = e.Value
	l, err := DecodeLane(entries)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// lookups are the translations of offsets by what is stored.
func lookups(t testing.TB, at sdk.Position, entries map[string][]byte, offsets ...int64) []Translation {
	t.Helper()
	l := laneWith(t, at, entries)
	var found []Translation
	for _, o := range offsets {
		one, err := l.Mapping(at.TopicPartition).Lookup(o)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, one)
	}
	return found
}

// apply writes entries as a ledger does.
func apply(t testing.TB, to map[string][]byte, tail *Tail) {
	t.Helper()
	entries, err := tail.Entries()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Value == nil {
			delete(to, e.Key)
		} else {
			to[e.Key] = e.Value
		}
	}
}

// A topic that only grows has one run, however many batches and commits it took.
func TestContiguousRunsStayOne(t *testing.T) {
	at, tail := mapped(t)
	stored := map[string][]byte{}
	for i := range int64(5000) {
		deliver(&at, tail, offsetRun{10 + i*7, 100 + i*7, 7})
		if i%10 == 0 {
			apply(t, stored, tail)
		}
	}
	apply(t, stored, tail)
	want := `{"v":1,"topic_id":"` + segmentID + `","target":"east.orders","target_offset":100,"since":10,"to":35010,"runs":"` +
		base64.StdEncoding.EncodeToString(binary.AppendUvarint([]byte{0}, 34999)) + `"}`
	if len(stored) != 1 || string(stored[segmentAt10]) != want {
		t.Errorf("stored %q, want %s", stored, want)
	}
}

// Small transactions take two bytes each, and a byte more where the target has
// something in between.
func TestRunsArePackedTightly(t *testing.T) {
	var runs []offsetRun
	for i := range int64(300) {
		runs = append(runs, offsetRun{10 + i*21, 100 + i*20, 20})
	}
	if n := len(packRuns(runs, offsetRun{source: 10, target: 100})); n != 600 {
		t.Errorf("%d bytes", n)
	}
	for i := range runs {
		runs[i].target += int64(i)
	}
	if n := len(packRuns(runs, offsetRun{source: 10, target: 100})); n != 899 {
		t.Errorf("%d bytes", n)
	}
}

// Target offsets that go back are those of another log: of what was mapped before,
// nothing is known any more, and at the next start nothing is left of it.
func TestAnotherLogIsMappedAnew(t *testing.T) {
	var runs []offsetRun
	for i := range int64(segmentRuns + 5) {
		runs = append(runs, offsetRun{10 + i*2, 100 + i, 1})
	}
	at, tail := mapped(t, runs...)
	stored := map[string][]byte{}
	apply(t, stored, tail)
	before := at.Offset
	deliver(&at, tail, offsetRun{at.Offset + 3, 50, 2})
	apply(t, stored, tail)
	want := []Translation{{Unmapped, 10, -1}, {Unmapped, before + 2, -1}, {Exact, before + 3, 50}, {Exact, before + 4, 51}, {NotYet, before + 5, 52}}
	if diff := cmp.Diff(want, lookups(t, at, stored, 10, before+2, before+3, before+4, before+5)); diff != "" {
		t.Error(diff)
	}
	tails, err := laneWith(t, at, stored).Tails()
	if err != nil {
		t.Fatal(err)
	}
	apply(t, stored, tails[modelPartition])
	if got, want := slices.Collect(maps.Keys(stored)), segmentKey(modelPartition, before+3); !slices.Equal(got, []string{want}) {
		t.Errorf("stored are %v, want %s", got, want)
	}
}

// Who knows of no mapping moves the position alone: the mapping is not believed.
func TestAMappingOfAnotherPositionIsNone(t *testing.T) {
	at, tail := mapped(t, offsetRun{10, 100, 5})
	stored := map[string][]byte{}
	apply(t, stored, tail)
	for name, change := range map[string]func(*sdk.Position){
		"forward": func(p *sdk.Position) { p.Offset += 5 }, "back": func(p *sdk.Position) { p.Offset-- },
		"another topic": func(p *sdk.Position) { p.TopicID[5] = 1 }, "another target": func(p *sdk.Position) { p.Target = "orders" },
	} {
		moved := at
		change(&moved)
		want := []Translation{{Unmapped, 10, -1}, {NotYet, moved.Offset, -1}}
		if diff := cmp.Diff(want, lookups(t, moved, stored, 10, moved.Offset)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// What a sink answers is bounded by what the position moved over.
func TestAppendDoesNotBelieveTooMuch(t *testing.T) {
	to := sdk.TopicPartition{Topic: "east.orders", Partition: 3}
	tests := []struct {
		name string
		run  sdk.Run
		want []offsetRun
	}{
		{"within", sdk.Run{TopicPartition: to, Source: 16, Target: 200, Count: 2}, []offsetRun{{10, 100, 5}, {16, 200, 2}}},
		{"below the position", sdk.Run{TopicPartition: to, Source: 12, Target: 200, Count: 5}, []offsetRun{{10, 100, 5}, {15, 203, 2}}},
		{"beyond the position", sdk.Run{TopicPartition: to, Source: 18, Target: 200, Count: 1 << 40}, []offsetRun{{10, 100, 5}, {18, 200, 2}}},
		{"empty", sdk.Run{TopicPartition: to, Source: 16, Target: 200}, []offsetRun{{10, 100, 5}}},
		{"negative count", sdk.Run{TopicPartition: to, Source: 16, Target: 200, Count: -3}, []offsetRun{{10, 100, 5}}},
		{"negative source", sdk.Run{TopicPartition: to, Source: -5, Target: 200, Count: 30}, []offsetRun{{10, 100, 5}}},
		{"negative target", sdk.Run{TopicPartition: to, Source: 16, Target: -1, Count: 1}, []offsetRun{{10, 100, 5}}},
		{"beyond all offsets", sdk.Run{TopicPartition: to, Source: 16, Target: math.MaxInt64, Count: 2}, []offsetRun{{10, 100, 5}}},
		{"another partition", sdk.Run{TopicPartition: sdk.TopicPartition{Topic: "east.orders", Partition: 2}, Source: 16, Target: 200, Count: 1}, []offsetRun{{10, 100, 5}}},
		{"another topic", sdk.Run{TopicPartition: sdk.TopicPartition{Topic: "rejected", Partition: 3}, Source: 16, Target: 200, Count: 1}, []offsetRun{{10, 100, 5}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, tail := mapped(t, offsetRun{10, 100, 5})
			tail.Append([]sdk.Run{tt.run}, sdk.Offsets{From: 15, To: 20})
			if diff := cmp.Diff(tt.want, tail.runs, cmp.AllowUnexported(offsetRun{})); diff != "" || tail.To != 20 {
				t.Errorf("reaches to %d: %s", tail.To, diff)
			}
		})
	}
}

func value(id string, target, since, to int64, packed ...byte) string {
	return fmt.Sprintf(`{"v":1,"topic_id":%q,"target":"east.orders","target_offset":%d,"since":%d,"to":%d,"runs":%q}`,
		id, target, since, to, base64.StdEncoding.EncodeToString(packed))
}

func TestDecodeSegmentRefuses(t *testing.T) {
	most := binary.AppendUvarint(nil, math.MaxUint64)
	tests := []struct{ name, value, says string }{
		{"no JSON", `[`, "unexpected end"},
		{"newer", `{"v":2}`, "it has version 2"},
		{"no topic id", value("", 100, 10, 15, 0, 4), `topic id ""`},
		{"no base64", strings.Replace(value(segmentID, 100, 10, 15), `"runs":""`, `"runs":"*"`, 1), "illegal base64"},
		{"begins before the mapping", value(segmentID, 100, 11, 15, 0, 4), "not a segment"},
		{"a mapping since nowhere", value(segmentID, 100, -1, 15, 0, 4), "not a segment"},
		{"ends before it begins", value(segmentID, 100, 10, 9), "not a segment"},
		{"a target offset below all", value(segmentID, -1, 10, 15, 0, 4), "not a segment"},
		{"runs beyond its end", value(segmentID, 100, 10, 15, 0, 5), "its runs reach to source offset 16, it only to 15"},
		{"a run cut short", value(segmentID, 100, 10, 15, 0), "its runs are broken"},
		{"an endless number", value(segmentID, 100, 10, 15, 0x80), "its runs are broken"},
		{"two runs that are one", value(segmentID, 100, 10, 15, 0, 1, 0, 1), "its runs are broken"},
		{"a jump to nowhere else", value(segmentID, 100, 10, 15, 1, 0, 1), "its runs are broken"},
		{"a source offset beyond all", value(segmentID, 100, 10, 15, append(slices.Clone(most[:9]), 1, 1, 0)...), "its runs are broken"},
		{"a target offset beyond all", value(segmentID, 100, 10, 15, slices.Concat([]byte{1}, most, []byte{0})...), "its runs are broken"},
		{"a count beyond all", value(segmentID, 100, 10, 15, slices.Concat([]byte{0}, most)...), "its runs are broken"},
		{"a target beyond all by its count", value(segmentID, math.MaxInt64-2, 10, 15, 0, 4), "its runs are broken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := decodeSegment(segmentAt10, []byte(tt.value))
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), fmt.Sprintf("%q", segmentAt10)) {
				t.Errorf("got %v, want %q in it", err, tt.says)
			}
		})
	}
}

// Segments that are fine each by itself, and together make no mapping.
func TestLookupRefusesWhatDoesNotJoin(t *testing.T) {
	newest := value(segmentID, 200, 10, 30, 0, 4)
	tests := []struct{ name, first, second, says string }{
		{"a hole between them", value(segmentID, 100, 10, 15, 0, 4), newest, "ends at source offset 15, and the next begins at 20"},
		{"the first is missing", "", newest, "the mapping begins there, and there is no such segment"},
		{"of another topic", value(strings.Replace(segmentID, "1", "2", 1), 100, 10, 20, 0, 4), newest, "is of another mapping"},
		{"the second has no record at its begin", value(segmentID, 100, 10, 20, 0, 4), value(segmentID, 200, 10, 30, 2, 4), "does not begin with a record"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at := sdk.Position{Stream: sdk.Stream{TopicPartition: modelPartition, TopicID: sdk.TopicID{1}}, Offset: 30, Target: "east.orders"}
			l := &Lane{
				Positions: map[sdk.TopicPartition]sdk.Position{modelPartition: at},
				segments:  map[sdk.TopicPartition][]storedSegment{modelPartition: {{10, []byte(tt.first)}, {20, []byte(tt.second)}}},
			}
			if tt.first == "" {
				l.segments[modelPartition] = l.segments[modelPartition][1:]
			}
			if _, err := l.Mapping(modelPartition).Lookup(18); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q in it", err, tt.says)
			}
		})
	}
}

// FuzzSegment looks for values that are read as something that no mapping can be,
// or that are not written as they were read.
func FuzzSegment(f *testing.F) {
	f.Add(value(segmentID, 100, 10, 15, 0, 4))
	f.Add(value(segmentID, 100, 3, 500, 2, 4, 5, 9, 130, 1, 60, 0))
	f.Add(value(segmentID, 0, 0, 10))
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := decodeSegment(segmentAt10, []byte(raw))
		if err != nil {
			return
		}
		before := offsetRun{source: s.From}
		for _, r := range s.runs {
			if r.count < 1 || r.source < before.sourceEnd() || r.target < before.targetEnd() || r.sourceEnd() > s.To || r.targetEnd() < 0 {
				t.Fatalf("%+v after %+v in a segment of %s", r, before, s.Offsets)
			}
			before = r
		}
		e, err := s.entry()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeSegment(e.Key, e.Value)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, again, cmp.AllowUnexported(segment{}, offsetRun{})); diff != "" {
			t.Fatal(diff)
		}
	})
}
