// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/klamm-io/klamm/core/runner"
)

const lineInterval = 10 * time.Second

// Lines tells progress in the log: one line per pipeline every ten seconds.
type Lines struct{ log *slog.Logger }

// NewLines makes Lines that write to a log.
func NewLines(log *slog.Logger) *Lines { return &Lines{log} }

// Run writes lines until ctx ends.
func (l *Lines) Run(ctx context.Context, snapshot Snapshot) {
	tick := time.NewTicker(lineInterval)
	defer tick.Stop()
	meters := map[string]*Meter{}
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, s := range snapshot() {
				m := meters[s.Pipeline]
				if m == nil {
					m = NewMeter(lineInterval)
					meters[s.Pipeline] = m
				}
				l.line(&s, m.Observe(now, &s))
			}
		}
	}
}

func (l *Lines) line(s *runner.Status, r Rate) {
	attrs := []any{
		"pipeline", s.Pipeline, "state", s.State, "records", s.Records,
		"records_per_second", math.Round(r.Records), "bytes_per_second", math.Round(r.Bytes),
		"lag_records", s.LagRecords, "lag_seconds", math.Round(s.LagSeconds*10) / 10,
	}
	if !s.Batches.IsZero() {
		attrs = append(attrs, "batches_encoded", s.Batches.Encoded, "batches_decoded", decoded(s.Batches))
	}
	if left, ok := eta(s, r); ok {
		attrs = append(attrs, "eta_seconds", left.Seconds())
	}
	if n := stopped(s); n > 0 {
		attrs = append(attrs, "partitions_stopped", n)
	}
	if s.LastError != "" && !s.Ready() {
		attrs = append(attrs, "last_error", s.LastError)
	}
	l.log.Info("progress", attrs...)
}
