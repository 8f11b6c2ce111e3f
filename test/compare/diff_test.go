// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
)

// odd is a topic of two partitions with ten records each. Every field is nil,
// empty and present somewhere.
func odd() [][]*kgo.Record {
	topic := make([][]*kgo.Record, 2)
	for n := range topic {
		for i := range 10 {
			topic[n] = append(topic[n], &kgo.Record{
				Key:       []byte(fmt.Sprintf("key-%d", i%3)),
				Value:     []byte(fmt.Sprintf("value %d of %d", i, n)),
				Timestamp: time.UnixMilli(1_700_000_000_000 + int64(100*n+i)),
				Headers: []kgo.RecordHeader{
					{Key: "h", Value: []byte("1")},
					{Key: "h", Value: []byte("2")},
					{Key: "nil"},
					{Key: "empty", Value: []byte{}},
				},
			})
		}
		topic[n][2].Key, topic[n][3].Key = nil, []byte{}
		topic[n][4].Value, topic[n][5].Value = nil, []byte{}
		topic[n][6].Headers = nil
	}
	return topic
}

func contentOf(topic [][]*kgo.Record) Content {
	c := Content{Topic: "odd"}
	for _, records := range topic {
		var p Partition
		for i, r := range records {
			digested := NewRecord(r)
			digested.Offset = int64(i)
			p.Records = append(p.Records, digested)
		}
		c.Partitions = append(c.Partitions, p)
	}
	return c
}

func aborted() *kgo.Record {
	return &kgo.Record{Key: []byte("key"), Value: []byte("rolled back"), Timestamp: time.UnixMilli(1_700_000_000_000)}
}

// mutant is a way to break a copy, and how that has to be reported.
type mutant struct {
	name   string
	mutate func(topic [][]*kgo.Record)
	want   []string
}

func insert(topic [][]*kgo.Record, partition, at int, records ...*kgo.Record) {
	topic[partition] = slices.Insert(topic[partition], at, records...)
}

func swap(topic [][]*kgo.Record, i, j int) {
	topic[0][i], topic[0][j] = topic[0][j], topic[0][i]
}

func placementMutants() []mutant {
	return []mutant{
		{"identity", func([][]*kgo.Record) {}, nil},
		{"first dropped", func(o [][]*kgo.Record) { o[0] = o[0][1:] }, []string{"missing 1"}},
		{"one dropped", func(o [][]*kgo.Record) { o[0] = slices.Delete(o[0], 4, 5) }, []string{"missing 1"}},
		{"two dropped apart", func(o [][]*kgo.Record) {
			o[0] = slices.Delete(slices.Delete(o[0], 7, 8), 2, 3)
		}, []string{"missing 1", "missing 1"}},
		{"tail truncated", func(o [][]*kgo.Record) { o[1] = o[1][:6] }, []string{"missing 4"}},
		{"partition emptied", func(o [][]*kgo.Record) { o[1] = nil }, []string{"missing 10"}},
		{"duplicated at once", func(o [][]*kgo.Record) { insert(o, 0, 4, o[0][3]) }, []string{"duplicated 1"}},
		{"duplicated later", func(o [][]*kgo.Record) { insert(o, 0, 9, o[0][3]) }, []string{"duplicated 1"}},
		{"duplicated earlier", func(o [][]*kgo.Record) { insert(o, 0, 2, o[0][7]) }, []string{"duplicated 1"}},
		{"neighbours swapped", func(o [][]*kgo.Record) { swap(o, 3, 4) }, []string{"reordered 1"}},
		{"ends swapped", func(o [][]*kgo.Record) { swap(o, 0, 9) }, []string{"reordered 1", "reordered 1"}},
		{"wrong partition", func(o [][]*kgo.Record) {
			insert(o, 1, 2, o[0][5])
			o[0] = slices.Delete(o[0], 5, 6)
		}, []string{"wrong partition 1"}},
		{"also in another partition", func(o [][]*kgo.Record) { insert(o, 1, 2, o[0][5]) }, []string{"wrong partition 1"}},
		{"aborted leaked", func(o [][]*kgo.Record) { insert(o, 0, 3, aborted()) }, []string{"aborted leaked 1"}},
		{"extra", func(o [][]*kgo.Record) { insert(o, 0, 3, &kgo.Record{Key: []byte("new")}) }, []string{"extra 1"}},
		{"extra at the end", func(o [][]*kgo.Record) { insert(o, 1, 10, &kgo.Record{}, &kgo.Record{}) }, []string{"extra 2"}},
	}
}

func fieldMutants() []mutant {
	change := func(name, want string, change func(r *kgo.Record), at int) mutant {
		return mutant{name, func(o [][]*kgo.Record) { change(o[0][at]) }, []string{"changed 1 " + want}}
	}
	return []mutant{
		change("byte of a key flipped", "[key]", func(r *kgo.Record) { r.Key[0] ^= 1 }, 0),
		change("byte of a value flipped", "[value]", func(r *kgo.Record) { r.Value[3] ^= 1 }, 1),
		change("byte of a header flipped", "[headers]", func(r *kgo.Record) { r.Headers[1].Value[0] ^= 1 }, 9),
		change("header key changed", "[headers]", func(r *kgo.Record) { r.Headers[1].Key = "H" }, 9),
		change("headers swapped", "[headers]", func(r *kgo.Record) { r.Headers[0], r.Headers[1] = r.Headers[1], r.Headers[0] }, 3),
		change("header dropped", "[headers]", func(r *kgo.Record) { r.Headers = r.Headers[1:] }, 3),
		change("header repeated", "[headers]", func(r *kgo.Record) { r.Headers = append(r.Headers, r.Headers[0]) }, 3),
		change("nil header value made empty", "[headers]", func(r *kgo.Record) { r.Headers[2].Value = []byte{} }, 3),
		change("empty header value made nil", "[headers]", func(r *kgo.Record) { r.Headers[3].Value = nil }, 3),
		change("nil key made empty", "[key]", func(r *kgo.Record) { r.Key = []byte{} }, 2),
		change("empty key made nil", "[key]", func(r *kgo.Record) { r.Key = nil }, 3),
		change("nil value made empty", "[value]", func(r *kgo.Record) { r.Value = []byte{} }, 4),
		change("empty value made nil", "[value]", func(r *kgo.Record) { r.Value = nil }, 5),
		change("timestamp changed", "[timestamp]", func(r *kgo.Record) { r.Timestamp = r.Timestamp.Add(time.Millisecond) }, 8),
		change("two fields changed", "[key timestamp]", func(r *kgo.Record) { r.Key, r.Timestamp = nil, time.UnixMilli(0) }, 8),
		{"all timestamps lost", func(o [][]*kgo.Record) {
			for _, r := range o[1] {
				r.Timestamp = time.UnixMilli(0)
			}
		}, []string{"changed 10 [timestamp]"}},
	}
}

func TestMutants(t *testing.T) {
	source := contentOf(odd())
	source.Partitions[0].Aborted = []Record{NewRecord(aborted())}
	for _, m := range append(placementMutants(), fieldMutants()...) {
		t.Run(m.name, func(t *testing.T) {
			target := odd()
			m.mutate(target)
			got := Diff(source, contentOf(target), Options{})
			if d := cmp.Diff(m.want, summary(got)); d != "" {
				t.Errorf("differences (-want +got):\n%s\n%s", d, Report(got))
			}
			// Replays are all that AllowReplays forgives: a record delivered
			// again at once is one.
			replays := m.name == "identity" || m.name == "duplicated at once"
			if accepted := len(Diff(source, contentOf(target), Options{AllowReplays: true})) == 0; accepted != replays {
				t.Errorf("accepted with replays allowed: %v", accepted)
			}
		})
	}
}

func TestPartitionCount(t *testing.T) {
	topic := odd()
	got := Diff(contentOf(topic), contentOf(append(topic, nil)), Options{})
	if d := cmp.Diff([]string{"partition count 0"}, summary(got)); d != "" {
		t.Error(d)
	}
	got = Diff(contentOf(topic), contentOf(topic[:1]), Options{})
	if d := cmp.Diff([]string{"partition count 0", "missing 10"}, summary(got)); d != "" {
		t.Error(d)
	}
}

func summary(differences []Difference) []string {
	var lines []string
	for _, d := range differences {
		line := fmt.Sprintf("%s %d", d.Kind, d.Count)
		if len(d.Fields) > 0 {
			line += fmt.Sprintf(" %v", d.Fields)
		}
		lines = append(lines, line)
	}
	return lines
}
