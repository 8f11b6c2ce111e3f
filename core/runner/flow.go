// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// flow moves a lane's batches while nothing fails:
//
//	mover:  Read ─▶ Apply … ─▶ Write ┄┄▶ done      keeper:  adopt, commit, drain
//	                                      └─ settle ─▶ position ─▶ Commit
//
// The mover is the lane's one goroutine that touches records; the keeper is the
// one that touches the ledger.
type flow struct {
	lane         *lane
	runner       *Runner
	ledger       sdk.Ledger
	reader       sdk.Reader
	writer       sdk.Writer
	birth        *ledger.Birth
	stored       map[sdk.TopicPartition]sdk.Position // of partitions not adopted, as the ledger has them
	notes        notes                               // what else the ledger has
	spec         *config.Pipeline                    // by which partitions were last let go
	committed    []sdk.Entry                         // what was written last
	ledgerBroken bool                                // the ledger failed and is of no further use
	told         time.Time                           // when the mover last told of rejected records

	fatal chan error    // what ends the flow
	ended chan struct{} // holds a token when a partition ended or stopped

	mu         sync.Mutex
	partitions map[sdk.TopicPartition]*partition
	tails      map[sdk.TopicPartition]*ledger.Tail // of the mappings
	laps       int                                 // how often the mover has come back for more, with nothing in hand
	waiting    context.Context                     // the mover waits for more as long as it lasts
	rouse      context.CancelFunc                  // ends it
	adopted    bool                                // once: every partition there was is in partitions
}

func newFlow(l *lane, own sdk.Ledger, b *ledger.Birth) (*flow, error) {
	found, err := ledger.DecodeLane(own.Entries())
	if err != nil {
		return nil, err
	}
	tails, err := found.Tails()
	if err != nil {
		return nil, err
	}
	f := &flow{
		lane: l, runner: l.runner, ledger: own, birth: b, stored: found.Positions,
		notes: newNotes(found), spec: l.runner.spec.Load(),
		fatal: make(chan error, 1), ended: make(chan struct{}, 1),
		partitions: map[sdk.TopicPartition]*partition{}, tails: tails,
	}
	if f.writer, err = l.runner.sink.Open(l.ctx, l.number); err != nil {
		return nil, err
	}
	if f.reader, err = l.runner.source.Open(l.ctx, l.number); err != nil {
		f.writer.Close(l.ctx)
		return nil, err
	}
	return f, nil
}

// run is the keeper. It returns nil if ctx ended and all was finished.
func (f *flow) run(ctx context.Context) error {
	// What is in hand outlives ctx, by as long as a stop may take.
	work, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	stopLimit := context.AfterFunc(ctx, func() { time.AfterFunc(f.lane.stopLimit(), giveUp) })
	defer stopLimit()

	reading, stopReading := context.WithCancel(ctx)
	var mover sync.WaitGroup
	err := f.adopt(work)
	if err == nil {
		err = f.obey(work)
	}
	if err == nil {
		f.lane.setState(Running)
		f.lane.changed()
		mover.Go(func() { f.move(reading, work) })
		err = f.keep(ctx, work)
	}
	if err != nil && ctx.Err() == nil {
		// What was written and is not stored will be written again: a moment's
		// patience saves repetition.
		time.AfterFunc(time.Second, giveUp)
	}
	stopReading()
	mover.Wait()
	var left error
	if drained := f.writer.Close(work); drained != nil {
		left = &unfinished{drained}
	}
	if !f.ledgerBroken {
		f.notes.ending = ctx.Err() != nil
		// Also what was delivered before the rest was given up is stored.
		storing, done := context.WithTimeout(context.WithoutCancel(ctx), lastCommit)
		defer done()
		err = errors.Join(err, f.commit(storing))
	}
	return errors.Join(err, left, f.reader.Close())
}

// unfinished is work that a stop had to give up.
type unfinished struct{ err error }

func (u *unfinished) Error() string { return u.err.Error() }
func (u *unfinished) Unwrap() error { return u.err }

// keep stores positions until ctx ends or the flow fails.
func (f *flow) keep(ctx, work context.Context) error {
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-f.fatal:
			return err
		case <-f.lane.woken:
			if err := f.adopt(work); f.ledgerBroken {
				return err
			} else if err != nil && ctx.Err() == nil {
				f.runner.health.trouble(f.runner.log, err) // what is read already goes on
			}
			if err := f.obey(work); err != nil {
				return err
			}
		case <-tick.C:
			if err := f.bookkeeping(work); err != nil {
				return err
			}
		case <-f.ended:
			if err := f.bookkeeping(work); err != nil {
				return err
			}
			f.lane.changed()
		}
	}
}

// bookkeeping stores what has changed, and takes up what can go on.
func (f *flow) bookkeeping(ctx context.Context) error {
	if err := f.commit(ctx); err != nil {
		return err
	}
	return f.takeUp(ctx)
}

// commit stores the positions that have moved, their mappings, and what there is to
// note.
func (f *flow) commit(ctx context.Context) error {
	f.mu.Lock()
	var moved []sdk.Position
	for _, p := range f.partitions {
		if p.moved() {
			moved = append(moved, p.next)
		}
	}
	now := time.Now()
	mapped, failed := f.mapped()
	lost, failed2 := f.lostEntries(now)
	notes, noted, err := f.draft(now)
	f.mu.Unlock()
	if err := errors.Join(failed, failed2, err); err != nil {
		return err
	}
	if err := f.store(ctx, moved, slices.Concat(mapped, lost, notes)...); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	noted()
	return nil
}

// store writes positions and other entries, all or none.
func (f *flow) store(ctx context.Context, positions []sdk.Position, others ...sdk.Entry) error {
	if len(positions)+len(others) == 0 {
		return nil
	}
	entries := others
	for _, p := range positions {
		e, err := sdk.EncodePosition(p)
		if err != nil {
			return err
		}
		entries = append(entries, e)
	}
	if err := f.ledger.Commit(ctx, entries); err != nil {
		f.ledgerBroken = true
		return err
	}
	f.committed = entries
	for _, e := range others {
		if ledger.IsGap(e) {
			f.runner.health.gap()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, pos := range positions {
		if p, ok := f.partitions[pos.TopicPartition]; ok {
			p.stored = pos
		}
	}
	return nil
}

// move reads until reading ends; what it has then it still hands on.
func (f *flow) move(reading, work context.Context) {
	for reading.Err() == nil {
		waiting := f.lap(reading)
		b, err := f.reader.Read(waiting)
		switch {
		case err == nil:
			if f.runner.limiter.wait(reading, b.Count(), b.Size()) != nil {
				b.Release()
				return // it is read again
			}
			f.pass(work, b)
			continue
		case reading.Err() != nil:
			return
		}
		if pe, ok := sdk.AsPartitionError(err); ok {
			f.stopPartition(pe)
		} else if waiting.Err() == nil {
			f.fail(fmt.Errorf("reading: %w", err))
			return
		}
	}
}

// lap begins another read of the mover. What was read before a partition's reading
// ended is out of its hands by then.
func (f *flow) lap(reading context.Context) context.Context {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.laps++
	if f.waiting == nil || f.waiting.Err() != nil {
		f.waiting, f.rouse = context.WithCancel(reading)
		f.notifyEnded()
	}
	return f.waiting
}

// endReading takes a partition from the reader. The caller holds the mutex, or the
// keeper could have it read again in between.
func (f *flow) endReading(p *partition) {
	f.reader.Remove(p.TopicPartition)
	p.lap = f.laps
	if f.rouse != nil {
		f.rouse()
	}
}

// settledDown reports whether all of a partition that was read is delivered and
// stored, and nothing more will come. The caller holds the mutex.
func (f *flow) settledDown(p *partition) bool {
	return p.idle() && !p.moved() && p.lap < f.laps
}

// pass brings a batch through the transforms to the writer.
func (f *flow) pass(ctx context.Context, b *sdk.Batch) {
	f.mu.Lock()
	p, ok := f.partitions[b.Source.TopicPartition]
	if !ok || !p.reading() {
		f.mu.Unlock()
		b.Release()
		return // a batch that was on its way when the partition stopped
	}
	pending, err := p.expect(b)
	f.mu.Unlock()
	if err != nil {
		b.Release()
		f.fail(fmt.Errorf("reading: %w", err))
		return
	}
	stop, err := f.prepare(ctx, b, pending)
	if err != nil {
		b.Release()
		f.settled(p, pending, sdk.Delivery{Offsets: sdk.Offsets{To: b.From}}, err)
		if pe, ok := sdk.AsPartitionError(err); ok {
			f.stopPartition(pe) // now, also if the position is not there yet: nothing is written behind a hole
		}
		return
	}
	f.mu.Lock()
	pending.since = time.Now()
	f.mu.Unlock()
	f.writer.Write(ctx, b, func(d sdk.Delivery, err error) {
		b.Release()
		if err == nil && stop != nil {
			err = stop
		}
		f.settled(p, pending, d, err)
	})
	if stop != nil {
		f.stopPartition(stop)
	}
}

// settled takes the writer's answer for a batch.
func (f *flow) settled(p *partition, pb *pendingBatch, d sdk.Delivery, err error) {
	f.mu.Lock()
	p.open--
	pb.settled, pb.to, pb.err, pb.runs, pb.batches = true, d.To, err, d.Runs, ledger.BatchesOf(d)
	for _, r := range d.Runs {
		pb.records += r.Count
	}
	moved, failed := p.settle()
	last, halted := p.last, func() {}
	pe, stops := sdk.AsPartitionError(failed)
	if stops = stops && pe.TopicPartition == p.TopicPartition; stops {
		halted = f.halt(pe) // at once, or the keeper could have it go on in between
	}
	f.mu.Unlock()
	halted()
	f.lane.delivered(p.Topic, moved)
	if failed != nil && !stops {
		f.fail(fmt.Errorf("writing: %w", failed))
	}
	if last {
		f.notifyEnded()
	}
}

// stopPartition ends a partition and no other, or lets it go on past what is
// lost if the file says so. Of several errors the one that comes first in the log
// is what it stops at.
func (f *flow) stopPartition(pe *sdk.PartitionError) {
	f.mu.Lock()
	halted := f.halt(pe)
	f.mu.Unlock()
	halted()
}

// halt is stopPartition for who holds the mutex; what it returns tells of it, when
// the mutex is free.
func (f *flow) halt(pe *sdk.PartitionError) (tell func()) {
	p, ok := f.partitions[pe.TopicPartition]
	if !ok || p.stop != nil && pe.From >= p.stop.From {
		return func() {}
	}
	cause := p.stopAt(pe, f.runner.policy(pe), time.Now())
	if pe.Reason == sdk.ReasonDeleted && !f.runner.source.Bounded() {
		p.retryAt = time.Now().Add(retryTarget) // if it is there again by then
	}
	f.endReading(p)
	return func() {
		f.runner.health.failed(pe)
		about := []any{"topic", pe.Topic, "partition", pe.Partition, "reason", string(pe.Reason), "offsets", pe.Offsets.String(), "error", pe}
		if cause != "" {
			f.runner.log.Warn("partition goes on past what is lost, and a gap record says so", append(about, "by", cause)...)
		} else {
			f.runner.log.Error("partition stopped; the others go on", about...)
		}
		f.notifyEnded()
	}
}

func (f *flow) fail(err error) {
	select {
	case f.fatal <- err:
	default: // the first counts
	}
}

func (f *flow) notifyEnded() {
	select {
	case f.ended <- struct{}{}:
	default:
	}
}
