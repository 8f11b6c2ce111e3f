// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/sdk"
)

// encoder builds batches. It is deterministic: the same records give the same
// bytes, which the broker's recognition of repeats relies on. It is not safe
// for concurrent use; its compressors are.
type encoder struct {
	compressors compressors
	buffers     *buffers
	body        []byte // before compression
	compressed  bytes.Buffer
}

// compressors compress by codec; none for 0.
type compressors [maxCodec + 1]kgo.Compressor

func newCompressors() (all compressors, err error) {
	for codec, c := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		if all[codec], err = kgo.DefaultCompressor(c); err != nil {
			return all, err
		}
	}
	return all, nil
}

// codecNames are the names of codecs, by their numbers in the attributes of a batch.
var codecNames = [maxCodec + 1]string{"none", "gzip", "snappy", "lz4", "zstd"}

// codecOf is the number of a codec's name; keepCodec for any other.
func codecOf(name string) int8 { return int8(slices.Index(codecNames[:], name)) }

// fit returns how many of the records go into one batch of at most limit bytes
// before compression: at least one.
func fit(records []sdk.Record, limit int) int {
	size := headerSize
	for i := range records {
		size += atMost(&records[i])
		if size > limit && i > 0 {
			return i
		}
	}
	return len(records)
}

// atMost is an upper bound of what a record takes in a batch.
func atMost(r *sdk.Record) int {
	const recordOverhead, headerOverhead = 5 + 1 + 10 + 5 + 5 + 5 + 5, 5 + 5
	return r.Size() + recordOverhead + headerOverhead*len(r.Headers)
}

// encode makes one batch of the records, with offsets from 0 and of no producer. The
// body, which is what follows the header, is the caller's.
func (e *encoder) encode(records []sdk.Record, codec int8) (h header, body *memory) {
	base, newest, size := records[0].Timestamp, records[0].Timestamp, 0
	for i := range records {
		newest = max(newest, records[i].Timestamp)
		size += atMost(&records[i])
	}
	if compressor := e.compressors[codec]; compressor != nil {
		e.body = appendRecords(slices.Grow(e.body[:0], size), records, base)
		e.compressed.Reset()
		small, got := compressor.Compress(&e.compressed, e.body)
		if codec = int8(got); got == kgo.CodecError {
			codec, small = 0, e.body
		}
		body = e.buffers.get(len(small))
		copy(body.bytes, small)
	} else {
		body = e.buffers.get(size)
		body.bytes = appendRecords(body.bytes[:0], records, base)
	}
	binary.BigEndian.PutUint32(h[atLength:], uint32(headerSize-prefixSize+len(body.bytes)))
	binary.BigEndian.PutUint32(h[atLeaderEpoch:], ^uint32(0))
	h[atMagic] = 2
	binary.BigEndian.PutUint16(h[atAttributes:], uint16(codec))
	binary.BigEndian.PutUint32(h[atLastOffsetDelta:], uint32(len(records)-1))
	binary.BigEndian.PutUint64(h[atBaseTimestamp:], uint64(base))
	binary.BigEndian.PutUint64(h[atMaxTimestamp:], uint64(newest))
	binary.BigEndian.PutUint32(h[atCount:], uint32(len(records)))
	binary.BigEndian.PutUint32(h[atCRC:], crc32.Update(crc32.Checksum(h[atAttributes:], castagnoli), castagnoli, body.bytes))
	return h, body
}

func appendRecords(out []byte, records []sdk.Record, base int64) []byte {
	for i := range records {
		out = appendRecord(out, &records[i], int64(i), records[i].Timestamp-base)
	}
	return out
}

// recordSize is the size of a record behind its length.
func recordSize(r *sdk.Record, offsetDelta, timeDelta int64) int {
	size := 1 + varintSize(timeDelta) + varintSize(offsetDelta) +
		bytesSize(r.Key) + bytesSize(r.Value) + varintSize(int64(len(r.Headers)))
	for i := range r.Headers {
		h := &r.Headers[i]
		size += varintSize(int64(len(h.Key))) + len(h.Key) + bytesSize(h.Value)
	}
	return size
}

func appendRecord(out []byte, r *sdk.Record, offsetDelta, timeDelta int64) []byte {
	out = binary.AppendVarint(out, int64(recordSize(r, offsetDelta, timeDelta)))
	out = append(out, 0) // attributes: unused
	out = binary.AppendVarint(out, timeDelta)
	out = binary.AppendVarint(out, offsetDelta)
	out = appendBytes(out, r.Key)
	out = appendBytes(out, r.Value)
	out = binary.AppendVarint(out, int64(len(r.Headers)))
	for i := range r.Headers {
		h := &r.Headers[i]
		out = binary.AppendVarint(out, int64(len(h.Key)))
		out = append(out, h.Key...)
		out = appendBytes(out, h.Value)
	}
	return out
}

func appendBytes(out, b []byte) []byte {
	if b == nil {
		return binary.AppendVarint(out, -1)
	}
	out = binary.AppendVarint(out, int64(len(b)))
	return append(out, b...)
}

func bytesSize(b []byte) int {
	if b == nil {
		return 1
	}
	return varintSize(int64(len(b))) + len(b)
}

func varintSize(v int64) int {
	u := uint64(v<<1) ^ uint64(v>>63)
	n := 1
	for u >= 0x80 {
		u >>= 7
		n++
	}
	return n
}
