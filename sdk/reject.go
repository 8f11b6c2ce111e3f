// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// What a function that looks at one record can say of it, besides nil (it passes,
// as the function leaves it). Any other error is about more than the record: it
// stops the partition.

// ErrDrop drops the record: the file's own words say that it is not wanted.
var ErrDrop = errors.New("the record is dropped")

// RejectError is about a record that a stage cannot process, and that it cannot
// process any better at the next attempt. What becomes of it the pipeline says
// (on_reject).
type RejectError struct{ Err error }

// Reject rejects the record because of err.
func Reject(err error) error { return &RejectError{err} }

func (e *RejectError) Error() string { return e.Err.Error() }
func (e *RejectError) Unwrap() error { return e.Err }

// RetryError says that the same batch is to be tried again after a pause: what the
// stage needs is not there now. The batch is as it was before.
type RetryError struct {
	After time.Duration
	Err   error
}

// Retry asks for the batch again after a pause.
func Retry(after time.Duration, err error) error { return &RetryError{after, err} }

func (e *RetryError) Error() string { return e.Err.Error() }
func (e *RetryError) Unwrap() error { return e.Err }

// Rejected is a record that a stage has rejected.
type Rejected struct {
	// Record is the record as it was read, before any stage changed it.
	Record
	// Err is why.
	Err error
}

type rejection struct {
	offset int64
	err    error
}

// Reject rejects the record of that offset. It leaves the batch, whether or not
// the stage takes it out. Only the first word on an offset counts.
func (b *Batch) Reject(offset int64, err error) {
	b.rejected = append(b.rejected, rejection{offset, err})
}

// Outcome takes out what was rejected since it was last called, in the order of
// the offsets, and says how many records were dropped besides. The runner calls it
// after each stage. An error means that the stage has rejected what is not there,
// or that the batch cannot be read.
func (b *Batch) Outcome() (dropped int, rejected []Rejected, err error) {
	if len(b.rejected) > 0 {
		if rejected, err = b.takeRejected(); err != nil {
			return 0, nil, err
		}
	}
	dropped = max(0, b.dropped-len(rejected))
	b.dropped = 0
	return dropped, rejected, nil
}

func (b *Batch) takeRejected() ([]Rejected, error) {
	byOffset := func(x, y rejection) int { return cmp.Compare(x.offset, y.offset) }
	slices.SortStableFunc(b.rejected, byOffset)
	named := slices.CompactFunc(b.rejected, func(x, y rejection) bool { return x.offset == y.offset })
	b.rejected = nil
	read, err := b.asRead()
	if err != nil {
		return nil, err
	}
	out := make([]Rejected, 0, len(named))
	for _, r := range named {
		i, found := slices.BinarySearchFunc(read, r.offset, func(have Record, want int64) int { return cmp.Compare(have.Offset, want) })
		if !found {
			return nil, fmt.Errorf("offset %d was rejected, and the batch %s has no record of it", r.offset, b.Offsets)
		}
		out = append(out, Rejected{read[i], r.err})
	}
	records, err := b.Records()
	if err != nil {
		return nil, err
	}
	left := make([]Record, 0, len(records))
	for i := range records {
		if _, is := slices.BinarySearchFunc(named, rejection{offset: records[i].Offset}, byOffset); !is {
			left = append(left, records[i])
		}
	}
	if len(left) < len(records) {
		b.SetRecords(left)
	}
	return out, nil
}
