// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/klamm-io/klamm/sdk"
)

var (
	errDead   = errors.New("the process is dead")
	errGaveUp = errors.New("given up")
)

type fakeSink struct{ p *process }

func (s *fakeSink) ID() string { return s.p.w.sinkID }

func (s *fakeSink) Open(_ context.Context, lane int) (sdk.Writer, error) {
	return &fakeWriter{p: s.p, lane: lane, busy: map[sdk.TopicPartition]time.Time{}, refused: map[sdk.TopicPartition]error{}}, nil
}

func (s *fakeSink) Close() error {
	s.p.closed("sink")
	return nil
}

func (s *fakeSink) Store(context.Context, string, int) (sdk.Store, error) {
	return &fakeStore{p: s.p, w: s.p.w}, nil
}

func (s *fakeSink) EnsureTopics(_ context.Context, topics []sdk.Topic) (map[string]error, error) {
	w := s.p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	failed := map[string]error{}
	for _, t := range topics {
		w.event("ensure %s %d", t.Name, t.Partitions)
		if w.ensureFault != nil {
			if err := w.ensureFault(t.Name); err != nil {
				failed[t.Name] = err
			}
		}
	}
	return failed, nil
}

type fakeWriter struct {
	p       *process
	lane    int
	open    []*fakeWrite
	busy    map[sdk.TopicPartition]time.Time // when the last batch is durable
	refused map[sdk.TopicPartition]error
}

func (f *fakeWriter) Admit(tp sdk.TopicPartition) {
	f.p.w.mu.Lock()
	defer f.p.w.mu.Unlock()
	for _, fw := range f.open {
		if fw.b.Source.TopicPartition == tp && !f.p.dead {
			f.p.w.fault("%s is admitted with %s in flight", tp, fw.b.Offsets)
		}
	}
	delete(f.refused, tp)
}

// Heard implements [sdk.Hearer].
func (f *fakeWriter) Heard(sdk.TopicPartition) (at time.Time) {
	f.p.w.mu.Lock()
	defer f.p.w.mu.Unlock()
	if f.p.w.hears {
		at = time.Now()
	}
	return at
}

// fakeWrite is a batch in flight.
type fakeWrite struct {
	f    *fakeWriter
	b    *sdk.Batch
	done sdk.Done
	runs []sdk.Run // of what is durable
}

// Write implements [sdk.Writer]. Batches of a partition become durable in order;
// they are answered in any order.
func (f *fakeWriter) Write(ctx context.Context, b *sdk.Batch, done sdk.Done) {
	w := f.p.w
	w.mu.Lock()
	for len(f.open) >= w.inFlight && ctx.Err() == nil {
		changed := w.changed
		w.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		w.mu.Lock()
	}
	fw := &fakeWrite{f: f, b: b, done: done}
	tp := b.Source.TopicPartition
	err := f.refused[tp]
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if f.p.dead {
		err = errDead
	}
	if err != nil {
		w.mu.Unlock()
		done(fw.delivery(b.From), err)
		return
	}
	f.open = append(f.open, fw)
	if w.manual {
		w.held = append(w.held, fw)
		w.mu.Unlock()
		return
	}
	now := time.Now()
	at := now.Add(w.pause())
	if busy := f.busy[tp]; !at.After(busy) {
		at = busy.Add(1)
	}
	f.busy[tp] = at
	w.mu.Unlock()
	time.AfterFunc(at.Sub(now), fw.land)
}

// land makes the batch durable, as far as the target takes it.
func (fw *fakeWrite) land() {
	w := fw.f.p.w
	w.mu.Lock()
	tp := fw.b.Source.TopicPartition
	to, err := fw.b.To, fw.f.refused[tp]
	if at, ok := w.refuses(fw.b); err == nil && ok {
		to, err = at, &sdk.PartitionError{
			TopicPartition: tp, Reason: sdk.ReasonRefused,
			Offsets: sdk.Offsets{From: at, To: at + 1}, Err: errors.New("record too large"),
		}
		fw.f.refused[tp] = err
	} else if err != nil {
		to = fw.b.From
	}
	pause := w.pause()
	w.mu.Unlock()
	if fw.persist(to) {
		time.AfterFunc(pause, func() { fw.answer(to, err) })
	}
}

// persist writes [From, to) of the batch, unless nobody waits for it any more.
func (fw *fakeWrite) persist(to int64) bool {
	w := fw.f.p.w
	records, err := fw.b.Records()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil || fw.f.p.dead || !slices.Contains(fw.f.open, fw) {
		return false
	}
	for _, r := range records {
		if r.Offset < to {
			topic := fw.b.Topic
			if r.Topic != "" {
				topic = r.Topic
				w.route(fw.b.Source, r)
			}
			w.write(fw.b.Source, topic, r.Offset, string(r.Value))
			to := tpOf(topic, fw.b.Source.Partition)
			fw.runs = append(fw.runs, sdk.Run{TopicPartition: to, Source: r.Offset, Target: w.land(to, fw.b.Source, r.Offset), Count: 1})
		}
	}
	return true
}

// route notes a record that goes elsewhere than its batch. The caller holds the mutex.
func (w *world) route(s sdk.Stream, r sdk.Record) {
	w.routed = append(w.routed, r)
	if w.elsewhere[s] == nil {
		w.elsewhere[s] = map[int64]bool{}
	}
	w.elsewhere[s][r.Offset] = true
}

// answer calls done, once.
func (fw *fakeWrite) answer(to int64, err error) {
	w := fw.f.p.w
	w.mu.Lock()
	i := slices.Index(fw.f.open, fw)
	if i >= 0 {
		fw.f.open = slices.Delete(fw.f.open, i, i+1)
		w.signal()
	}
	w.mu.Unlock()
	if i >= 0 {
		fw.done(fw.delivery(to), err)
	}
}

// deliver makes a held batch durable and answers it.
func (fw *fakeWrite) deliver() {
	fw.persist(fw.b.To)
	fw.answer(fw.b.To, nil)
}

func (fw *fakeWrite) delivery(to int64) sdk.Delivery {
	d := sdk.Delivery{Source: fw.b.Source, Offsets: sdk.Offsets{From: fw.b.From, To: to}}
	for _, r := range fw.runs {
		if r.Source < to {
			d.Runs = append(d.Runs, r)
		}
	}
	reason := ""
	if why := fw.f.p.w.whyDecoded; why != nil {
		reason = why(fw.b)
	}
	switch {
	case to == fw.b.From: // nothing of it is there
	case reason == "":
		d.AsRead = 1
	default:
		d.Decoded = map[string]int{reason: 1}
	}
	return d
}

func (f *fakeWriter) Close(ctx context.Context) error {
	w := f.p.w
	w.mu.Lock()
	for len(f.open) > 0 && ctx.Err() == nil {
		changed := w.changed
		w.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		w.mu.Lock()
	}
	given := slices.Clone(f.open)
	w.mu.Unlock()
	for _, fw := range given {
		fw.answer(fw.b.From, errGaveUp)
	}
	if len(given) > 0 {
		return errGaveUp
	}
	return nil
}

// refuses returns the first offset of a batch that the target refuses. The
// caller holds the mutex.
func (w *world) refuses(b *sdk.Batch) (int64, bool) {
	p := w.parts[b.Source.TopicPartition]
	if p == nil || p.TopicID != b.Source.TopicID {
		return 0, false
	}
	first, ok := int64(0), false
	for _, o := range p.refuse {
		if b.From <= o && o < b.To && (!ok || o < first) {
			first, ok = o, true
		}
	}
	return first, ok
}
