// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"context"
	"errors"
	"fmt"
)

// Each makes a [Transform] of a function that looks at one record at a time. It
// changes the record by setting its fields (never the bytes in place), and says by
// its error what becomes of it: nil, [ErrDrop], [Reject], [Retry]; any other error
// stops the partition. A batch in which nothing is changed keeps its bytes.
//
// The function is called from several goroutines at a time.
func Each(apply func(ctx context.Context, b *Batch, r *Record) error) Transform { return each{apply} }

type each struct {
	apply func(ctx context.Context, b *Batch, r *Record) error
}

// Apply implements [Transform].
func (e each) Apply(ctx context.Context, b *Batch) error {
	records, err := b.Records()
	if err != nil {
		return &PartitionError{
			TopicPartition: b.Source.TopicPartition, Reason: ReasonCorrupt, Offsets: b.Offsets, Err: err,
			Fix: "nothing behind it is copied; check the source's disks, or leave the topic out",
		}
	}
	var (
		changed  []Record // once something is
		altered  bool
		rejected []rejection
	)
	for i := range records {
		r, keep := records[i], true
		err := e.apply(ctx, b, &r)
		reject, is := errors.AsType[*RejectError](err)
		switch {
		case err == nil:
		case is:
			keep, rejected = false, append(rejected, rejection{r.Offset, reject.Err})
		case errors.Is(err, ErrDrop):
			keep = false
		default:
			return fmt.Errorf("offset %d: %w", records[i].Offset, err)
		}
		if !altered && (!keep || !same(&r, &records[i])) {
			altered, changed = true, append(make([]Record, 0, len(records)), records[:i]...)
		}
		if altered && keep {
			r.Offset = records[i].Offset
			changed = append(changed, r)
		}
	}
	if altered {
		b.SetRecords(changed)
	}
	b.rejected = append(b.rejected, rejected...)
	return nil
}

// same reports whether two records share all they have.
func same(a, b *Record) bool {
	return a.Topic == b.Topic && a.Timestamp == b.Timestamp && a.AppendTime == b.AppendTime &&
		shared(a.Key, b.Key) && shared(a.Value, b.Value) && shared(a.Headers, b.Headers)
}

// shared reports whether two slices are one: bytes are never changed in place.
func shared[T any](a, b []T) bool {
	return len(a) == len(b) && (a == nil) == (b == nil) && (len(a) == 0 || &a[0] == &b[0])
}
