// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	retryMin = 50 * time.Millisecond
	retryMax = 5 * time.Second
)

// retry is the pause before something is tried again: doubled each time, with
// jitter so that many do not come back together.
type retry struct {
	pause time.Duration
	at    time.Time
}

// again sets the next try and returns the pause before it.
func (r *retry) again(now time.Time) time.Duration {
	r.pause = min(max(r.pause*2, retryMin), retryMax)
	wait := r.pause - time.Duration(rand.Int64N(int64(r.pause)/4+1))
	r.at = now.Add(wait)
	return wait
}

func (r *retry) reset() { *r = retry{} }

// due returns how long to wait still; zero or less is now.
func (r *retry) due(now time.Time) time.Duration {
	if r.at.IsZero() {
		return 0
	}
	return r.at.Sub(now)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
