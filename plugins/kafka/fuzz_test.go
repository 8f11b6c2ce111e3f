// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

func seeds(f *testing.F) {
	f.Helper()
	records := []sdk.Record{
		{Timestamp: 1000, Key: []byte("k"), Value: []byte("v"), Headers: []sdk.Header{{Key: "a"}, {Key: "a", Value: []byte("1")}}},
		{Offset: 1, Timestamp: 999},
	}
	for _, c := range codecs {
		raw := encodeBatch(int8(c.id), records)
		f.Add(raw)
		f.Add(append(raw[:len(raw):len(raw)], raw...))
		f.Add(raw[:len(raw)-3])
	}
	f.Add(oldMessage(0, 3, 0, 0, []byte("k"), []byte("v")))
	f.Add(oldMessage(1, 3, 0, 1000, []byte("k"), nil))
}

func FuzzDecode(f *testing.F) {
	seeds(f)
	// Small, so that what unfolds is not what a run's memory goes to.
	decompressor := newDecompressor(1 << 20)
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, summed := range []bool{false, true} {
			if summed {
				raw = sumUp(raw)
			}
			c := &cursor{end: -1, limit: 1 << 20}
			run, _ := c.whole(raw)
			for _, readCommitted := range []bool{false, true} {
				decoded := &fetched{
					at: sdk.Offsets{To: run.to}, raw: run.raw, readCommitted: readCommitted, decompressor: decompressor,
					aborted: []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 7}},
				}
				records, err := decoded.Decode()
				for i := range records {
					if err == nil && (records[i].Offset < 0 || records[i].Offset >= run.to) {
						t.Fatalf("a record with offset %d outside of [0, %d)", records[i].Offset, run.to)
					}
				}
			}
			// What did not come through the checks of whole must not hurt either.
			(&fetched{at: sdk.Offsets{To: math.MaxInt64}, raw: raw, decompressor: decompressor}).Decode()
		}
	})
}

// sumUp corrects the checksums of batches, so that mangled ones come further.
func sumUp(raw []byte) []byte {
	out := append([]byte(nil), raw...)
	for rest := out; ; {
		b, next, _, ok := nextBatch(rest)
		if !ok {
			return out
		}
		if b.magic() == 2 && len(b) >= headerSize {
			binary.BigEndian.PutUint32(b[atCRC:], crc32.Checksum(b[atAttributes:], castagnoli))
		}
		rest = next
	}
}

func FuzzNextBatch(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		for rest := raw; ; {
			b, next, need, ok := nextBatch(rest)
			if !ok {
				if need != 0 && need <= len(rest) {
					t.Fatalf("%d bytes are not enough for %d", len(rest), need)
				}
				return
			}
			if len(b) != need || len(b)+len(next) != len(rest) || len(b) < prefixSize {
				t.Fatalf("%d bytes became %d and %d, need %d", len(rest), len(b), len(next), need)
			}
			if b.check() == nil && b.magic() == 2 && b.nextOffset() <= b.baseOffset() && b.baseOffset() < 1<<62 {
				t.Fatalf("batch at %d ends at %d", b.baseOffset(), b.nextOffset())
			}
			rest = next
		}
	})
}

// oldMessage is a message of magic 0 or 1, which is a batch of one. A compressed
// one has others as its value.
func oldMessage(magic int8, offset int64, attributes int8, timestamp int64, key, value []byte) []byte {
	body := []byte{byte(magic), byte(attributes)}
	if magic == 1 {
		body = binary.BigEndian.AppendUint64(body, uint64(timestamp))
	}
	for _, b := range [][]byte{key, value} {
		if b == nil {
			body = binary.BigEndian.AppendUint32(body, math.MaxUint32)
			continue
		}
		body = binary.BigEndian.AppendUint32(body, uint32(len(b)))
		body = append(body, b...)
	}
	out := binary.BigEndian.AppendUint64(nil, uint64(offset))
	out = binary.BigEndian.AppendUint32(out, uint32(len(body)+4))
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
	return append(out, body...)
}
