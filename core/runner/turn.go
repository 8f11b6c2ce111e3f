// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// turn is where a partition goes on that is not being read: past what was lost,
// as a policy says; where a person moves it to; or, with neither, where it stands.
type turn struct {
	to   *sdk.Position
	why  ledger.Gap // reason, cause, error and time of the gap that to leaves
	move *ledger.Move
}

// away reports whether the partition goes on elsewhere than it stands.
func (t *turn) away() bool { return t != nil && (t.to != nil || t.move != nil) }

// policy returns the setting by which a partition goes on past an error; empty if
// it stops.
func (r *Runner) policy(pe *sdk.PartitionError) string {
	s := r.spec.Load().Settings
	switch {
	case pe.Resume == nil:
	case pe.Reason == sdk.ReasonGap && s.OnGap == config.OnGapSkip:
		return `on_gap = "skip"`
	case pe.Reason == sdk.ReasonTruncated && s.OnTruncate == config.OnTruncateContinue:
		return `on_truncate = "continue"`
	case pe.Reason == sdk.ReasonRecreated && r.restartsRecreated():
		return `on_recreate = "restart"`
	}
	return ""
}

// stopAt ends reading because of an error, for good or, with a cause, until what
// is in flight has settled. It returns the cause if that is so.
func (p *partition) stopAt(pe *sdk.PartitionError, cause string, now time.Time) string {
	if p.stop == nil {
		p.stopped = now
	}
	p.stop = pe
	if pe.Resume == nil && pe.From >= 0 && passable(pe.Reason) {
		pe.Resume = &sdk.Position{Stream: p.Stream, Offset: pe.To, LeaderEpoch: sdk.NoEpoch}
	}
	switch {
	case p.turn != nil && p.turn.move != nil:
		return "" // a person has said already where it goes on
	case cause == "":
		p.turn = nil
		return ""
	}
	to := *pe.Resume
	to.Target = p.target
	p.turn = &turn{to: &to, why: ledger.Gap{Reason: pe.Reason, Cause: cause, Error: pe.Error(), At: now}}
	return cause
}

// passable reports whether what stops a partition can be passed over by leaving it
// out.
func passable(r sdk.Reason) bool {
	return r == sdk.ReasonRefused || r == sdk.ReasonTransform || r == sdk.ReasonRejected
}

// obey does what people say: in the control lane's ledger, and by editing the
// file.
func (f *flow) obey(ctx context.Context) error {
	said, spec := f.runner.said(), f.runner.spec.Load()
	f.mu.Lock()
	for tp, p := range f.partitions {
		f.pause(p, said.Pauses.Hold(tp))
	}
	for tp, m := range said.Moves {
		p, ok := f.partitions[tp]
		if !ok || p.next.Offset < 0 || f.notes.moved[tp].ID == m.ID || p.turn != nil && p.turn.move != nil {
			continue
		}
		p.turn = &turn{move: &m}
		f.endReading(p)
	}
	if spec != f.spec {
		f.spec = spec
		f.reconsider(time.Now())
		f.letGo(spec)
	}
	f.mu.Unlock()
	return f.takeUp(ctx)
}

// pause sets whether a partition is paused.
func (f *flow) pause(p *partition, hold bool) {
	if p.paused == hold {
		return
	}
	p.paused = hold
	switch {
	case hold:
		f.endReading(p)
	case p.stop == nil && p.turn == nil:
		p.turn = &turn{} // from where it stands
	}
}

// reconsider applies the policies of an edited file to what is stopped.
func (f *flow) reconsider(now time.Time) {
	for _, p := range f.partitions {
		if p.stop != nil {
			p.stopAt(p.stop, f.runner.policy(p.stop), now)
			if p.stop.Reason == sdk.ReasonRejected && p.turn == nil && f.spec.Settings.OnReject != config.OnRejectStop {
				p.turn = &turn{} // the record comes again, and goes where the file now says
			}
		}
	}
}

// letGo ends the reading of what the file does not select any more. Positions
// stay: selected again, it goes on from there.
func (f *flow) letGo(spec *config.Pipeline) {
	selecting, ok := spec.Source.Config.(sdk.Selecting)
	if !ok {
		return
	}
	selected := map[string]bool{}
	for tp, p := range f.partitions {
		if _, asked := selected[tp.Topic]; !asked {
			selected[tp.Topic] = selecting.SelectsTopic(tp.Topic)
		}
		switch {
		case !selected[tp.Topic]:
			p.leaving = true
			f.endReading(p)
		case p.leaving: // and back before it was gone
			p.leaving = false
			if p.stop == nil && p.turn == nil {
				p.turn = &turn{}
			}
		}
	}
}

// takeUp lets partitions go on of which nothing is in flight any more and every
// position is stored, and lets those go that leave. What it means for the ledger
// is stored first, all at once.
func (f *flow) takeUp(ctx context.Context) error {
	var stored *ledger.Lane
	f.mu.Lock()
	turning := f.turning()
	f.mu.Unlock()
	if turning {
		var err error
		if stored, err = f.readBack(ctx); err != nil {
			return err
		}
	}
	f.mu.Lock()
	ready, entries, err := f.ready(time.Now(), stored)
	f.mu.Unlock()
	if err != nil {
		return err
	}
	if err := f.store(ctx, nil, entries...); err != nil {
		return err
	}
	for _, at := range ready {
		if err := f.goOn(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// turning reports whether something can go on elsewhere than it stands. The caller
// holds the mutex.
func (f *flow) turning() bool {
	for _, p := range f.partitions {
		if p.turn.away() && f.settledDown(p) {
			return true
		}
	}
	for tp, m := range f.runner.said().Moves {
		if f.movesAbsent(tp, m) {
			return true
		}
	}
	return false
}

// ready returns what can go on, and what that writes. What goes on elsewhere waits
// until stored says what the ledger holds. The caller holds the mutex.
func (f *flow) ready(now time.Time, stored *ledger.Lane) (ready []sdk.Position, entries []sdk.Entry, err error) {
	for tp, p := range f.partitions {
		switch {
		case !f.settledDown(p), stored == nil && p.turn.away():
		case p.leaving:
			if p.stored.Offset >= 0 {
				f.stored[tp] = p.stored
			}
			delete(f.partitions, tp)
			if _, is := f.notes.stops[tp]; is {
				delete(f.notes.stops, tp)
				entries = append(entries, ledger.UnstopEntry(tp))
			}
		case p.turn != nil:
			to, written, err := f.turn(p, stored, now)
			if err != nil {
				return nil, nil, err
			}
			ready = append(ready, to)
			entries = append(entries, written...)
		}
	}
	if stored == nil {
		return ready, entries, nil
	}
	absent, err := f.moveAbsent(stored, now)
	return ready, append(entries, absent...), err
}

// turn returns where a partition goes on, and what that writes. The caller holds
// the mutex.
func (f *flow) turn(p *partition, stored *ledger.Lane, now time.Time) (to sdk.Position, written []sdk.Entry, err error) {
	switch t := p.turn; {
	case t.move != nil:
		return f.carry(*t.move, p.next, stored, now)
	case t.to != nil:
		delete(f.notes.stops, p.TopicPartition)
		m := stored.Mapping(p.TopicPartition)
		if written, err = ledger.Redirect(p.next, *t.to, m, t.why); err == nil {
			err = f.followed(p.TopicPartition, m)
		}
		return *t.to, written, err
	}
	return p.next, nil, nil
}

// carry carries out a move.
func (f *flow) carry(m ledger.Move, from sdk.Position, stored *ledger.Lane, now time.Time) (sdk.Position, []sdk.Entry, error) {
	var stop *ledger.Stop
	if p, ok := f.partitions[m.TopicPartition]; ok {
		stop = p.note()
	}
	if noted, is := f.notes.stops[m.TopicPartition]; is && stop == nil { // of before, and not found again yet
		stop = &noted
	}
	mapping := stored.Mapping(m.TopicPartition)
	to, entries, err := m.Carry(from, mapping, stop, now)
	if err == nil {
		err = f.followed(m.TopicPartition, mapping)
	}
	if err != nil {
		return to, nil, fmt.Errorf("moving %s by %q: %w", m.TopicPartition, m.Cause, err)
	}
	f.notes.moved[m.TopicPartition] = ledger.Moved{ID: m.ID}
	if slices.ContainsFunc(entries, func(e sdk.Entry) bool { return e.Key == ledger.UnstopEntry(m.TopicPartition).Key }) {
		delete(f.notes.stops, m.TopicPartition) // also if it stops again for the same reason, it is noted anew
	}
	f.runner.log.Warn("position moved", "topic", m.Topic, "partition", m.Partition, "from", from.Offset, "to", to.Offset, "by", m.Cause)
	return to, entries, nil
}

// moveAbsent carries out moves of partitions that have a position and are not
// read, such as those that the file does not select. The caller holds the mutex.
func (f *flow) moveAbsent(stored *ledger.Lane, now time.Time) (entries []sdk.Entry, err error) {
	for tp, m := range f.runner.said().Moves {
		if !f.movesAbsent(tp, m) {
			continue
		}
		to, written, err := f.carry(m, f.stored[tp], stored, now)
		if err != nil {
			return nil, err
		}
		f.stored[tp] = to
		entries = append(entries, written...)
	}
	return entries, nil
}

// movesAbsent reports whether a move is of a partition that is not read, and is still
// to be carried out. The caller holds the mutex.
func (f *flow) movesAbsent(tp sdk.TopicPartition, m ledger.Move) bool {
	_, here := f.partitions[tp]
	_, stored := f.stored[tp]
	return !here && stored && f.notes.moved[tp].ID != m.ID
}

// goOn reads a partition on. One that has no fit target, or was copied to another
// one, is not read, but looked at again.
func (f *flow) goOn(ctx context.Context, at sdk.Position) error {
	tp := at.TopicPartition
	f.writer.Admit(tp)
	f.mu.Lock()
	p := f.partitions[tp]
	stop, unfit := p.stop, !p.retryAt.IsZero() || at.Target != "" && at.Target != p.target
	p.restart(at)
	if unfit {
		p.stop, p.next, p.retryAt = stop, at, time.Now()
	} else {
		p.mapping = f.tail(p.next)
	}
	f.stored[tp] = at
	read := p.reading()
	f.mu.Unlock()
	if !read {
		return nil
	}
	return f.reader.Add(ctx, at)
}
