// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"math"

	"github.com/klamm-io/klamm/sdk"
)

// outgoing is one batch on its way to one target partition.
type outgoing struct {
	write    *write
	raw      []byte
	runs     []sdk.Run // with target offsets from 0 until it is acked
	acked    bool
	sent     bool  // once or more, with its sequence
	sequence int32 // with which it is sealed; -1 if it is not
}

func (o *outgoing) count() int { return int(batchView(o.raw).count()) }

// last is the source offset behind the batch's last record.
func (o *outgoing) last() int64 {
	r := o.runs[len(o.runs)-1]
	return r.Source + r.Count
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
