// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"os"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// notePause keeps errors and counts that change all the time from being written
// all the time.
const notePause = 5 * time.Second

// notes are what a lane's ledger has besides positions. They are guarded by the
// flow's mutex.
type notes struct {
	stops  map[sdk.TopicPartition]ledger.Stop
	moved  map[sdk.TopicPartition]ledger.Moved
	state  ledger.State // as last written
	at     time.Time    // when
	ending bool         // the lane is being stopped
}

func newNotes(found *ledger.Lane) notes {
	return notes{stops: found.Stops, moved: found.Moved}
}

// note is what the ledger shall say of a partition's stop; nil if nothing.
func (p *partition) note() *ledger.Stop {
	if p.stop == nil {
		return nil
	}
	s := &ledger.Stop{Reason: p.stop.Reason, Offsets: p.stop.Offsets, Error: p.stop.Error(), At: p.stopped.UTC()}
	if p.stop.Resume != nil {
		place := ledger.PlaceOf(*p.stop.Resume)
		s.Resume = &place
	}
	return s
}

// draft returns what there is to note, and what to call once it is stored. The
// caller holds the mutex, both times.
func (f *flow) draft(now time.Time) (entries []sdk.Entry, noted func(), err error) {
	stops := map[sdk.TopicPartition]*ledger.Stop{}
	for tp, p := range f.partitions {
		if p.turn != nil || !p.idle() {
			continue // not at its end
		}
		have, is := f.notes.stops[tp]
		want := p.note()
		switch {
		case want == nil && is && !p.paused: // a paused one has not been tried
			entries = append(entries, ledger.UnstopEntry(tp))
		case want != nil && !(is && have.Error == want.Error && have.Reason == want.Reason):
			e, err := want.Entry(tp)
			if err != nil {
				return nil, nil, err
			}
			entries = append(entries, e)
		default:
			continue
		}
		stops[tp] = want
	}
	for tp := range f.notes.stops {
		if _, here := f.partitions[tp]; !here && f.adopted { // the file does not select it any more
			entries = append(entries, ledger.UnstopEntry(tp))
			stops[tp] = nil
		}
	}
	state := f.state()
	write := f.notable(state, now)
	if write {
		e, err := state.Entry()
		if err != nil {
			return nil, nil, err
		}
		entries = append(entries, e)
	}
	return entries, func() {
		for tp, s := range stops {
			if s == nil {
				delete(f.notes.stops, tp)
			} else {
				f.notes.stops[tp] = *s
			}
		}
		if write {
			f.notes.state, f.notes.at = state, now
		}
	}, nil
}

// state is how the lane is doing.
func (f *flow) state() ledger.State {
	l := f.lane
	l.mu.Lock()
	s := ledger.State{State: string(l.state), Since: l.since.UTC(), Process: f.runner.process, Restarts: l.restarts, Batches: l.batches.Clone()}
	l.mu.Unlock()
	if f.notes.ending {
		s.State = string(Stopped)
	}
	s.LastError, s.LastErrorAt = f.runner.health.lastError()
	return s
}

// notable reports whether a state is worth a write: at once if it is another one,
// after a while if only the error is, or what is counted.
func (f *flow) notable(s ledger.State, now time.Time) bool {
	have := f.notes.state
	if s.State != have.State || s.Restarts != have.Restarts {
		return true
	}
	return (s.LastError != have.LastError || !s.Batches.Equal(have.Batches)) && now.Sub(f.notes.at) >= notePause
}

// processName tells people which process it was.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}
