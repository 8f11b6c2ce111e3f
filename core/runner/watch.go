// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"fmt"
	"time"

	"github.com/klamm-io/klamm/sdk"
)

const (
	watchEvery = time.Second
	// silence is how long a sink may leave a batch without an answer before
	// that is told as trouble.
	silence = 5 * time.Second
)

// watch tells of batches that their sink does not answer. A cluster that takes
// connections and does nothing fails no request for a long time.
func (r *Runner) watch(ctx context.Context) {
	every(ctx, watchEvery, func() {
		r.mu.Lock()
		lanes := r.ownedLanes()
		r.mu.Unlock()
		for _, l := range lanes {
			if f := l.current(); f != nil {
				if err := f.unanswered(time.Now()); err != nil {
					r.health.trouble(r.log, err)
					return
				}
			}
		}
	})
}

// unanswered is an error about the batch that has waited longest, if that is too
// long and nothing was heard of its partition meanwhile.
func (f *flow) unanswered(now time.Time) error {
	hearer, hears := f.writer.(sdk.Hearer)
	var oldest *late
	for _, l := range f.late(now.Add(-silence)) {
		if hears && hearer.Heard(l.source).After(now.Add(-silence)) {
			continue
		}
		if oldest == nil || l.since.Before(oldest.since) {
			oldest = &l
		}
	}
	if oldest == nil {
		return nil
	}
	return fmt.Errorf("sink %s has not answered for more than %s: topic %s partition %d (to %s) waits behind offset %d",
		describeEnd(EndpointOf(f.runner.spec.Load().Sink.Plugin, f.runner.spec.Load().Sink.Config)), silence,
		oldest.source.Topic, oldest.source.Partition, oldest.target, oldest.behind)
}

// late is a partition whose next batch waits for its sink's answer.
type late struct {
	source sdk.TopicPartition
	target string
	behind int64     // offset
	since  time.Time // it was handed over
}

// late are the partitions that have waited since before a time. The writer is not to
// be asked about them with the mutex held: it answers with its own held.
func (f *flow) late(before time.Time) (waiting []late) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.partitions {
		if len(p.pending) > 0 && !p.pending[0].since.IsZero() && !p.pending[0].since.After(before) {
			waiting = append(waiting, late{p.TopicPartition, p.target, p.next.Offset, p.pending[0].since})
		}
	}
	return waiting
}

func describeEnd(e Endpoint) string {
	if e.Cluster == "" {
		return e.Plugin
	}
	return e.Plugin + " (cluster " + e.Cluster + ")"
}
