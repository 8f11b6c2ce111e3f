// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"fmt"
	"time"

	"github.com/klamm-io/klamm/sdk"
)

// retryTarget is the pause before a target that could not be made is tried
// again.
const retryTarget = 10 * time.Second

// askTimeout bounds what is asked of either end about new partitions: meanwhile
// the lane stores no positions.
const askTimeout = 20 * time.Second

// adopt takes in the lane's partitions that it does not have yet: it makes sure
// of their target, of their position, and only then reads them.
func (f *flow) adopt(ctx context.Context) error {
	fresh := f.setAside()
	streams, apart, err := f.setApart(ctx, f.unadopted(f.runner.share(f.lane.number)), fresh)
	if err != nil {
		return err
	}
	asking, done := context.WithTimeout(ctx, askTimeout)
	defer done()
	failed, err := f.runner.topics.ensure(asking, streams)
	if err != nil {
		return err
	}
	ready := apart
	for _, s := range streams {
		switch {
		case failed[s.Topic] != nil:
			f.refuse(s, failed[s.Topic])
		case f.diverted(s):
		default:
			ready = append(ready, s)
		}
	}
	positions, err := f.positionsOf(ctx, ready, fresh)
	if err != nil {
		return err
	}
	for _, s := range ready {
		if at, ok := positions[s.TopicPartition]; ok {
			if err := f.begin(ctx, s, at); err != nil {
				return err
			}
		}
	}
	if err := f.reportGone(ctx); err != nil {
		return err
	}
	if len(positions) < len(ready) {
		return nil // the others are asked for again at the next round
	}
	f.mu.Lock()
	f.adopted = true
	f.mu.Unlock()
	if fresh {
		f.runner.mu.Lock()
		f.runner.renewed[f.lane.number] = true
		f.runner.mu.Unlock()
	}
	f.notifyEnded()
	return nil
}

// setAside forgets the stored positions once, for a run that starts over; not
// again when the lane fails, or goes and comes back.
func (f *flow) setAside() bool {
	f.runner.mu.Lock()
	fresh := f.runner.fresh && !f.runner.renewed[f.lane.number]
	f.runner.mu.Unlock()
	if fresh {
		clear(f.stored)
	}
	return fresh
}

func (f *flow) unadopted(share []sdk.Stream) []sdk.Stream {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	var out []sdk.Stream
	for _, s := range share {
		p, ok := f.partitions[s.TopicPartition]
		switch {
		case !ok:
			out = append(out, s)
		case p.retryAt.IsZero() || now.Before(p.retryAt):
		case p.stop != nil && p.stop.Reason == sdk.ReasonDeleted:
			if f.settledDown(p) { // listed again: it was not gone, or has been made again
				f.stored[s.TopicPartition] = p.stored
				out = append(out, s)
			}
		default:
			out = append(out, s)
		}
	}
	return out
}

// refuse stops a partition whose target is not fit, for a while.
func (f *flow) refuse(s sdk.Stream, err error) {
	pe := &sdk.PartitionError{TopicPartition: s.TopicPartition, Reason: sdk.ReasonTarget, Offsets: sdk.Offsets{From: -1, To: -1}, Err: err}
	f.mu.Lock()
	p, again := f.partitions[s.TopicPartition]
	if !again {
		p = newPartition(s, f.runner.topics.target(s.Topic))
		if at, ok := f.stored[s.TopicPartition]; ok {
			p.at(at)
			p.next = at // not of its way to the target
		}
		f.partitions[s.TopicPartition] = p
	}
	news := p.stop == nil || p.stop.Error() != pe.Error()
	p.stop, p.retryAt = pe, time.Now().Add(retryTarget)
	if !again {
		p.stopped = time.Now()
	}
	f.mu.Unlock()
	if news {
		f.runner.health.failed(pe)
	}
	if !again {
		f.runner.log.Error("partition cannot be copied; the others go on", "topic", pe.Topic, "partition", pe.Partition, "error", pe)
	}
}

// positionsOf returns where each partition goes on, without those of which the
// source cannot say it now. A start that is resolved is stored before the first
// read, so that it stays the same whatever happens.
func (f *flow) positionsOf(ctx context.Context, streams []sdk.Stream, fresh bool) (map[sdk.TopicPartition]sdk.Position, error) {
	positions := make(map[sdk.TopicPartition]sdk.Position, len(streams))
	starting := map[bool][]sdk.Stream{} // by born
	for _, s := range streams {
		if p, ok := f.stored[s.TopicPartition]; ok {
			positions[s.TopicPartition] = p
			continue
		}
		born := !fresh && !f.birth.Has(s)
		starting[born] = append(starting[born], s)
	}
	if len(positions) > 0 {
		f.runner.sayContinued()
	}
	var resolved []sdk.Position
	for born, list := range starting {
		starts, err := f.start(ctx, list, born)
		if err != nil {
			return nil, err
		}
		for _, p := range starts {
			p.Target = f.runner.topics.target(p.Topic)
			resolved = append(resolved, p)
		}
	}
	mapped, err := f.beginMappings(ctx, resolved)
	if err != nil {
		return nil, err
	}
	if err := f.store(ctx, resolved, mapped...); err != nil {
		return nil, err
	}
	for _, p := range resolved {
		positions[p.TopicPartition], f.stored[p.TopicPartition] = p, p
	}
	return positions, nil
}

// start asks the source where partitions begin.
func (f *flow) start(ctx context.Context, list []sdk.Stream, born bool) ([]sdk.Position, error) {
	asking, done := context.WithTimeout(ctx, askTimeout)
	defer done()
	return f.runner.source.Start(asking, list, born)
}

// diverted stops a partition whose position is about another target than the
// file now names: what is before the position is not there.
func (f *flow) diverted(s sdk.Stream) bool {
	at, ok := f.stored[s.TopicPartition]
	target := f.runner.topics.target(s.Topic)
	if !ok || at.Target == "" || at.Target == target {
		return false
	}
	f.mu.Lock()
	if _, ok := f.partitions[s.TopicPartition]; !ok {
		p := newPartition(s, target)
		p.at(at)
		p.next = at
		f.partitions[s.TopicPartition] = p
	}
	f.mu.Unlock()
	f.stopPartition(&sdk.PartitionError{
		TopicPartition: s.TopicPartition, Reason: sdk.ReasonTarget, Offsets: sdk.Offsets{From: at.Offset, To: at.Offset},
		Err: fmt.Errorf("the file now writes it to topic %q, but up to offset %d it was copied to %q", target, at.Offset, at.Target),
		Fix: "name the target as before, or give the pipeline another name to copy the topic anew",
	})
	return true
}

// begin reads a partition.
func (f *flow) begin(ctx context.Context, s sdk.Stream, at sdk.Position) error {
	p := newPartition(s, f.runner.topics.target(s.Topic))
	p.at(at)
	f.mu.Lock()
	p.mapping = f.tail(p.next)
	p.paused = f.runner.said().Pauses.Hold(s.TopicPartition)
	f.partitions[s.TopicPartition] = p
	f.mu.Unlock()
	if p.paused {
		return nil
	}
	return f.reader.Add(ctx, at)
}

// reportGone stops the partitions that have a position and are selected, but
// exist no more: what they held behind the position is lost.
func (f *flow) reportGone(ctx context.Context) error {
	selecting, ok := f.runner.spec.Load().Source.Config.(sdk.Selecting)
	if !ok || !f.runner.looked() {
		return nil
	}
	there := map[sdk.TopicPartition]bool{}
	for _, s := range f.runner.share(f.lane.number) {
		there[s.TopicPartition] = true
	}
	var gone []sdk.Position
	f.mu.Lock()
	for tp, at := range f.stored {
		if p, have := f.partitions[tp]; have && !f.leftBehind(p) || there[tp] || !selecting.SelectsTopic(tp.Topic) {
			continue
		} else if have {
			at = p.stored
		}
		gone = append(gone, at)
	}
	f.mu.Unlock()
	for _, at := range gone {
		now, ok := f.runner.topicID(at.Topic)
		switch {
		case ok && now != at.TopicID && f.runner.restartsRecreated():
			if err := f.forget(ctx, at); err != nil {
				return err
			}
		case ok && now != at.TopicID:
			f.refuseRecreated(at, now)
		default:
			f.refuseGone(at)
		}
	}
	return nil
}

func (f *flow) refuseGone(at sdk.Position) {
	p := newPartition(at.Stream, f.runner.topics.target(at.Topic))
	p.at(at)
	f.mu.Lock()
	f.partitions[at.TopicPartition] = p
	f.mu.Unlock()
	f.stopPartition(&sdk.PartitionError{
		TopicPartition: at.TopicPartition, Reason: sdk.ReasonDeleted, Offsets: sdk.Offsets{From: at.Offset, To: at.Offset},
		Err: fmt.Errorf("the topic (id %s) was read up to offset %d and is gone", at.TopicID, at.Offset),
		Fix: fmt.Sprintf("if that is meant, leave it out: \"!%s\" in topics", at.Topic),
	})
}

// sayContinued says once that stored positions are used.
func (r *Runner) sayContinued() {
	r.continued.Do(func() {
		r.log.Info("going on from stored positions; since applies only to partitions that have none (a bounded run starts over with --fresh)", "positions", r.store.Name())
	})
}
