// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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
	birth        *birth
	stored       map[sdk.TopicPartition]sdk.Position // found in the ledger
	ledgerBroken bool                                // the ledger failed and is of no further use

	fatal chan error    // what ends the flow
	ended chan struct{} // holds a token when a partition ended or stopped

	mu         sync.Mutex
	partitions map[sdk.TopicPartition]*partition
	adopted    bool // once: every partition there was is in partitions
}

func newFlow(l *lane, ledger sdk.Ledger, b *birth) (*flow, error) {
	stored, err := decodePositions(ledger.Entries())
	if err != nil {
		return nil, err
	}
	f := &flow{
		lane: l, runner: l.runner, ledger: ledger, birth: b, stored: stored,
		fatal: make(chan error, 1), ended: make(chan struct{}, 1),
		partitions: map[sdk.TopicPartition]*partition{},
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

func decodePositions(entries map[string][]byte) (map[sdk.TopicPartition]sdk.Position, error) {
	positions := make(map[sdk.TopicPartition]sdk.Position, len(entries))
	for key, value := range entries {
		p, ok, err := sdk.DecodePosition(key, value)
		if err != nil {
			return nil, err
		}
		if ok {
			positions[p.TopicPartition] = p
		}
	}
	return positions, nil
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
		case <-tick.C:
			if err := f.commit(work); err != nil {
				return err
			}
		case <-f.ended:
			if err := f.commit(work); err != nil {
				return err
			}
			f.lane.changed()
		}
	}
}

// commit stores the positions that have moved.
func (f *flow) commit(ctx context.Context) error {
	f.mu.Lock()
	var moved []sdk.Position
	for _, p := range f.partitions {
		if p.moved() {
			moved = append(moved, p.next)
		}
	}
	f.mu.Unlock()
	return f.store(ctx, moved)
}

func (f *flow) store(ctx context.Context, positions []sdk.Position) error {
	if len(positions) == 0 {
		return nil
	}
	entries := make([]sdk.Entry, len(positions))
	for i, p := range positions {
		var err error
		if entries[i], err = sdk.EncodePosition(p); err != nil {
			return err
		}
	}
	if err := f.ledger.Commit(ctx, entries); err != nil {
		f.ledgerBroken = true
		return err
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
		b, err := f.reader.Read(reading)
		switch {
		case err == nil:
			f.pass(work, b)
			continue
		case reading.Err() != nil:
			return
		}
		pe, ok := sdk.AsPartitionError(err)
		if !ok {
			f.fail(fmt.Errorf("reading: %w", err))
			return
		}
		f.stopPartition(pe)
	}
}

// pass brings a batch through the transforms to the writer.
func (f *flow) pass(ctx context.Context, b *sdk.Batch) {
	f.mu.Lock()
	p, ok := f.partitions[b.Source.TopicPartition]
	if !ok || p.stop != nil || p.broken {
		f.mu.Unlock()
		return // a batch that was on its way when the partition stopped
	}
	pending, err := p.expect(b)
	f.mu.Unlock()
	if err != nil {
		f.fail(fmt.Errorf("reading: %w", err))
		return
	}
	for i, t := range f.runner.transforms {
		if err := t.Apply(ctx, b); err != nil {
			pe := f.transformError(i, b, err)
			f.settled(p, pending, sdk.Delivery{Offsets: sdk.Offsets{To: b.From}}, pe)
			f.stopPartition(pe) // now, also if the position is not there yet: nothing is written behind a hole
			return
		}
	}
	f.writer.Write(ctx, b, func(d sdk.Delivery, err error) { f.settled(p, pending, d, err) })
}

func (f *flow) transformError(i int, b *sdk.Batch, err error) *sdk.PartitionError {
	if pe, ok := sdk.AsPartitionError(err); ok && pe.TopicPartition == b.Source.TopicPartition {
		return pe
	}
	return &sdk.PartitionError{
		TopicPartition: b.Source.TopicPartition, Reason: sdk.ReasonTransform, Offsets: b.Offsets,
		Err: fmt.Errorf("transform %s: %w", f.runner.pipeline.Transforms[i].Plugin, err),
	}
}

// settled takes the writer's answer for a batch.
func (f *flow) settled(p *partition, pb *pendingBatch, d sdk.Delivery, err error) {
	f.mu.Lock()
	pb.settled, pb.to, pb.err = true, d.To, err
	for _, r := range d.Runs {
		pb.records += r.Count
	}
	moved, failed := p.settle()
	last := p.last
	f.mu.Unlock()
	for _, m := range moved {
		f.runner.health.delivered(p.Topic, m.records, m.size, m.newest)
	}
	if pe, ok := sdk.AsPartitionError(failed); ok && pe.TopicPartition == p.TopicPartition {
		f.stopPartition(pe)
	} else if failed != nil {
		f.fail(fmt.Errorf("writing: %w", failed))
	}
	if last {
		f.notifyEnded()
	}
}

// stopPartition ends a partition and no other. Of several errors the one that
// comes first in the log is what it stops at.
func (f *flow) stopPartition(pe *sdk.PartitionError) {
	f.mu.Lock()
	p, ok := f.partitions[pe.TopicPartition]
	first := ok && (p.stop == nil || pe.From < p.stop.From)
	if first {
		p.stop = pe
	}
	f.mu.Unlock()
	if !first {
		return
	}
	f.reader.Remove(pe.TopicPartition)
	f.runner.health.failed(pe)
	f.runner.log.Error("partition stopped; the others go on", "topic", pe.Topic, "partition", pe.Partition, "reason", string(pe.Reason), "offsets", pe.Offsets.String(), "error", pe)
	f.notifyEnded()
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
