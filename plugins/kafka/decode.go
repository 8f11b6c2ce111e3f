// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// fetched is what one fetch returned of a partition: whole batches, as the
// broker sent them.
type fetched struct {
	at            sdk.Offsets // records outside are not wanted
	raw           []byte
	aborted       []kmsg.FetchResponseTopicPartitionAbortedTransaction
	readCommitted bool
	decompressor  kgo.Decompressor
	memory        *memory // in which raw is
}

var _ sdk.Encoded = (*fetched)(nil)

// Bytes implements [sdk.Encoded].
func (f *fetched) Bytes() []byte { return f.raw }

// Release implements [sdk.Encoded].
func (f *fetched) Release() { f.memory.release() }

// Count implements [sdk.Encoded]. Control records do not count. Several old
// messages that are compressed into one do not say how many they are: so many as
// there are offsets for.
func (f *fetched) Count() int {
	n, due := 0, f.at.From
	for rest := f.raw; len(rest) > 0; {
		b, next, _, ok := nextBatch(rest)
		switch m := b.magic(); {
		case !ok, m == 2 && len(b) < headerSize, m != 2 && len(b) <= atOldAttributes:
			return n
		case m != 2 && b[atOldAttributes]&attrCodec != 0:
			n += int(min(max(b.nextOffset()-due, 1), int64(len(b))))
		case m != 2:
			n++
		case !b.control():
			n += int(max(b.count(), 0))
		}
		rest, due = next, b.nextOffset()
	}
	return n
}

// Decode implements [sdk.Encoded]. Control records and those of aborted
// transactions are left out. Beside an error, which is a *corruptBatch, it returns
// the records before it.
func (f *fetched) Decode() ([]sdk.Record, error) {
	var (
		records = make([]sdk.Record, 0, min(f.Count(), maxExpected))
		aborts  = newAbortFilter(f.aborted)
	)
	for rest := f.raw; len(rest) > 0; {
		b, next, _, ok := nextBatch(rest)
		if !ok {
			return records, &corruptBatch{f.at.To, fmt.Errorf("%d bytes behind the last batch", len(rest))}
		}
		rest = next
		dropped := aborts.drops(b) && f.readCommitted || b.holdsNothing()
		var err error
		if records, err = f.appendRecords(records, b, dropped); err != nil {
			return records, err
		}
	}
	return records, nil
}

// corruptBatch is about a batch that cannot be read.
type corruptBatch struct {
	at  int64 // its first offset that is wanted
	err error
}

func (c *corruptBatch) Error() string { return c.err.Error() }
func (c *corruptBatch) Unwrap() error { return c.err }

// appendRecords appends the wanted records of one batch, none if it is to be dropped.
// It trusts nothing that the producer has not summed up so.
func (f *fetched) appendRecords(records []sdk.Record, b batchView, dropped bool) ([]sdk.Record, error) {
	before, err := len(records), b.verify()
	switch {
	case err != nil || dropped:
	case b.magic() != 2:
		var old []sdk.Record
		old, err = f.decodeOld(b)
		records = append(records, old...)
	default:
		if records, err = f.decodeBatch(b, records); err != nil {
			err = fmt.Errorf("batch at offset %d: %w", b.baseOffset(), err)
		}
	}
	if err != nil {
		return records[:before], &corruptBatch{max(b.baseOffset(), f.at.From), err}
	}
	return records, nil
}

// decodeBatch appends the wanted records of a batch.
func (f *fetched) decodeBatch(b batchView, records []sdk.Record) ([]sdk.Record, error) {
	body := []byte(b[headerSize:])
	if codec := b.codec(); codec != 0 {
		var err error
		if body, err = f.decompressor.Decompress(body, kgo.CompressionCodecType(codec)); err != nil {
			return records, fmt.Errorf("decompressing: %w", err)
		}
	}
	count := int(b.count())
	if count < 0 || count > len(body)/minRecordSize {
		return records, fmt.Errorf("%d records cannot stand in %d bytes", count, len(body))
	}
	records = slices.Grow(records, count)
	r := recordReader{in: body, base: b.baseOffset(), baseTime: b.baseTimestamp()}
	due := b.baseOffset()
	for range count {
		records = append(records, sdk.Record{})
		rec := &records[len(records)-1]
		if err := r.next(rec); err != nil {
			return records, err
		}
		// Brokers store such records without a look inside; taken as they are,
		// they would fall out of the range or overtake others.
		if rec.Offset < due || rec.Offset >= b.nextOffset() {
			return records, fmt.Errorf("a record says it has offset %d, where one of [%d, %d) is due", rec.Offset, due, b.nextOffset())
		}
		due = rec.Offset + 1
		if b.appendTime() {
			rec.Timestamp, rec.AppendTime = b.maxTimestamp(), true
		}
		if rec.Offset < f.at.From || rec.Offset >= f.at.To {
			records = records[:len(records)-1]
		}
	}
	if len(r.in) != 0 {
		return records, fmt.Errorf("%d bytes behind the last record", len(r.in))
	}
	return records, nil
}

// decodeOld decodes messages of magic 0 and 1, which brokers since Kafka 4.0 no
// longer store.
func (f *fetched) decodeOld(b batchView) ([]sdk.Record, error) {
	part := kmsg.NewFetchResponseTopicPartition()
	part.RecordBatches = b
	got, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Offset: f.at.From}, &part, f.decompressor, nil)
	if got.Err != nil {
		return nil, fmt.Errorf("message at offset %d: %w", b.baseOffset(), got.Err)
	}
	var records []sdk.Record
	for _, r := range got.Records {
		if r.Offset >= f.at.To {
			continue
		}
		rec := sdk.Record{Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}
		switch {
		case b.magic() == 0: // has no timestamps
			rec.Timestamp = -1
		case b[atOldAttributes]&attrAppendTime != 0: // stands only at the outermost message
			rec.Timestamp, rec.AppendTime = int64(binary.BigEndian.Uint64(b[atOldTimestamp:])), true
		}
		records = append(records, rec)
	}
	return records, nil
}

// abortFilter drops the batches of aborted transactions, as brokers list them
// with a read_committed fetch: each aborted transaction with its producer and
// first offset; it ends with the producer's next control batch.
type abortFilter struct {
	pending []kmsg.FetchResponseTopicPartitionAbortedTransaction // by first offset
	open    map[int64]struct{}                                   // producers inside an aborted transaction
}

func newAbortFilter(list []kmsg.FetchResponseTopicPartitionAbortedTransaction) *abortFilter {
	pending := slices.Clone(list)
	slices.SortFunc(pending, func(a, b kmsg.FetchResponseTopicPartitionAbortedTransaction) int {
		return int(min(max(a.FirstOffset-b.FirstOffset, -1), 1))
	})
	return &abortFilter{pending: pending, open: map[int64]struct{}{}}
}

// drops must see every batch, in order.
func (f *abortFilter) drops(b batchView) bool {
	if b.magic() != 2 {
		return false // from before there were transactions
	}
	for len(f.pending) > 0 && f.pending[0].FirstOffset < b.nextOffset() {
		f.open[f.pending[0].ProducerID] = struct{}{}
		f.pending = f.pending[1:]
	}
	if !b.transactional() {
		return false
	}
	_, aborted := f.open[b.producerID()]
	if b.control() {
		delete(f.open, b.producerID())
	}
	return aborted
}

// left is the list from which another filter goes on where this one is: at offset.
func (f *abortFilter) left(offset int64) []kmsg.FetchResponseTopicPartitionAbortedTransaction {
	var list []kmsg.FetchResponseTopicPartitionAbortedTransaction
	for producer := range f.open {
		t := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
		t.ProducerID, t.FirstOffset = producer, offset
		list = append(list, t)
	}
	return append(list, f.pending...)
}

// maxExpected bounds the room made for records because headers claim them.
const maxExpected = 1 << 14

// minRecordSize is the size of a record with nothing in it.
const minRecordSize = 7

var (
	errTruncatedRecord = errors.New("a record is longer than its batch")
	errNoVarint        = errors.New("not a varint")
)

// recordReader reads the records of a decompressed batch. What it returns
// points into its input. Its first error stays.
type recordReader struct {
	in       []byte
	base     int64
	baseTime int64
	err      error
}

// next reads one record into rec.
func (r *recordReader) next(rec *sdk.Record) error {
	size := r.varint()
	if r.err != nil {
		return r.err
	}
	if size < 1 || size > int64(len(r.in)) {
		return errTruncatedRecord
	}
	body := recordReader{in: r.in[1:size:size]} // behind the attributes, which are unused
	r.in = r.in[size:]
	rec.Timestamp = r.baseTime + body.varint()
	rec.Offset = r.base + body.varint()
	rec.Key = body.bytes()
	rec.Value = body.bytes()
	rec.Headers = body.headers()
	if body.err == nil && len(body.in) != 0 {
		return fmt.Errorf("%d bytes behind the headers of a record", len(body.in))
	}
	return body.err
}

func (r *recordReader) headers() []sdk.Header {
	n := r.varint()
	if n == 0 || r.err != nil {
		return nil
	}
	if n < 0 || n > int64(len(r.in)/2) {
		r.err = fmt.Errorf("%d headers cannot stand in %d bytes", n, len(r.in))
		return nil
	}
	headers := make([]sdk.Header, n)
	for i := range headers {
		headers[i].Key = string(r.bytes())
		headers[i].Value = r.bytes()
	}
	return headers
}

// bytes reads a length and so many bytes; the length -1 is nil, which is not
// the same as empty.
func (r *recordReader) bytes() []byte {
	n := r.varint()
	if n < 0 || n > int64(len(r.in)) {
		if n != -1 && r.err == nil {
			r.err = errTruncatedRecord
		}
		return nil
	}
	b := r.in[:n:n]
	r.in = r.in[n:]
	return b
}

func (r *recordReader) varint() int64 {
	if len(r.in) > 0 && r.in[0] < 0x80 { // most are short
		u := r.in[0]
		r.in = r.in[1:]
		return int64(u>>1) ^ -int64(u&1)
	}
	return r.longVarint()
}

func (r *recordReader) longVarint() int64 {
	v, n := binary.Varint(r.in)
	if n <= 0 {
		if r.err == nil {
			r.err = errNoVarint
		}
		r.in = nil
		return 0
	}
	r.in = r.in[n:]
	return v
}
