// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"cmp"
	"context"
	"fmt"
	"math"
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
		for _, r := range o.runs {
			if r.Source < d.To {
				d.Runs = append(d.Runs, r)
			}
		}
	}
	bySource := func(a, b sdk.Run) int { return cmp.Compare(a.Source, b.Source) }
	if !slices.IsSortedFunc(d.Runs, bySource) {
		slices.SortFunc(d.Runs, bySource)
	}
	return d
}

// outgoing is one batch on its way to one target partition.
type outgoing struct {
	write    *write
	records  []sdk.Record // until they are in raw
	raw      []byte
	runs     []sdk.Run // with target offsets from 0 until it is acked
	acked    bool
	givenUp  bool  // its write does not wait for it
	sent     bool  // once or more, with its sequence
	sequence int32 // with which it is sealed; -1 if it is not
}

func (o *outgoing) count() int { return int(batchView(o.raw).count()) }

// first is the source offset of the batch's first record.
func (o *outgoing) first() int64 { return o.runs[0].Source }

// divide makes the parts of a batch, each of records for one target and still
// to be encoded. A *PartitionError ends them before the record it is about.
func (w *writer) divide(ctx context.Context, wr *write, b *sdk.Batch) ([]*outgoing, error) {
	w.sink.encoding <- struct{}{}
	records, err := b.Records()
	<-w.sink.encoding
	if err != nil {
		return nil, &sdk.PartitionError{
			TopicPartition: b.Source.TopicPartition, Reason: sdk.ReasonCorrupt, Offsets: b.Offsets, Err: err,
			Fix: "nothing behind it is copied; check the source's disks, or leave the topic out",
		}
	}
	var parts []*outgoing
	for len(records) > 0 {
		topic, same := destination(b, records)
		if w.sink.keys == nil {
			parts = w.appendParts(parts, wr, sdk.TopicPartition{Topic: topic, Partition: b.Source.Partition}, records[:same])
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
			parts = w.appendParts(parts, wr, sdk.TopicPartition{Topic: topic, Partition: int32(n)}, of)
		}
		records = records[same:]
	}
	return parts, nil
}

// appendParts appends the parts that records for one target make: no larger than
// batches may be.
func (w *writer) appendParts(parts []*outgoing, wr *write, to sdk.TopicPartition, records []sdk.Record) []*outgoing {
	for len(records) > 0 {
		n := fit(records, int(w.sink.config.BatchSize))
		parts = append(parts, &outgoing{write: wr, records: records[:n], runs: runsOf(records[:n], to)})
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
		at := records[i].Offset
		if n := len(runs); n > 0 && runs[n-1].Source+runs[n-1].Count == at {
			runs[n-1].Count++
			continue
		}
		runs = append(runs, sdk.Run{TopicPartition: to, Source: at, Target: int64(i), Count: 1})
	}
	return runs
}

// split encodes a batch that is too large anew, as two.
func (w *writer) split(o *outgoing, at int) ([]*outgoing, error) {
	whole := fetched{at: sdk.Offsets{To: 1 << 62}, raw: o.raw, decompressor: newDecompressor(math.MaxInt32)}
	records, err := whole.Decode()
	if err != nil {
		return nil, err
	}
	encoder := &encoder{compressor: w.sink.compressor}
	offsets := sourceOffsets(o.runs)
	to := o.runs[0].TopicPartition
	for i := range records {
		records[i].Offset = offsets[i]
	}
	var parts []*outgoing
	for _, part := range [][]sdk.Record{records[:at], records[at:]} {
		parts = append(parts, &outgoing{write: o.write, raw: encoder.encode(part), runs: runsOf(part, to), sequence: -1})
	}
	return parts, nil
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
