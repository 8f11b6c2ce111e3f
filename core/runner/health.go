// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"log/slog"
	"sync"
	"time"
)

const (
	// troubleLasts is how long trouble counts after it was last told of; what
	// lasts is told of again within this time.
	troubleLasts = 15 * time.Second
	// troubleBegins is how long trouble has to last before it counts: a leader
	// that moves, or a topic that was just made, is none.
	troubleBegins = 2 * time.Second
	// sayAgain is how long the log is silent about trouble it has told of.
	sayAgain = 10 * time.Second
)

// health is what a pipeline is doing and what went wrong last. It is safe for
// concurrent use.
type health struct {
	mu        sync.Mutex
	started   time.Time
	state     State
	since     time.Time
	last      string
	lastAt    time.Time
	troubleAt time.Time // when it was last told of
	troubled  time.Time // when the trouble that still lasts was first told of
	said      string
	saidAt    time.Time
	restarts  int64
	gaps      int64
	latency   Histogram
	totals    map[string]*Total
}

func newHealth() *health {
	now := time.Now()
	return &health{started: now, state: Starting, since: now, totals: map[string]*Total{}}
}

// set moves to a state, unless an end is reached already.
func (h *health) set(s State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.setLocked(s)
}

func (h *health) setLocked(s State) {
	switch h.state {
	case s, Done, Failed:
		return
	}
	h.state, h.since = s, time.Now()
}

func (h *health) end(s State, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.setLocked(s)
	if err != nil {
		h.last, h.lastAt = err.Error(), time.Now()
	}
}

// failed remembers an error that ended something.
func (h *health) failed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.lastAt = err.Error(), time.Now()
}

// lastError is the newest error and when it was met.
func (h *health) lastError() (string, time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last, h.lastAt.UTC()
}

// gap counts a loss that was passed over.
func (h *health) gap() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gaps++
}

// trouble remembers what is being retried, and logs it now and then.
func (h *health) trouble(log *slog.Logger, err error) {
	if err == nil {
		return
	}
	h.mu.Lock()
	now := time.Now()
	if now.Sub(h.troubleAt) > troubleLasts {
		h.troubled = now
	}
	h.last, h.lastAt, h.troubleAt = err.Error(), now, now
	say := h.troubledLocked(now) && (h.last != h.said || now.Sub(h.saidAt) > sayAgain)
	if say {
		h.said, h.saidAt = h.last, now
	}
	h.mu.Unlock()
	if say {
		log.Warn("retrying", "error", err)
	} else {
		log.Debug("retrying", "error", err)
	}
}

// troubledLocked reports whether something is being retried, and has been for a
// while. The caller holds the mutex.
func (h *health) troubledLocked(now time.Time) bool {
	return now.Sub(h.troubleAt) < troubleLasts && h.troubleAt.Sub(h.troubled) >= troubleBegins
}

// delivered counts a batch.
func (h *health) delivered(topic string, pb *pendingBatch) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.totals[topic]
	if t == nil {
		t = &Total{}
		h.totals[topic] = t
	}
	t.Records += pb.records
	t.Bytes += pb.size
	t.Batches.Add(pb.batches)
	t.add(pb)
	if pb.records > 0 && pb.newest >= 0 {
		h.latency.observe(max(now.Sub(time.UnixMilli(pb.newest)).Seconds(), 0))
	}
}

func (h *Histogram) observe(seconds float64) {
	i := 0
	for i < len(LatencyBounds) && seconds > LatencyBounds[i] {
		i++
	}
	h.Counts[i]++
	h.Sum += seconds
}
