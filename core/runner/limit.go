// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"

	"golang.org/x/time/rate"

	"github.com/klamm-io/klamm/core/config"
)

// limiter holds a process to its share of what the pipeline may move per second.
// All its lanes wait at one place, in turn.
type limiter struct{ bytes, records *rate.Limiter }

func newLimiter(l *config.Limit) *limiter {
	m := &limiter{bytes: rate.NewLimiter(rate.Inf, 1), records: rate.NewLimiter(rate.Inf, 1)}
	m.set(l, 1)
	return m
}

// burstsPerSecond bounds what may be moved at once after a pause: a fifth of a
// second's worth.
const burstsPerSecond = 5

// set changes the limit, of which this process has a share of 0 to 1.
func (m *limiter) set(l *config.Limit, share float64) {
	if l == nil {
		l = &config.Limit{}
	}
	setRate(m.bytes, float64(l.Bytes)*share)
	setRate(m.records, float64(l.Records)*share)
}

func setRate(m *rate.Limiter, perSecond float64) {
	if perSecond <= 0 {
		m.SetLimit(rate.Inf)
		return
	}
	m.SetLimit(rate.Limit(perSecond))
	m.SetBurst(max(int(perSecond/burstsPerSecond), 1))
}

// wait returns when a batch may pass, or ctx ends. A batch that is larger than a
// burst takes as long as it is worth.
func (m *limiter) wait(ctx context.Context, records, bytes int) error {
	if err := waitFor(ctx, m.bytes, bytes); err != nil {
		return err
	}
	return waitFor(ctx, m.records, records)
}

func waitFor(ctx context.Context, m *rate.Limiter, n int) error {
	for n > 0 && m.Limit() != rate.Inf {
		piece := min(n, m.Burst())
		switch err := m.WaitN(ctx, piece); {
		case err == nil:
			n -= piece
		case ctx.Err() != nil:
			return ctx.Err()
		} // otherwise the burst has become smaller just now
	}
	return nil
}

// shareLimit gives this process the share of the limit that its lanes are of all
// lanes. The caller holds the mutex.
func (r *Runner) shareLimit() {
	owned := 0
	for n := range r.lanes {
		if n > 0 {
			owned++
		}
	}
	r.limiter.set(r.spec.Load().Settings.Limit, float64(max(owned, 1))/float64(r.store.Lanes()))
}
