// SPDX-License-Identifier: Apache-2.0

package sdk

import "context"

// Transform changes a batch in place: one batch in, the same batch out. A
// batch may lose all its records; it still moves the position. Apply is called
// from one goroutine per lane, so from several at a time. [Each] makes one of a
// function that looks at one record at a time.
//
// A record that cannot be processed is rejected by [Batch.Reject]; what becomes of
// it the pipeline says. An error stops the partition of the batch, and the lane's
// others go on; a [Retry] has the same batch come again, after a pause.
type Transform interface {
	Apply(ctx context.Context, b *Batch) error
}
