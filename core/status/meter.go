// SPDX-License-Identifier: Apache-2.0

package status

import (
	"time"

	"github.com/klamm-io/klamm/core/runner"
)

// Meter tells how fast a pipeline moves: the mean over a sliding window of the
// snapshots it was shown. It is not safe for concurrent use.
type Meter struct {
	window  time.Duration
	samples []sample
}

type sample struct {
	at             time.Time
	records, bytes int64
}

// Rate is how fast a pipeline moves, per second.
type Rate struct{ Records, Bytes float64 }

// NewMeter makes a meter that looks back over a window.
func NewMeter(window time.Duration) *Meter { return &Meter{window: window} }

// Observe takes note of a snapshot and returns the rate up to it.
func (m *Meter) Observe(now time.Time, s *runner.Status) Rate {
	if n := len(m.samples); n > 0 && s.Records < m.samples[n-1].records {
		m.samples = m.samples[:0] // started over
	}
	if len(m.samples) == 0 && !s.Started.IsZero() && now.Sub(s.Started) <= m.window {
		m.samples = append(m.samples, sample{at: s.Started})
	}
	m.samples = append(m.samples, sample{now, s.Records, s.Bytes})
	for len(m.samples) > 2 && now.Sub(m.samples[0].at) > m.window {
		m.samples = m.samples[1:]
	}
	first := m.samples[0]
	seconds := now.Sub(first.at).Seconds()
	if seconds <= 0 {
		return Rate{}
	}
	return Rate{float64(s.Records-first.records) / seconds, float64(s.Bytes-first.bytes) / seconds}
}

// eta says how long a bounded pipeline still needs, if that can be said.
func eta(s *runner.Status, r Rate) (time.Duration, bool) {
	if !s.Bounded || s.State == runner.Done || r.Records < 0.1 || s.LagRecords <= 0 {
		return 0, false
	}
	seconds := float64(s.LagRecords) / r.Records
	if seconds > (1000 * time.Hour).Seconds() {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second), true
}

// stopped counts the partitions that an error has stopped.
func stopped(s *runner.Status) int {
	n := 0
	for i := range s.Partitions {
		if s.Partitions[i].Reason != "" {
			n++
		}
	}
	return n
}
