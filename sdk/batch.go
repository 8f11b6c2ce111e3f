// SPDX-License-Identifier: Apache-2.0

package sdk

// Encoded is a batch as its source read it. Implementations need not be safe
// for concurrent use: a batch has one holder at a time.
type Encoded interface {
	// Bytes are the bytes as read. They must not be changed.
	Bytes() []byte
	// Count is the number of records as the bytes themselves say, which Decode
	// may not all return (aborted ones).
	Count() int
	// Decode returns the records in [From, To) of the batch, in order. It is
	// called at most once. An error names the offset of what cannot be read;
	// it stops the partition.
	Decode() ([]Record, error)
	// Release gives the bytes back to whoever lent them. It is called at most
	// once; what was decoded may point into them and goes with them.
	Release()
}

// Batch is an ordered run of records of one source partition, covering the
// source offsets [From, To). Offsets in the range that have no record
// (compacted away, transaction markers, aborted) are covered all the same, so
// a batch without records still moves the position.
//
// A batch has one holder at a time; it is not safe for concurrent use.
type Batch struct {
	// Source is the partition the batch was read from.
	Source Stream
	Offsets
	// LeaderEpoch and Token become part of the position after the batch.
	LeaderEpoch int32
	Token       string
	// Newest is the latest timestamp of the batch as read, in milliseconds
	// since the epoch; -1 if it is not known without decoding.
	Newest int64
	// Compression is the codec of the bytes as read, by its Kafka name; empty if
	// that is not known. A sink that keeps compression goes by it.
	Compression string
	// Topic is where the batch goes. It starts as the source's topic; setting
	// it renames, and decodes nothing.
	Topic string
	// Last says that nothing follows within the bounds of a bounded source:
	// once this batch is delivered the partition is finished.
	Last bool

	encoded Encoded
	records []Record
	decoded bool
	lent    Encoded // what Release gives back
	err     error   // of decoding
	size    int

	read     []Record // as they were read, once they are decoded
	opened   bool     // read is set
	dropped  int
	rejected []rejection
}

// NewEncodedBatch makes a batch of bytes as read; it takes e over.
func NewEncodedBatch(source Stream, at Offsets, e Encoded) *Batch {
	return &Batch{
		Source: source, Offsets: at, LeaderEpoch: NoEpoch, Newest: -1, Topic: source.Topic,
		encoded: e, lent: e, size: len(e.Bytes()),
	}
}

// NewBatch makes a batch of records; it takes them over. No records at all is
// a batch that only moves the position.
func NewBatch(source Stream, at Offsets, records []Record) *Batch {
	b := &Batch{Source: source, Offsets: at, LeaderEpoch: NoEpoch, Newest: -1, Topic: source.Topic, read: records, opened: true}
	b.setRecords(records)
	return b
}

// Records decodes the batch on first use. The slice is for reading: a stage
// that changes records hands the changed ones to [Batch.SetRecords].
func (b *Batch) Records() ([]Record, error) {
	if !b.decoded {
		b.records, b.err = b.asRead()
		b.decoded = true
	}
	return b.records, b.err
}

// asRead returns the records as they were read, whatever became of them.
func (b *Batch) asRead() (records []Record, err error) {
	if !b.opened {
		b.read, err = b.lent.Decode()
		b.opened = true
	}
	return b.read, err
}

// SetRecords replaces the records, and with them the bytes as read. The batch
// takes the slice over. Offsets must stay within [From, To) and ascend. Records
// that are not among them any more are dropped.
func (b *Batch) SetRecords(records []Record) {
	before := len(b.records)
	if !b.decoded {
		before = b.Count()
	}
	b.dropped += max(0, before-len(records))
	b.setRecords(records)
}

func (b *Batch) setRecords(records []Record) {
	b.records, b.err, b.decoded, b.encoded = records, nil, true, nil
	b.size = 0
	for i := range records {
		b.size += records[i].Size()
	}
}

// Encoded returns the bytes as read, as long as nobody replaced the records.
func (b *Batch) Encoded() (Encoded, bool) { return b.encoded, b.encoded != nil }

// Size is the number of bytes the batch pins, for memory budgets: of the
// bytes as read, or of the records that replaced them.
func (b *Batch) Size() int { return b.size }

// Count is the number of records, without decoding them: of an encoded batch
// the number that its bytes claim.
func (b *Batch) Count() int {
	if b.encoded != nil {
		return b.encoded.Count()
	}
	return len(b.records)
}

// Release gives back the bytes that the batch was made of; its records go with
// them. Its holder calls it when nobody looks at it any more: the runner once the
// write is done or the batch is dropped, a writer sooner if it has all it needs.
// Further calls do nothing.
func (b *Batch) Release() {
	if b.lent == nil {
		return
	}
	lent := b.lent
	b.lent, b.encoded, b.records, b.decoded = nil, nil, nil, true
	b.read, b.opened, b.rejected = nil, true, nil
	lent.Release()
}

// Next is the position after the batch.
func (b *Batch) Next() Position {
	return Position{Stream: b.Source, Offset: b.To, LeaderEpoch: b.LeaderEpoch, Token: b.Token}
}
