// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/klamm-io/klamm/sdk"
)

// write is one call of Write.
type write struct {
	source sdk.Stream
	at     sdk.Offsets
	parts  []*outgoing
	// parted is the source offset before which every record is in a part.
	parted  int64
	missing int  // parts without an answer, and one for the Write itself
	cut     bool // some of it will not be written
	done    sdk.Done
}

// delivery covers what is durable: the write, or a prefix of it. Parts for
// different targets are answered in any order, and their source offsets may
// interleave; the first record without an answer ends the prefix.
func (wr *write) delivery() sdk.Delivery {
	d := sdk.Delivery{Source: wr.source, Offsets: sdk.Offsets{From: wr.at.From, To: wr.parted}}
	for _, o := range wr.parts {
		if !o.acked {
			d.To = min(d.To, o.first())
		}
	}
	for _, o := range wr.parts {
		if !o.acked {
			continue
		}
		switch {
		case o.why == "":
			d.AsRead++
		case d.Decoded == nil:
			d.Decoded = map[string]int{o.why: 1}
		default:
			d.Decoded[o.why]++
		}
		for _, r := range o.runs {
			if r.Source < d.To {
				d.Runs = appendRun(d.Runs, r)
			}
		}
	}
	bySource := func(a, b sdk.Run) int { return cmp.Compare(a.Source, b.Source) }
	if !slices.IsSortedFunc(d.Runs, bySource) {
		slices.SortFunc(d.Runs, bySource)
	}
	return d
}

// appendRun appends a run, to the last one if it goes on from there.
func appendRun(runs []sdk.Run, r sdk.Run) []sdk.Run {
	if n := len(runs); n > 0 {
		last := &runs[n-1]
		if last.TopicPartition == r.TopicPartition && last.Source+last.Count == r.Source && last.Target+last.Count == r.Target {
			last.Count += r.Count
			return runs
		}
	}
	return append(runs, r)
}

// outgoing is one batch on its way to one target partition. It is guarded by the
// sink's mutex from when it is queued.
type outgoing struct {
	write   *write
	why     string       // it is not as it was read; empty if it is
	codec   int8         // with which records are to be encoded
	records []sdk.Record // until they are
	head    header
	body    []byte
	memory  *memory   // in which body is
	runs    []sdk.Run // with target offsets from 0 until it is acked
	run     [1]sdk.Run
	acked   bool
	givenUp bool // its write does not wait for it
	sent    bool // it may be in the target's log, under its sequence
	users   int  // the queue, and each request that it is in
}

func (o *outgoing) count() int { return int(o.head.view().count()) }
func (o *outgoing) size() int  { return headerSize + len(o.body) }

// first is the source offset of the batch's first record.
func (o *outgoing) first() int64 { return o.runs[0].Source }

func (o *outgoing) sequence() int32 { return o.head.view().baseSequence() }

// raw is the batch in one piece.
func (o *outgoing) raw() []byte { return slices.Concat(o.head[:], o.body) }

// unuse is for one user less; the last one gives the memory back.
func (o *outgoing) unuse() {
	if o.users--; o.users == 0 {
		o.memory.release()
		o.body, o.memory = nil, nil
	}
}

// divide makes the parts of a batch, each for one target: batches as they were read,
// and records that are still to be encoded. A *PartitionError ends them before the
// record it is about.
func (w *writer) divide(ctx context.Context, wr *write, b *sdk.Batch) ([]*outgoing, error) {
	if encoded, ok := b.Encoded(); ok && w.sink.keys == nil {
		if f, ok := encoded.(*fetched); ok {
			return w.passOn(wr, f, sdk.TopicPartition{Topic: b.Topic, Partition: b.Source.Partition})
		}
	}
	return w.divideRecords(ctx, wr, b)
}

// passOn makes a part of each batch that can be written as it was read, and parts of
// the records of those that cannot, in their order.
func (w *writer) passOn(wr *write, f *fetched, to sdk.TopicPartition) (parts []*outgoing, err error) {
	var (
		aborts  = newAbortFilter(f.aborted)
		records []sdk.Record // decoded, and not in a part yet
		as      outgoing     // what they have in common
		size    int
	)
	flush := func() {
		parts = w.appendParts(parts, wr, to, records, as.why, as.codec)
		records, size = nil, 0
	}
	for rest := f.raw; len(rest) > 0; {
		b, next, _, _ := nextBatch(rest)
		rest = next
		dropped := aborts.drops(b) && f.readCommitted || b.holdsNothing()
		why := b.decoded(f.at, w.sink.codec)
		if why == "" && !dropped {
			flush()
			parts = append(parts, asRead(wr, f, b, to))
			continue
		}
		codec := w.sink.codecFor(compressionOf(b))
		if !dropped && (size > int(w.sink.config.BatchSize) || why != as.why || codec != as.codec) {
			flush()
			as.why, as.codec = why, codec
		}
		before := len(records)
		w.sink.encoding <- struct{}{}
		records, err = f.appendRecords(records, b, dropped)
		<-w.sink.encoding
		if err != nil {
			flush()
			return parts, unreadable(wr.source, f.at, err)
		}
		for i := before; i < len(records); i++ {
			size += records[i].Size()
		}
	}
	flush()
	return parts, nil
}

// asRead makes a part of a batch as it was read. Its offsets have no holes.
func asRead(wr *write, f *fetched, b batchView, to sdk.TopicPartition) *outgoing {
	o := &outgoing{write: wr, body: b[headerSize:], memory: f.memory.retain(), users: 1}
	copy(o.head[:], b)
	o.head.rebase()
	o.run[0] = sdk.Run{TopicPartition: to, Source: b.baseOffset(), Count: int64(b.count())}
	o.runs = o.run[:]
	return o
}

// unreadable is the error of a partition of which something cannot be read.
func unreadable(source sdk.Stream, at sdk.Offsets, err error) *sdk.PartitionError {
	if c, ok := errors.AsType[*corruptBatch](err); ok {
		at = sdk.Offsets{From: c.at, To: c.at + 1}
	}
	return &sdk.PartitionError{
		TopicPartition: source.TopicPartition, Reason: sdk.ReasonCorrupt, Offsets: at, Err: err,
		Fix: "nothing behind it is copied; check the source's disks, or leave the topic out",
	}
}

// divideRecords makes parts of records, which each go where they say, or where their
// keys say.
func (w *writer) divideRecords(ctx context.Context, wr *write, b *sdk.Batch) ([]*outgoing, error) {
	why := decodedTransform
	if _, ok := b.Encoded(); ok {
		why = decodedPartitioner
	}
	codec := w.sink.codecFor(b.Compression)
	w.sink.encoding <- struct{}{}
	records, err := b.Records()
	<-w.sink.encoding
	var stop error
	if err != nil {
		stop = unreadable(b.Source, b.Offsets, err) // behind the records there are
	}
	var parts []*outgoing
	for len(records) > 0 {
		topic, same := destination(b, records)
		if w.sink.keys == nil {
			parts = w.appendParts(parts, wr, sdk.TopicPartition{Topic: topic, Partition: b.Source.Partition}, records[:same], why, codec)
			records = records[same:]
			continue
		}
		count, fix, err := w.sink.keys.count(ctx, topic)
		if err != nil && ctx.Err() != nil {
			return nil, fmt.Errorf("waiting for the partitions of topic %s of cluster %s: %w", topic, w.sink.client.name, ctx.Err())
		}
		if err != nil {
			return parts, targetError(b.Source, records[0].Offset, err, fix)
		}
		w.sink.encoding <- struct{}{}
		divided := w.sink.keys.divide(records[:same], b.Source.Partition, count)
		<-w.sink.encoding
		for n, of := range divided {
			parts = w.appendParts(parts, wr, sdk.TopicPartition{Topic: topic, Partition: int32(n)}, of, why, codec)
		}
		records = records[same:]
	}
	return parts, stop
}

// appendParts appends the parts that records for one target make: no larger than
// batches may be.
func (w *writer) appendParts(parts []*outgoing, wr *write, to sdk.TopicPartition, records []sdk.Record, why string, codec int8) []*outgoing {
	for len(records) > 0 {
		n := fit(records, int(w.sink.config.BatchSize))
		parts = append(parts, &outgoing{write: wr, why: why, codec: codec, records: records[:n], runs: runsOf(records[:n], to), users: 1})
		records = records[n:]
	}
	return parts
}

// destination is the topic of the first record, and how many from there on go
// to the same.
func destination(b *sdk.Batch, records []sdk.Record) (topic string, same int) {
	first := records[0].Topic
	for same = 1; same < len(records) && records[same].Topic == first; same++ {
	}
	if first == "" {
		first = b.Topic
	}
	return first, same
}

// runsOf maps the records' source offsets to target offsets from 0.
func runsOf(records []sdk.Record, to sdk.TopicPartition) []sdk.Run {
	var runs []sdk.Run
	for i := range records {
		runs = appendRun(runs, sdk.Run{TopicPartition: to, Source: records[i].Offset, Target: int64(i), Count: 1})
	}
	return runs
}

func sourceOffsets(runs []sdk.Run) []int64 {
	var offsets []int64
	for _, r := range runs {
		for i := range r.Count {
			offsets = append(offsets, r.Source+i)
		}
	}
	return offsets
}
