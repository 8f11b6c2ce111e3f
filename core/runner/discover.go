// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"slices"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// discover keeps looking for new partitions.
func (r *Runner) discover(ctx context.Context) {
	tick := time.NewTicker(discoverEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		r.look(ctx)
		select {
		case <-tick.C:
		case <-r.edited:
		case <-ctx.Done():
		}
	}
}

func (r *Runner) look(ctx context.Context) {
	spec := r.spec.Load()
	streams, err := r.source.Partitions(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.health.trouble(r.log, err)
		}
		return
	}
	r.mu.Lock()
	r.streams, r.listed = r.selected(streams), spec
	lanes := r.ownedLanes()
	r.mu.Unlock()
	for _, l := range lanes {
		l.wake()
	}
}

// looked reports whether the partitions that the file selects have been listed
// since it was last edited.
func (r *Runner) looked() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.listed == r.spec.Load()
}

// selected leaves out what the file does not select any more, which a source
// may still have listed. The caller holds the mutex.
func (r *Runner) selected(streams []sdk.Stream) []sdk.Stream {
	selecting, ok := r.spec.Load().Source.Config.(sdk.Selecting)
	if !ok || !r.wasEdited {
		return streams
	}
	wanted := map[string]bool{}
	return slices.DeleteFunc(streams, func(s sdk.Stream) bool {
		if _, asked := wanted[s.Topic]; !asked {
			wanted[s.Topic] = selecting.SelectsTopic(s.Topic)
		}
		return !wanted[s.Topic]
	})
}

// share returns the partitions of a lane, as last seen.
func (r *Runner) share(number int) []sdk.Stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	var share []sdk.Stream
	for _, s := range r.streams {
		if ledger.LaneOf(s.TopicPartition, r.store.Lanes()) == number {
			share = append(share, s)
		}
	}
	return share
}

// ownedLanes returns the lanes of this process by number. The caller holds the
// mutex.
func (r *Runner) ownedLanes() []*lane {
	lanes := make([]*lane, 0, len(r.lanes))
	for _, l := range r.lanes {
		lanes = append(lanes, l)
	}
	slices.SortFunc(lanes, func(a, b *lane) int { return a.number - b.number })
	return lanes
}

// measure keeps asking where the source ends, which lag is measured against.
func (r *Runner) measure(ctx context.Context) {
	lister, ok := r.source.(sdk.EndLister)
	if !ok {
		return
	}
	every(ctx, lagEvery, func() {
		r.mu.Lock()
		lanes := r.ownedLanes()
		r.mu.Unlock()
		var streams []sdk.Stream
		for _, l := range lanes {
			streams = append(streams, l.reading()...)
		}
		ends, err := lister.Ends(ctx, streams)
		if err != nil && ctx.Err() == nil {
			r.health.trouble(r.log, err)
		}
		for _, l := range lanes {
			l.setEnds(ends)
		}
	})
}

// finished reports whether every partition of a bounded run is done or stopped,
// in this process or in another.
func (r *Runner) finished(ctx context.Context) bool {
	r.mu.Lock()
	lanes := r.ownedLanes()
	r.mu.Unlock()
	if len(lanes) == 0 {
		return false
	}
	owned := map[int]bool{}
	for _, l := range lanes {
		if !l.finished() {
			return false
		}
		owned[l.number] = true
	}
	var unfinished []int
	for n := 1; n <= r.store.Lanes(); n++ {
		if !owned[n] && !r.finishedElsewhere(ctx, n) {
			unfinished = append(unfinished, n)
		}
	}
	return len(unfinished) == 0 || r.waitsInVain(ctx, unfinished)
}

// finishedElsewhere goes by the positions that the lane's owner has stored.
func (r *Runner) finishedElsewhere(ctx context.Context, number int) bool {
	share := r.share(number)
	if len(share) == 0 {
		return true
	}
	lister, ok := r.source.(sdk.EndLister)
	if !ok {
		return false
	}
	ends, err := lister.Ends(ctx, share)
	if err != nil {
		return false
	}
	entries, err := r.store.Read(ctx, number)
	if err != nil {
		return false
	}
	l, err := ledger.DecodeLane(entries)
	if err != nil {
		return false
	}
	for _, s := range share {
		p, ok := l.Positions[s.TopicPartition]
		end, known := ends[s.TopicPartition]
		if !ok || !known || p.Offset < end {
			return false
		}
	}
	return true
}

// every calls f now and then again and again, until ctx ends.
func every(ctx context.Context, pause time.Duration, f func()) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for ctx.Err() == nil {
		f()
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
