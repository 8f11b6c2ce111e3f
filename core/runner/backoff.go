// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	backoffMin = 200 * time.Millisecond
	backoffMax = 30 * time.Second
)

// backoff is the pause before something is started again: doubled each time,
// with jitter.
type backoff struct{ pause time.Duration }

func (b *backoff) wait(ctx context.Context) error {
	b.pause = min(max(2*b.pause, backoffMin), backoffMax)
	timer := time.NewTimer(b.pause - time.Duration(rand.Int64N(int64(b.pause)/4)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
