// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"encoding/binary"

	"github.com/klamm-io/klamm/sdk"
)

// A batch that nobody has looked into is written as it was read: its header says
// whose it is now, and everything behind the header stays as the producer made it.
// What a target's broker would refuse, alter or misunderstand in it is told from the
// header alone; such a batch is decoded and encoded anew, in its place.

// Why a batch is not written as it was read.
const (
	decodedTransform   = "transform"   // a stage replaced the records
	decodedCompression = "compression" // the sink's codec is another one
	decodedPartitioner = "partitioner" // records go to partitions by their keys
	decodedGap         = "gap"         // offsets are missing inside: compacted away
	decodedAppendTime  = "append_time" // the source's broker set the timestamps
	decodedOldFormat   = "old_format"  // magic 0 or 1
	decodedCut         = "cut"         // reading begins or ends inside
	decodedHeader      = "header"      // what no broker takes
	decodedRefused     = "refused"     // the target did not take it as it was
)

// holdsNothing reports whether a batch has no records of its own to write. Rules 3
// and 4: a control batch ends a transaction of the source's, and an empty one is what
// compaction leaves of a producer; brokers take neither (LogValidator.validateBatch).
func (b batchView) holdsNothing() bool {
	return b.magic() == 2 && (b.control() || b.count() == 0)
}

// decoded says why a batch cannot be written as it is; empty if it can. Of the range
// only what lies in wanted is to be written; codec is the one that is, or keepCodec.
func (b batchView) decoded(wanted sdk.Offsets, codec int8) string {
	switch {
	case b.magic() != 2:
		// Produce takes magic 2 only since version 3 (LogValidator).
		return decodedOldFormat
	case b.baseOffset() < wanted.From || b.nextOffset() > wanted.To:
		// A fetch returns the whole batch that its offset lies in.
		return decodedCut
	case b.count() < 0 || b.codec() > maxCodec:
		return decodedHeader
	case b.lastOffsetDelta() != b.count()-1:
		// A producer's batch has no holes (LogValidator.validateBatch), and a
		// header that denies them would leave wrong offsets in the log.
		return decodedGap
	case b.appendTime():
		// The records still carry what the producer said; the time of the append
		// stands in the header alone, and a broker writes its own there.
		return decodedAppendTime
	case codec != keepCodec && b.codec() != codec:
		return decodedCompression
	}
	return ""
}

const (
	maxCodec  = 4
	keepCodec = int8(-1)
)

// rebase makes a header that of a producer's batch, except for whose it is:
//
//   - the base offset is 0, as brokers want it (it is not in the checksum);
//   - it does not belong to a transaction: those of the source are over, and a broker
//     would look for it among its own;
//   - it has no delete horizon (KIP-534): on the target nothing was cleaned yet, and
//     with the bit tombstones are removed by the first cleaning. Timestamps count from
//     the base timestamp all the same.
//
// The checksum is corrected by what has changed, so that whatever happens to the
// records in our memory, the target's broker refuses them.
func (h *header) rebase() {
	before := *h
	binary.BigEndian.PutUint64(h[:], 0)
	attributes := h.view().attributes() &^ (attrTransactional | attrDeleteHorizon)
	binary.BigEndian.PutUint16(h[atAttributes:], uint16(attributes))
	h.correct(&before)
}

// header is that of one batch of magic 2.
type header [headerSize]byte

func (h *header) view() batchView { return h[:] }

// seal writes into a header whose batch it is.
func (h *header) seal(p producerState, transactional bool) {
	before := *h
	if transactional {
		binary.BigEndian.PutUint16(h[atAttributes:], uint16(h.view().attributes()|attrTransactional))
	}
	binary.BigEndian.PutUint64(h[atProducerID:], uint64(p.id))
	binary.BigEndian.PutUint16(h[atProducerEpoch:], uint16(p.epoch))
	binary.BigEndian.PutUint32(h[atBaseSequence:], uint32(p.sequence))
	h.correct(&before)
}

// correct makes the checksum fit what has changed of the header.
func (h *header) correct(before *header) {
	crc := binary.BigEndian.Uint32(before[atCRC:])
	behind := int(binary.BigEndian.Uint32(h[atLength:])) + prefixSize - headerSize
	binary.BigEndian.PutUint32(h[atCRC:], patched(crc, before[atAttributes:], h[atAttributes:], behind))
}
