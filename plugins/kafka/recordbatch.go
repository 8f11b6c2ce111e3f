// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The layout of a RecordBatch, magic 2
// (org.apache.kafka.common.record.DefaultRecordBatch).
const (
	atLength          = 8
	atLeaderEpoch     = 12
	atMagic           = 16
	atCRC             = 17
	atAttributes      = 21
	atLastOffsetDelta = 23
	atBaseTimestamp   = 27
	atMaxTimestamp    = 35
	atProducerID      = 43
	atProducerEpoch   = 51
	atBaseSequence    = 53
	atCount           = 57
	headerSize        = 61

	// The same of messages of magic 0 and 1; only 1 has the timestamp.
	atOldAttributes = 17
	atOldTimestamp  = 18

	// prefixSize is offset and length, which every magic begins with and the
	// length does not count.
	prefixSize = 12

	attrCodec         = 0x07
	attrAppendTime    = 0x08
	attrTransactional = 0x10
	attrControl       = 0x20
	attrDeleteHorizon = 0x40
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batchView reads the header of one encoded batch, which must be whole.
type batchView []byte

// nextBatch cuts the first batch off in. ok is false if in does not hold a
// whole one; need is then the size it would have, 0 if that is not known, and
// negative if it cannot be.
func nextBatch(in []byte) (b batchView, rest []byte, need int, ok bool) {
	if len(in) < prefixSize {
		return nil, in, 0, false
	}
	size := int(int32(binary.BigEndian.Uint32(in[atLength:])))
	if size < 0 || size > 1<<31-1-prefixSize {
		return nil, in, -1, false
	}
	size += prefixSize
	if len(in) < size {
		return nil, in, size, false
	}
	return batchView(in[:size:size]), in[size:], size, true
}

func (b batchView) magic() int8 {
	if len(b) <= atMagic {
		return -1
	}
	return int8(b[atMagic])
}

// check makes sure that the header can be read.
func (b batchView) check() error {
	switch m := b.magic(); {
	case m == 0 || m == 1:
		return nil
	case m != 2:
		return fmt.Errorf("batch at offset %d has magic %d", b.baseOffset(), m)
	case len(b) < headerSize:
		return fmt.Errorf("batch at offset %d has %d bytes, fewer than a header", b.baseOffset(), len(b))
	case b.lastOffsetDelta() < 0 || b.baseOffset() < 0:
		return fmt.Errorf("batch at offset %d: last offset delta %d", b.baseOffset(), b.lastOffsetDelta())
	}
	return nil
}

// verify makes sure that the bytes are as the producer summed them up.
func (b batchView) verify() error {
	if b.magic() != 2 {
		return nil // summed up per message; verified when decoded
	}
	if want, got := binary.BigEndian.Uint32(b[atCRC:]), crc32.Checksum(b[atAttributes:], castagnoli); want != got {
		return fmt.Errorf("batch at offset %d: its checksum is %08x, that of its bytes %08x", b.baseOffset(), want, got)
	}
	return nil
}

func (b batchView) baseOffset() int64 { return int64(binary.BigEndian.Uint64(b)) }

// nextOffset is the offset after the batch. Of magic 0 and 1 it is only known
// that the stored offset is that of the last message.
func (b batchView) nextOffset() int64 {
	if b.magic() != 2 {
		return b.baseOffset() + 1
	}
	return b.baseOffset() + int64(b.lastOffsetDelta()) + 1
}

func (b batchView) leaderEpoch() int32 {
	if b.magic() != 2 {
		return -1
	}
	return int32(binary.BigEndian.Uint32(b[atLeaderEpoch:]))
}

func (b batchView) attributes() int16 { return int16(binary.BigEndian.Uint16(b[atAttributes:])) }
func (b batchView) lastOffsetDelta() int32 {
	return int32(binary.BigEndian.Uint32(b[atLastOffsetDelta:]))
}

func (b batchView) baseTimestamp() int64 { return int64(binary.BigEndian.Uint64(b[atBaseTimestamp:])) }

func (b batchView) maxTimestamp() int64  { return int64(binary.BigEndian.Uint64(b[atMaxTimestamp:])) }
func (b batchView) producerID() int64    { return int64(binary.BigEndian.Uint64(b[atProducerID:])) }
func (b batchView) count() int32         { return int32(binary.BigEndian.Uint32(b[atCount:])) }
func (b batchView) producerEpoch() int16 { return int16(binary.BigEndian.Uint16(b[atProducerEpoch:])) }

func (b batchView) baseSequence() int32 { return int32(binary.BigEndian.Uint32(b[atBaseSequence:])) }
func (b batchView) codec() int8         { return int8(b.attributes() & attrCodec) }
func (b batchView) appendTime() bool    { return b.attributes()&attrAppendTime != 0 }
func (b batchView) transactional() bool { return b.attributes()&attrTransactional != 0 }
func (b batchView) control() bool       { return b.attributes()&attrControl != 0 }
