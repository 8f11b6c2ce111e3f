// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// tail is the end of a partition's mapping, where it goes on with the position.
// The caller holds the mutex.
func (f *flow) tail(at sdk.Position) *ledger.Tail {
	t, ok := f.tails[at.TopicPartition]
	if !ok || !t.Leads(at) {
		t = ledger.NewTail(at)
		f.tails[at.TopicPartition] = t
	}
	return t
}

// followed goes on with the mapping of a partition that was moved. The caller holds
// the mutex.
func (f *flow) followed(tp sdk.TopicPartition, m *ledger.Mapping) (err error) {
	f.tails[tp], err = m.Tail()
	return err
}

// readBack reads what the lane's ledger holds: of a mapping only the tail is in
// memory, but a position that moves by hand can cut it anywhere. A store may show
// the last commit a little later than it has confirmed it.
func (f *flow) readBack(ctx context.Context) (*ledger.Lane, error) {
	ctx, done := context.WithTimeout(ctx, askTimeout)
	defer done()
	for {
		entries, err := f.runner.store.Read(ctx, f.lane.number)
		if err != nil {
			return nil, err
		}
		if shows(entries, f.committed) {
			return ledger.DecodeLane(entries)
		}
		timer := time.NewTimer(readAgain)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("%s does not show what was last committed: %w", f.runner.store.Name(), ctx.Err())
		}
	}
}

// readAgain is the pause before a store is asked again for what was committed.
const readAgain = 20 * time.Millisecond

// shows reports whether the entries of a commit are all there.
func shows(entries map[string][]byte, commit []sdk.Entry) bool {
	last := make(map[string][]byte, len(commit))
	for _, e := range commit {
		last[e.Key] = e.Value
	}
	for key, want := range last {
		if have, ok := entries[key]; ok != (want != nil) || !bytes.Equal(have, want) {
			return false
		}
	}
	return true
}

// mapped returns what to write of the mappings whose positions have moved. The
// caller holds the mutex.
func (f *flow) mapped() ([]sdk.Entry, error) {
	var entries []sdk.Entry
	for _, p := range f.partitions {
		if p.mapping == nil || !p.moved() {
			continue
		}
		of, err := p.mapping.Entries()
		if err != nil {
			return nil, err
		}
		entries = append(entries, of...)
	}
	return entries, nil
}

// beginMappings returns what to write of the mappings of partitions that begin, or
// begin again: what was mapped before their start stays.
func (f *flow) beginMappings(ctx context.Context, starts []sdk.Position) ([]sdk.Entry, error) {
	if len(starts) == 0 {
		return nil, nil
	}
	stored, err := f.readBack(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var entries []sdk.Entry
	for _, at := range starts {
		m := stored.Mapping(at.TopicPartition)
		of, err := m.MoveTo(at)
		if err == nil {
			err = f.followed(at.TopicPartition, m)
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, of...)
	}
	return entries, nil
}
