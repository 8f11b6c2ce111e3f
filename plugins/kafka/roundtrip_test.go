// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/klamm-io/klamm/sdk"
)

func drawBytes(t *rapid.T, label string) []byte {
	switch rapid.IntRange(0, 3).Draw(t, label+" kind") {
	case 0:
		return nil
	case 1:
		return []byte{}
	}
	return rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, label)
}

// kgoNewest is the newest timestamp that kgo reads right.
const kgoNewest = math.MaxInt64 / 1_000_000

// drawRecords draws records with all that Kafka can hold, with offsets from 0.
func drawRecords(t *rapid.T, newest int64) []sdk.Record {
	n := rapid.IntRange(1, 20).Draw(t, "records")
	records := make([]sdk.Record, n)
	stamp := rapid.OneOf(rapid.Just(int64(-1)), rapid.Int64Range(-10, 10), rapid.Int64Range(0, 4e12), rapid.Int64Range(0, newest))
	for i := range records {
		records[i] = sdk.Record{
			Offset: int64(i), Timestamp: stamp.Draw(t, "timestamp"),
			Key: drawBytes(t, "key"), Value: drawBytes(t, "value"),
		}
		for range rapid.IntRange(0, 4).Draw(t, "headers") {
			records[i].Headers = append(records[i].Headers, sdk.Header{
				Key: rapid.SampledFrom([]string{"", "a", "a", "b", "ünï\x00\xff"}).Draw(t, "name"), Value: drawBytes(t, "header"),
			})
		}
	}
	return records
}

// Compressors take long to make, with the race detector tens of milliseconds.
var testCompressors = sync.OnceValue(func() compressors {
	all, err := newCompressors()
	if err != nil {
		panic(err)
	}
	return all
})

// encodeBatch makes one batch, sealed by producer 7.
func encodeBatch(codec int8, records []sdk.Record) []byte {
	head, body := (&encoder{compressors: testCompressors(), buffers: newBuffers(nil, 0)}).encode(records, codec)
	head.seal(producerState{id: 7, epoch: 1}, false)
	return append(head[:], body.bytes...)
}

func decodeAll(raw []byte) ([]sdk.Record, error) {
	f := fetched{at: sdk.Offsets{To: math.MaxInt64}, raw: raw, decompressor: newDecompressor(maxDecompressed)}
	return f.Decode()
}

func TestRoundTrip(t *testing.T) {
	for _, c := range codecs {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				records := drawRecords(t, math.MaxInt64/4)
				raw := encodeBatch(int8(c.id), records)
				b, rest, need, ok := nextBatch(raw)
				if !ok || len(rest) != 0 || need != len(raw) {
					t.Fatalf("not one whole batch: ok %v, %d bytes left, need %d of %d", ok, len(rest), need, len(raw))
				}
				if err := b.check(); err != nil {
					t.Fatal(err)
				}
				back, err := decodeAll(raw)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(records, back); d != "" {
					t.Fatalf("-encoded +decoded:\n%s", d)
				}
				newest := slices.MaxFunc(records, func(a, b sdk.Record) int { return int(min(max(a.Timestamp-b.Timestamp, -1), 1)) })
				if b.maxTimestamp() != newest.Timestamp || int(b.count()) != len(records) {
					t.Fatalf("header: newest %d, %d records", b.maxTimestamp(), b.count())
				}
			})
		})
	}
}

// What we encode, kgo reads as we do.
func TestDecodeAgreesWithKgo(t *testing.T) {
	for _, c := range codecs {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				raw := encodeBatch(int8(c.id), drawRecords(t, kgoNewest))
				mine, err := decodeAll(raw)
				if err != nil {
					t.Fatal(err)
				}
				part := kmsg.NewFetchResponseTopicPartition()
				part.RecordBatches = raw
				theirs, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{}, &part, kgo.DefaultDecompressor(), nil)
				if theirs.Err != nil {
					t.Fatal(theirs.Err)
				}
				if d := cmp.Diff(fromKgo(theirs.Records), mine); d != "" {
					t.Fatalf("-kgo +ours:\n%s", d)
				}
			})
		})
	}
}

func fromKgo(records []*kgo.Record) []sdk.Record {
	var out []sdk.Record
	for _, r := range records {
		rec := sdk.Record{Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), AppendTime: r.Attrs.TimestampType() == 1, Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			rec.Headers = append(rec.Headers, sdk.Header{Key: h.Key, Value: h.Value})
		}
		out = append(out, rec)
	}
	return out
}

func TestEncodeIsDeterministic(t *testing.T) {
	for _, c := range codecs {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				records := drawRecords(t, math.MaxInt64/4)
				if !bytes.Equal(encodeBatch(int8(c.id), records), encodeBatch(int8(c.id), records)) {
					t.Fatal("the same records gave other bytes")
				}
			})
		})
	}
}

func TestRecordSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecords(t, math.MaxInt64/4)[0]
		delta, stamp := rapid.Int64Range(0, math.MaxInt32).Draw(t, "delta"), rapid.Int64().Draw(t, "stamp")
		size := recordSize(&r, delta, stamp)
		if got, want := len(appendRecord(nil, &r, delta, stamp)), varintSize(int64(size))+size; got != want {
			t.Fatalf("%d bytes, recordSize says %d", got, want)
		}
	})
}

func TestFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawRecords(t, math.MaxInt64/4)
		limit := rapid.IntRange(headerSize, 3000).Draw(t, "limit")
		n := fit(records, limit)
		if n < 1 || n > len(records) {
			t.Fatalf("fit gives %d of %d", n, len(records))
		}
		if size := len(encodeBatch(0, records[:n])); n > 1 && size > limit {
			t.Fatalf("%d records take %d bytes, more than %d", n, size, limit)
		}
	})
}

func TestSequenceWraps(t *testing.T) {
	tests := []struct {
		name     string
		sequence int32
		count    int
		want     int32
	}{
		{"in the middle", 5, 3, 8},
		{"up to the last", math.MaxInt32 - 3, 3, math.MaxInt32},
		{"from the last to the first", math.MaxInt32, 1, 0},
		{"over the end", math.MaxInt32 - 1, 3, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := (producerState{sequence: test.sequence}).after(test.count); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}

// Batches of ours are taken by a broker and read from it unchanged.
func TestEncodedBatchesAreReadAsWritten(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", int32(len(codecs)))
	cl := newKgo(t, k)
	var want [][]sdk.Record
	for p, c := range codecs {
		records := rapid.Custom(func(t *rapid.T) []sdk.Record { return drawRecords(t, kgoNewest) }).Example(p + 1)
		want = append(want, records)
		if err := produceRaw(t, cl, "t", int32(p), encodeBatch(int8(c.id), records)); err != nil {
			t.Fatal(err)
		}
	}
	reader := newKgo(t, k, kgo.ConsumeTopics("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	read, total := make([][]*kgo.Record, len(codecs)), 0
	for _, records := range want {
		total += len(records)
	}
	for total > 0 {
		fetches := reader.PollFetches(testContext(t))
		if err := fetches.Err0(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			read[r.Partition] = append(read[r.Partition], r)
			total--
		})
	}
	for p, c := range codecs {
		if d := cmp.Diff(want[p], fromKgo(read[p])); d != "" {
			t.Errorf("%s: -written +read:\n%s", c.name, d)
		}
	}
}

// produceRaw sends one sealed batch by a request of its own.
func produceRaw(t testing.TB, cl *kgo.Client, topic string, p int32, raw []byte) error {
	t.Helper()
	ctx := testContext(t)
	meta := kmsg.NewPtrMetadataRequest()
	mt := kmsg.NewMetadataRequestTopic()
	mt.Topic = kmsg.StringPtr(topic)
	meta.Topics = append(meta.Topics, mt)
	found, err := meta.RequestWith(ctx, cl)
	if err != nil {
		t.Fatal(err)
	}
	req := kmsg.NewPtrProduceRequest()
	req.Acks = -1
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic, rt.TopicID = topic, found.Topics[0].TopicID
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Partition, rp.Records = p, raw
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	leader := int(found.Topics[0].Partitions[p].Leader)
	resp, err := cl.Broker(leader).Request(ctx, req)
	if err != nil {
		return err
	}
	answer := resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	if answer.ErrorCode != 0 {
		return fmt.Errorf("code %d", answer.ErrorCode)
	}
	return nil
}
