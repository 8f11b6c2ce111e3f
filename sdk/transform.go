// SPDX-License-Identifier: Apache-2.0

package sdk

import "context"

// Transform changes a batch in place: one batch in, the same batch out. A
// batch may lose all its records; it still moves the position. Apply is called
// from one goroutine per lane, so from several at a time.
//
// An error stops the partition of the batch; the lane's others go on.
type Transform interface {
	Apply(ctx context.Context, b *Batch) error
}
