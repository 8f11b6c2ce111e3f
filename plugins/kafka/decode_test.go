// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/sdk"
)

// The records that a source reads of a log are those that kgo's consumer reads.
func TestSourceReadsWhatKgoConsumes(t *testing.T) {
	tests := []struct {
		name    string
		configs []string
		write   func(t *testing.T, f *logWriter)
		want    []int64 // offsets with read_committed
		wantAll []int64 // with read_uncommitted
	}{
		{
			name:  "plain batches",
			write: func(_ *testing.T, f *logWriter) { f.plain("a", "b"); f.plain("c") },
			want:  []int64{0, 1, 2}, wantAll: []int64{0, 1, 2},
		},
		{
			name: "committed and aborted transactions of two producers, interleaved",
			write: func(t *testing.T, f *logWriter) {
				f.begin("x")        //
				f.in("x", "0", "1") // 0 1
				f.begin("y")        //
				f.in("y", "2")      // 2
				f.plain("3")        // 3
				f.end("x", false)   // 4
				f.in("y", "5")      // 5
				f.end("y", true)    // 6
				f.begin("x")        //
				f.in("x", "7")      // 7
				f.end("x", true)    // 8
				f.begin("y")        //
				f.in("y", "9")      // 9
				f.end("y", false)   // 10
				f.plain("11")       // 11
			},
			want: []int64{2, 3, 5, 7, 11}, wantAll: []int64{0, 1, 2, 3, 5, 7, 9, 11},
		},
		{
			name:    "broker's timestamps",
			configs: []string{"message.timestamp.type", "LogAppendTime"},
			write:   func(_ *testing.T, f *logWriter) { f.plain("a", "b") },
			want:    []int64{0, 1}, wantAll: []int64{0, 1},
		},
		{
			name:    "gaps of compaction",
			configs: []string{"cleanup.policy", "compact"},
			write: func(_ *testing.T, f *logWriter) {
				f.keyed("k1", "k2", "k3") // 0 1 2
				f.keyed("k1", "k1", "k4") // 3 4 5
				f.keyed("k3", "k5")       // 6 7; the last batch is not looked at
				f.k.Compact()
			},
			want: []int64{1, 2, 4, 5, 6, 7}, wantAll: []int64{1, 2, 4, 5, 6, 7},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := newCluster(t)
			createTopic(t, k, "t", 1, test.configs...)
			test.write(t, &logWriter{t: t, k: k, cl: newKgo(t, k), txns: map[string]*kgo.Client{}})
			for isolation, want := range map[string][]int64{"read_committed": test.want, "read_uncommitted": test.wantAll} {
				s := newTestSource(t, k, func(c *SourceConfig) { c.Isolation, c.Until = isolation, latest })
				mine := readOne(t, openReader(t, s), func(g *got) bool { return g.last })
				if d := cmp.Diff(want, offsetsOf(mine.records)); d != "" {
					t.Errorf("%s: -want +read:\n%s", isolation, d)
				}
				if d := cmp.Diff(consume(t, k, isolation, len(want)), mine.records); d != "" {
					t.Errorf("%s: -kgo +ours:\n%s", isolation, d)
				}
				if end := k.PartitionInfo("t", 0).HighWatermark; mine.next != end {
					t.Errorf("%s: position %d, the log ends at %d", isolation, mine.next, end)
				}
			}
		})
	}
}

// logWriter writes logs of all kinds to partition 0 of topic "t".
type logWriter struct {
	t    testing.TB
	k    interface{ Compact() }
	cl   *kgo.Client
	txns map[string]*kgo.Client
}

func (f *logWriter) plain(values ...string) { produceBatch(f.t, f.cl, "t", 0, values...) }

func (f *logWriter) keyed(keys ...string) {
	f.t.Helper()
	var records []*kgo.Record
	for _, key := range keys {
		records = append(records, &kgo.Record{Topic: "t", Key: []byte(key), Value: []byte("v")})
	}
	if err := f.cl.ProduceSync(testContext(f.t), records...).FirstErr(); err != nil {
		f.t.Fatal(err)
	}
}

func (f *logWriter) begin(id string) {
	f.t.Helper()
	cl, ok := f.txns[id]
	if !ok {
		seeds, _ := f.cl.OptValue(kgo.SeedBrokers).([]string)
		var err error
		if cl, err = kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.TransactionalID(id), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
			f.t.Fatal(err)
		}
		f.t.Cleanup(cl.Close)
		f.txns[id] = cl
	}
	if err := cl.BeginTransaction(); err != nil {
		f.t.Fatal(err)
	}
}

func (f *logWriter) in(id string, values ...string) {
	f.t.Helper()
	produceBatch(f.t, f.txns[id], "t", 0, values...)
}

func (f *logWriter) end(id string, commit bool) {
	f.t.Helper()
	if err := f.txns[id].EndTransaction(testContext(f.t), kgo.TransactionEndTry(commit)); err != nil {
		f.t.Fatal(err)
	}
}

// withDeltas is a batch whose records have the given offset deltas.
func withDeltas(last int32, deltas ...int64) []byte {
	var body []byte
	for _, d := range deltas {
		body = appendRecord(body, &sdk.Record{Value: []byte("v")}, d, 0)
	}
	raw := append(encodeBatch(0, []sdk.Record{{}})[:headerSize:headerSize], body...)
	binary.BigEndian.PutUint32(raw[atLength:], uint32(len(raw)-prefixSize))
	binary.BigEndian.PutUint32(raw[atLastOffsetDelta:], uint32(last))
	binary.BigEndian.PutUint32(raw[atCount:], uint32(len(deltas)))
	return sumUp(raw)
}

func TestDecodeRefuses(t *testing.T) {
	change := func(at int, with ...byte) []byte {
		raw := encodeBatch(0, []sdk.Record{{Value: []byte("a")}, {Offset: 1, Value: []byte("b")}})
		copy(raw[at:], with)
		return sumUp(raw)
	}
	tests := []struct {
		name string
		raw  []byte
		want string
	}{
		{"an offset behind the batch", withDeltas(2, 0, 3, 5), "offset 3, where one of [1, 3) is due"},
		{"an offset before the batch", withDeltas(2, -1, 1, 2), "offset -1, where one of [0, 3) is due"},
		{"offsets that go back", withDeltas(2, 0, 2, 1), "offset 1, where one of [3, 3) is due"},
		{"an offset twice", withDeltas(2, 1, 1, 2), "offset 1, where one of [2, 3) is due"},
		{"more records than bytes", change(atCount, 0x7f, 0xff, 0xff, 0xff), "cannot stand in"},
		{"a negative count", change(atCount, 0xff, 0xff, 0xff, 0xff), "cannot stand in"},
		{"fewer records than bytes", change(atCount, 0, 0, 0, 1), "behind the last record"},
		{"a codec there is none of", change(atAttributes+1, 7), "codec 7 is not known"},
		{"a codec of other bytes", change(atAttributes+1, 4), "decompressing"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			records, err := decodeAll(test.raw)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%d records, error %v, want one with %q", len(records), err, test.want)
			}
		})
	}
}

func TestDecodeKeepsGaps(t *testing.T) {
	records, err := decodeAll(withDeltas(9, 1, 4, 5))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int64{1, 4, 5}, offsetsOf(records)); d != "" {
		t.Error(d)
	}
}

func TestDecodeOldMessages(t *testing.T) {
	inner := func(magic int8, offsets ...int64) []byte {
		var out []byte
		for i, o := range offsets {
			out = append(out, oldMessage(magic, o, 0, int64(100+i), []byte("k"), []byte("v"))...)
		}
		return out
	}
	k, v := []byte("k"), []byte("v")
	tests := []struct {
		name string
		raw  []byte
		at   sdk.Offsets
		want []sdk.Record
	}{
		{
			"magic 0 has no timestamp", oldMessage(0, 3, 0, 0, k, nil),
			sdk.Offsets{To: 10},
			[]sdk.Record{{Offset: 3, Timestamp: -1, Key: k}},
		},
		{
			"magic 1", oldMessage(1, 3, 0, 1000, nil, v),
			sdk.Offsets{To: 10},
			[]sdk.Record{{Offset: 3, Timestamp: 1000, Value: v}},
		},
		{
			"magic 1, the broker's time", oldMessage(1, 3, 8, 1000, nil, v),
			sdk.Offsets{To: 10},
			[]sdk.Record{{Offset: 3, Timestamp: 1000, AppendTime: true, Value: v}},
		},
		{
			"magic 1, several in one, relative offsets", oldMessage(1, 7, 1, 0, nil, compress(t, kgo.GzipCompression(), inner(1, 0, 1))),
			sdk.Offsets{To: 10},
			[]sdk.Record{{Offset: 6, Timestamp: 100, Key: k, Value: v}, {Offset: 7, Timestamp: 101, Key: k, Value: v}},
		},
		{
			"magic 1, several in one, the broker's time", oldMessage(1, 7, 1|8, 5000, nil, compress(t, kgo.GzipCompression(), inner(1, 0, 1))),
			sdk.Offsets{To: 10},
			[]sdk.Record{{Offset: 6, Timestamp: 5000, AppendTime: true, Key: k, Value: v}, {Offset: 7, Timestamp: 5000, AppendTime: true, Key: k, Value: v}},
		},
		{
			"only what is wanted", slices.Concat(oldMessage(0, 3, 0, 0, k, v), oldMessage(0, 4, 0, 0, k, v), oldMessage(0, 5, 0, 0, k, v)),
			sdk.Offsets{From: 4, To: 5},
			[]sdk.Record{{Offset: 4, Timestamp: -1, Key: k, Value: v}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := fetched{at: test.at, raw: test.raw, readCommitted: true, decompressor: newDecompressor(math.MaxInt32)}
			records, err := f.Decode()
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, records); d != "" {
				t.Error(d)
			}
		})
	}
}
