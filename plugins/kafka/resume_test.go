// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// goesOn checks where a partition that stopped says it can go on, and that it
// does when it is removed and added there.
func goesOn(t testing.TB, r sdk.Reader, stopped *sdk.PartitionError, want sdk.Position, to int64) {
	t.Helper()
	if stopped.Resume == nil {
		t.Fatalf("no way on: %v", stopped)
	}
	if d := cmp.Diff(want, *stopped.Resume); d != "" {
		t.Fatalf("-want +resume:\n%s", d)
	}
	r.Remove(stopped.TopicPartition)
	if err := r.Add(testContext(t), *stopped.Resume); err != nil {
		t.Fatal(err)
	}
	g := readOne(t, r, func(g *got) bool { return g.next == to || g.stopped != nil })
	if g.stopped != nil {
		t.Fatalf("stopped again: %v", g.stopped)
	}
	if !slices.Equal(offsetsOf(g.records), ascending(want.Offset, to)) {
		t.Errorf("offsets %v", offsetsOf(g.records))
	}
}

func TestResumeBehindAGap(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	fill(t, k, 3)
	if err := k.DeleteRecords("t", 0, 17); err != nil {
		t.Fatal(err)
	}
	s := newTestSource(t, k, nil)
	r := openReaderAt(t, s, at(t, s, 0, 5))
	stopped := readStop(t, r).stopped
	if !strings.Contains(stopped.Fix, `on_gap = "skip"`) || !strings.Contains(stopped.Fix, "klamm positions skip") {
		t.Errorf("%q", stopped.Fix)
	}
	goesOn(t, r, stopped, sdk.Position{Stream: streamOf(t, s, "t", 0), Offset: 17, LeaderEpoch: 0}, 30)
}

func TestResumeOfATruncatedLog(t *testing.T) {
	t.Run("shorter than what was read", func(t *testing.T) {
		k := newCluster(t)
		createTopic(t, k, "t", 1)
		fill(t, k, 1)
		s := newTestSource(t, k, nil)
		r := openReaderAt(t, s, at(t, s, 0, 25))
		stopped := readStop(t, r).stopped
		if !strings.Contains(stopped.Fix, `on_truncate = "continue"`) || !strings.Contains(stopped.Fix, "klamm positions skip") {
			t.Errorf("%q", stopped.Fix)
		}
		fill(t, k, 1)
		goesOn(t, r, stopped, sdk.Position{Stream: streamOf(t, s, "t", 0), Offset: 10, LeaderEpoch: sdk.NoEpoch}, 20)
	})
	t.Run("grown again past what was read", func(t *testing.T) {
		k := newCluster(t)
		createTopic(t, k, "t", 1)
		fill(t, k, 3)
		// As a broker does whose log has epoch 0 up to 10 and 6 from there on.
		var asked atomic.Int32
		answerFetches(k, func(p *kmsg.FetchRequestTopicPartition, part *kmsg.FetchResponseTopicPartition) bool {
			asked.Store(p.LastFetchedEpoch)
			if p.LastFetchedEpoch < 0 || p.LastFetchedEpoch == 6 || p.LastFetchedEpoch == 0 && p.FetchOffset <= 10 {
				return false
			}
			part.DivergingEpoch.Epoch, part.DivergingEpoch.EndOffset = 0, 10
			return true
		})
		s := newTestSource(t, k, nil)
		from := at(t, s, 0, 20)
		from.LeaderEpoch = 5
		r := openReaderAt(t, s, from)
		g := readStop(t, r)
		checkStop(t, g, sdk.ReasonTruncated, sdk.Offsets{From: 10, To: 20})
		goesOn(t, r, g.stopped, sdk.Position{Stream: streamOf(t, s, "t", 0), Offset: 10, LeaderEpoch: 0}, 30)
		if asked.Load() != 0 {
			t.Errorf("fetched with epoch %d", asked.Load())
		}
	})
}

func TestResumeInATopicMadeAgain(t *testing.T) {
	tests := []struct {
		name      string
		until     string
		partition int32
		late      bool // made again when the source is there already
		fix       string
		resumes   bool
	}{
		{name: "from its start", resumes: true, fix: `on_recreate = "restart"`},
		{name: "a partition that it does not have", partition: 1, fix: "has no partition 1"},
		{name: "bounded, made again before", until: latest, resumes: true, fix: "klamm positions skip"},
		{name: "bounded, made again after", until: latest, late: true, fix: "start it again"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := newCluster(t)
			createTopic(t, k, "t", 2)
			fill(t, k, 1)
			set := func(c *SourceConfig) { c.Until = test.until }
			s := newTestSource(t, k, set)
			old := sdk.Position{Stream: streamOf(t, s, "t", test.partition), LeaderEpoch: 0}
			if err := k.DeleteTopic("t"); err != nil {
				t.Fatal(err)
			}
			createTopic(t, k, "t", 1)
			fill(t, k, 2)
			if !test.late {
				s = newTestSource(t, k, set)
			}
			r := openReaderAt(t, s, old)
			stopped := readUntil(t, r, func(all map[sdk.TopicPartition]*got) bool {
				g := all[old.TopicPartition]
				return g != nil && g.stopped != nil
			})[old.TopicPartition].stopped
			if stopped.Reason != sdk.ReasonRecreated || !strings.Contains(stopped.Fix, test.fix) {
				t.Errorf("%s: %q", stopped.Reason, stopped.Fix)
			}
			if !test.resumes {
				if stopped.Resume != nil {
					t.Errorf("resumes at %v", stopped.Resume)
				}
				return
			}
			goesOn(t, r, stopped, sdk.Position{Stream: streamOf(t, s, "t", 0), LeaderEpoch: sdk.NoEpoch}, 20)
		})
	}
}

// How many records a batch has is known without decoding it.
func TestCount(t *testing.T) {
	control := encodeBatch(0, []sdk.Record{{}})
	control[atAttributes+1] |= attrControl | attrTransactional
	tests := []struct {
		name string
		raw  []byte
		from int64
		want int
	}{
		{"nothing", nil, 0, 0},
		{"two batches", slices.Concat(batchAt(0, "a", "b"), batchAt(7, "c")), 0, 3},
		{"holes", withDeltas(9, 1, 4, 5), 0, 3},
		{"control", slices.Concat(batchAt(0, "a"), control), 0, 1},
		{"old messages", slices.Concat(oldMessage(0, 3, 0, 0, nil, []byte("v")), oldMessage(1, 4, 0, 0, nil, []byte("v"))), 3, 2},
		{"old messages in one", oldMessage(1, 7, 1, 0, nil, []byte("compressed")), 3, 5},
		{"cut off", batchAt(0, "a", "b")[:headerSize+1], 0, 0},
		{"a negative count", func() []byte { raw := batchAt(0, "a"); raw[atCount] = 0xff; return raw }(), 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := &fetched{at: sdk.Offsets{From: test.from, To: 1 << 40}, raw: test.raw}
			if n := f.Count(); n != test.want {
				t.Errorf("%d records, want %d", n, test.want)
			}
			if n := testing.AllocsPerRun(10, func() { f.Count() }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
