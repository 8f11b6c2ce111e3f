// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"fmt"
	"time"
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
// long.
func (f *flow) unanswered(now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var oldest *partition
	for _, p := range f.partitions {
		if len(p.pending) > 0 && (oldest == nil || p.pending[0].since.Before(oldest.pending[0].since)) {
			oldest = p
		}
	}
	if oldest == nil || now.Sub(oldest.pending[0].since) < silence {
		return nil
	}
	return fmt.Errorf("sink %s has not answered for more than %s: topic %s partition %d (to %s) waits behind offset %d",
		describeEnd(EndpointOf(f.runner.spec.Load().Sink.Plugin, f.runner.spec.Load().Sink.Config)), silence, oldest.Topic, oldest.Partition, oldest.target, oldest.next.Offset)
}

func describeEnd(e Endpoint) string {
	if e.Cluster == "" {
		return e.Plugin
	}
	return e.Plugin + " (cluster " + e.Cluster + ")"
}
