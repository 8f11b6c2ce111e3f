// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/sdk"
)

// encoder builds batches. It is deterministic: the same records give the same
// bytes, which the broker's recognition of repeats relies on. It is not safe
// for concurrent use; its compressor is.
type encoder struct {
	compressor kgo.Compressor // nil is none
	buffers    *buffers
	body       []byte // before compression
	compressed bytes.Buffer
}

func newCompressor(codec string) (kgo.Compressor, error) {
	return kgo.DefaultCompressor(map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}[codec])
}

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

// encode makes one batch of the records, with offsets from 0 and still to be
// sealed. The bytes are the caller's.
func (e *encoder) encode(records []sdk.Record) []byte {
	base, newest, size := records[0].Timestamp, records[0].Timestamp, 0
	for i := range records {
		newest = max(newest, records[i].Timestamp)
		size += atMost(&records[i])
	}
	var out []byte
	codec := kgo.CodecNone
	if e.compressor != nil {
		e.body = appendRecords(slices.Grow(e.body[:0], size), records, base)
		e.compressed.Reset()
		var small []byte
		if small, codec = e.compressor.Compress(&e.compressed, e.body); codec != kgo.CodecError {
			out = append(e.buffers.get(len(small)), small...)
		}
	}
	if out == nil {
		codec = kgo.CodecNone
		out = appendRecords(e.buffers.get(size), records, base)
	}
	binary.BigEndian.PutUint32(out[atLength:], uint32(len(out)-prefixSize))
	binary.BigEndian.PutUint32(out[atLeaderEpoch:], ^uint32(0))
	out[atMagic] = 2
	binary.BigEndian.PutUint16(out[atAttributes:], uint16(codec))
	binary.BigEndian.PutUint32(out[atLastOffsetDelta:], uint32(len(records)-1))
	binary.BigEndian.PutUint64(out[atBaseTimestamp:], uint64(base))
	binary.BigEndian.PutUint64(out[atMaxTimestamp:], uint64(newest))
	binary.BigEndian.PutUint32(out[atCount:], uint32(len(records)))
	return out
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
