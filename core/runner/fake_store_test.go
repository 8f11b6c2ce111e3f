// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/klamm-io/klamm/sdk"
)

// fakeStore is one process's view of the world's store. Lane k belongs to member
// k modulo their number.
type fakeStore struct {
	p *process
	w *world
}

func (s *fakeStore) Name() string { return "the store" }
func (s *fakeStore) Lanes() int   { return s.w.lanes }

func (s *fakeStore) Close() error {
	s.p.closed("store")
	return nil
}

func (s *fakeStore) Own(ctx context.Context, granted, revoked func([]int)) error {
	w := s.w
	w.mu.Lock()
	if err := s.p.ownFault; err != nil {
		w.mu.Unlock()
		return err
	}
	w.members = append(w.members, s)
	w.signal()
	for ctx.Err() == nil && s.p.ownFault == nil {
		lose, changed := s.lose(), w.changed
		w.mu.Unlock()
		if len(lose) > 0 {
			revoked(lose)
		}
		w.mu.Lock()
		s.release(lose)
		gain := s.gain()
		w.mu.Unlock()
		if len(gain) > 0 {
			granted(gain)
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
		w.mu.Lock()
	}
	w.members = slices.DeleteFunc(w.members, func(m *fakeStore) bool { return m == s })
	rest, err := s.lose(), s.p.ownFault
	w.mu.Unlock()
	revoked(rest)
	w.mu.Lock()
	s.release(rest)
	w.mu.Unlock()
	return err
}

// wants reports whether a lane is to be this member's.
func (s *fakeStore) wants(lane int) bool {
	i := slices.Index(s.w.members, s)
	return i >= 0 && lane%len(s.w.members) == i
}

func (s *fakeStore) lose() []int {
	var out []int
	for lane, holder := range s.w.holders {
		if holder == s && !s.wants(lane) {
			out = append(out, lane)
		}
	}
	return out
}

func (s *fakeStore) release(lanes []int) {
	for _, lane := range lanes {
		if s.w.holders[lane] == s {
			delete(s.w.holders, lane)
			s.w.event("released %d", lane)
			s.w.signal()
		}
	}
}

func (s *fakeStore) gain() []int {
	var out []int
	for lane := range s.w.lanes + 1 {
		if s.w.holders[lane] == nil && s.wants(lane) {
			s.w.holders[lane] = s
			out = append(out, lane)
		}
	}
	return out
}

func (s *fakeStore) Open(_ context.Context, lane int) (sdk.Ledger, error) {
	s.w.mu.Lock()
	if s.p.dead {
		s.w.mu.Unlock()
		return nil, errDead
	}
	s.w.epochs[lane]++
	l := &fakeLedger{p: s.p, lane: lane, epoch: s.w.epochs[lane], entries: maps.Clone(s.w.ledgers[lane])}
	delete(s.w.before, lane) // opening waits until all that was committed can be read
	s.w.event("open %d", lane)
	s.w.mu.Unlock()
	if s.w.afterOpen != nil {
		s.w.afterOpen(lane)
	}
	return l, nil
}

// Read implements [sdk.Store]. It shows a commit a little later than it was
// confirmed.
func (s *fakeStore) Read(_ context.Context, lane int) (map[string][]byte, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if was, ok := s.w.before[lane]; ok && lane != sdk.ControlLane && time.Since(was.at) < readLag {
		return was.entries, nil
	}
	return maps.Clone(s.w.ledgers[lane]), nil
}

func (s *fakeStore) Owners(context.Context) (map[int]sdk.Owner, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	owners := map[int]sdk.Owner{}
	for lane, holder := range s.w.holders {
		owners[lane] = sdk.Owner{ID: fmt.Sprint("process ", slices.Index(s.w.members, holder))}
	}
	return owners, nil
}

// readLag is how long a store's readers may not see a commit.
const readLag = 50 * time.Millisecond

// snapshot is what a ledger held before a commit.
type snapshot struct {
	entries map[string][]byte
	at      time.Time
}

type fakeLedger struct {
	p       *process
	lane    int
	epoch   int
	entries map[string][]byte
	failed  error
}

func (l *fakeLedger) Entries() map[string][]byte { return l.entries }

func (l *fakeLedger) Commit(ctx context.Context, entries []sdk.Entry) error {
	w := l.p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.failed != nil {
		w.fault("lane %d: commit on a ledger that failed: %v", l.lane, l.failed)
	}
	l.failed = l.commit(ctx, entries)
	return l.failed
}

func (l *fakeLedger) commit(ctx context.Context, entries []sdk.Entry) error {
	w := l.p.w
	switch {
	case l.p.dead:
		return errDead
	case l.epoch != w.epochs[l.lane]:
		w.event("fenced %d", l.lane)
		return sdk.ErrFenced
	case ctx.Err() != nil:
		return ctx.Err()
	}
	var err error
	if w.commitFault != nil {
		var applied bool
		if err, applied = w.commitFault(l.lane); err != nil && !applied {
			return err
		}
	}
	if w.ledgers[l.lane] == nil {
		w.ledgers[l.lane] = map[string][]byte{}
	}
	w.checkCommit(l.lane, entries)
	w.before[l.lane] = snapshot{maps.Clone(w.ledgers[l.lane]), time.Now()}
	w.commits[l.lane]++
	for _, e := range entries {
		if e.Value == nil {
			delete(w.ledgers[l.lane], e.Key)
		} else {
			w.ledgers[l.lane][e.Key] = e.Value
		}
	}
	if l.lane != sdk.ControlLane {
		w.checkMappings(l.lane, recent, func(tp sdk.TopicPartition) bool {
			return slices.ContainsFunc(entries, func(e sdk.Entry) bool { return e.Key == sdk.PositionKey(tp) })
		})
	}
	return err
}

func (l *fakeLedger) Close() error {
	l.p.w.mu.Lock()
	defer l.p.w.mu.Unlock()
	if l.failed == nil {
		l.failed = errors.New("closed")
	}
	return nil
}
