// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/klamm-io/klamm/sdk"
)

// newestAt is the timestamp of every record, as an age at the time it is read.
const newestAge = 3 * time.Second

// epochBefore is the leader epoch of a log before it was cut.
const epochBefore = 5

type fakeSource struct{ p *process }

var (
	_ sdk.EndLister      = (*fakeSource)(nil)
	_ sdk.TopicDescriber = (*fakeSource)(nil)
)

func (s *fakeSource) ID() string    { return s.p.w.sourceID }
func (s *fakeSource) Bounded() bool { return s.p.w.bounded }

func (s *fakeSource) Partitions(context.Context) ([]sdk.Stream, error) {
	w := s.p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []sdk.Stream
	for _, p := range w.parts {
		if !s.p.selects || matches(s.p.pattern, p.Topic) {
			out = append(out, p.Stream)
		}
	}
	slices.SortFunc(out, func(a, b sdk.Stream) int { return strings.Compare(a.String(), b.String()) })
	return out, nil
}

func (s *fakeSource) Start(_ context.Context, streams []sdk.Stream, born bool) ([]sdk.Position, error) {
	w := s.p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []sdk.Position
	for _, stream := range streams {
		at := int64(0)
		if !born {
			at = w.since[stream.TopicPartition]
		}
		w.event("start %s born=%t", stream.TopicPartition, born)
		out = append(out, sdk.Position{Stream: stream, Offset: at, LeaderEpoch: sdk.NoEpoch})
	}
	return out, nil
}

func (s *fakeSource) Open(_ context.Context, lane int) (sdk.Reader, error) {
	return &fakeReader{p: s.p, lane: lane, at: map[sdk.TopicPartition]sdk.Position{}, ended: map[sdk.TopicPartition]bool{}, stopped: map[sdk.TopicPartition]bool{}}, nil
}

func (s *fakeSource) Close() error {
	s.p.closed("source")
	return nil
}

func (s *fakeSource) Ends(_ context.Context, streams []sdk.Stream) (map[sdk.TopicPartition]int64, error) {
	w := s.p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	ends := map[sdk.TopicPartition]int64{}
	for _, stream := range streams {
		if p, ok := w.parts[stream.TopicPartition]; ok {
			ends[stream.TopicPartition] = w.limit(p)
		}
	}
	return ends, nil
}

func (s *fakeSource) DescribeTopics(_ context.Context, names []string) ([]sdk.Topic, error) {
	w := s.p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []sdk.Topic
	for _, name := range names {
		t := sdk.Topic{Name: name}
		for tp := range w.parts {
			if tp.Topic == name {
				t.Partitions = max(t.Partitions, tp.Partition+1)
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// limit is where reading a partition ends now.
func (w *world) limit(p *part) int64 {
	if w.bounded {
		return p.bound
	}
	return p.end
}

type fakeReader struct {
	p       *process
	lane    int
	at      map[sdk.TopicPartition]sdk.Position
	ended   map[sdk.TopicPartition]bool
	stopped map[sdk.TopicPartition]bool // until they are removed
}

func (r *fakeReader) Add(_ context.Context, at sdk.Position) error {
	w := r.p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if stored := w.storedLocked(at.TopicPartition); stored < 0 {
		w.fault("%s is read before its start is stored", at.TopicPartition)
	}
	if _, twice := r.at[at.TopicPartition]; twice || r.stopped[at.TopicPartition] {
		return fmt.Errorf("%s is read already", at.TopicPartition)
	}
	w.event("add %s", at)
	r.at[at.TopicPartition] = at
	w.signal()
	return nil
}

func (r *fakeReader) Remove(tp sdk.TopicPartition) {
	r.p.w.mu.Lock()
	defer r.p.w.mu.Unlock()
	r.p.w.event("remove %s", tp)
	delete(r.at, tp)
	delete(r.ended, tp)
	delete(r.stopped, tp)
}

func (r *fakeReader) Read(ctx context.Context) (*sdk.Batch, error) {
	w := r.p.w
	for ctx.Err() == nil {
		if f := w.readFault; f != nil {
			if err := f(r.lane); err != nil {
				return nil, err
			}
		}
		w.mu.Lock()
		b, err := r.next()
		changed := w.changed
		w.mu.Unlock()
		if b != nil && w.afterRead != nil {
			w.afterRead(b)
		}
		if b != nil || err != nil {
			return b, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return nil, ctx.Err()
}

// next returns a batch of any partition, or why one is not read any further.
func (r *fakeReader) next() (*sdk.Batch, error) {
	w := r.p.w
	var list []sdk.Position
	for _, at := range r.at {
		list = append(list, at)
	}
	slices.SortFunc(list, func(a, b sdk.Position) int { return strings.Compare(a.String(), b.String()) })
	w.random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for _, at := range list {
		p := w.parts[at.TopicPartition]
		if err := r.stops(at, p); err != nil {
			delete(r.at, at.TopicPartition)
			r.stopped[at.TopicPartition] = true
			return nil, err
		}
		limit := w.limit(p)
		for _, stop := range p.stops() {
			if stop > at.Offset {
				limit = min(limit, stop)
			}
		}
		if at.Offset >= limit && (!w.bounded || r.ended[at.TopicPartition]) {
			continue
		}
		return r.batch(at, min(limit, at.Offset+1+w.random.Int64N(4)), p), nil
	}
	return nil, nil
}

// stops returns why a partition cannot be read on from a position.
func (r *fakeReader) stops(at sdk.Position, p *part) error {
	pe := &sdk.PartitionError{TopicPartition: at.TopicPartition, Offsets: sdk.Offsets{From: at.Offset, To: at.Offset + 1}, Err: errors.New("cannot be read")}
	resume := func(offset int64) *sdk.Position {
		return &sdk.Position{Stream: p.Stream, Offset: offset, LeaderEpoch: sdk.NoEpoch}
	}
	now, again := r.p.w.again(at.Topic)
	switch {
	case again && now != at.TopicID:
		pe.Reason, pe.Offsets.To = sdk.ReasonRecreated, at.Offset
		if p != nil {
			pe.Resume = resume(0)
		}
	case p == nil:
		pe.Reason = sdk.ReasonDeleted
	case at.Offset == p.failAt:
		pe.Reason = sdk.ReasonGap
	case p.cut >= 0 && p.cut < at.Offset && at.LeaderEpoch == epochBefore:
		pe.Reason, pe.Offsets, pe.Resume = sdk.ReasonTruncated, sdk.Offsets{From: p.cut, To: at.Offset}, resume(p.cut)
	default:
		for _, g := range p.gaps {
			if g.From <= at.Offset && at.Offset < g.To {
				pe.Reason, pe.Offsets.To, pe.Resume = sdk.ReasonGap, g.To, resume(g.To)
				return pe
			}
		}
		return nil
	}
	return pe
}

// stops are the offsets at which no batch goes on.
func (p *part) stops() []int64 {
	all := []int64{p.failAt}
	for _, g := range p.gaps {
		all = append(all, g.From)
	}
	return all
}

// again returns the id of a topic now; false if there is none. The caller holds
// the mutex.
func (w *world) again(topic string) (sdk.TopicID, bool) {
	for tp, p := range w.parts {
		if tp.Topic == topic {
			return p.TopicID, true
		}
	}
	return sdk.TopicID{}, false
}

func (r *fakeReader) batch(at sdk.Position, to int64, p *part) *sdk.Batch {
	w := r.p.w
	to = max(to, at.Offset)
	var records []sdk.Record
	for o := at.Offset; o < to; o++ {
		if hasRecord(o) {
			records = append(records, sdk.Record{Offset: o, Value: []byte(valueAt(at.TopicPartition, o))})
		}
	}
	b := sdk.NewBatch(at.Stream, sdk.Offsets{From: at.Offset, To: to}, records)
	b.LeaderEpoch, b.Newest = epochBefore, time.Now().Add(-newestAge).UnixMilli()
	if p.cut >= 0 {
		b.LeaderEpoch++
	}
	if b.Last = w.bounded && to >= p.bound; b.Last {
		r.ended[at.TopicPartition] = true
	}
	at.Offset, at.LeaderEpoch = to, b.LeaderEpoch
	r.at[at.TopicPartition] = at
	return b
}

func (r *fakeReader) Close() error { return nil }
