// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/klamm-io/klamm/sdk"
)

const (
	produceBytes         = 2 << 20 // put into one request, unless one batch is larger
	produceTimeoutMillis = 30000
	// produceTimeout is how long a broker may take for the oldest request.
	produceTimeout = 40 * time.Second

	smallRequest = 512 << 10
	manyRequests = 4 // in flight

	// minInFlight is how many bytes may be in flight to a broker that is near.
	minInFlight = 4 << 20
	// produceRate is what a link is taken to carry, in bytes per second: so much
	// of a round trip may be in flight, within what the lanes may hold.
	produceRate = 1 << 30
)

// sender sends what the lanes have for the partitions that one broker leads, over
// one connection. It writes requests as the link takes them, without waiting for
// answers; the connection's other end is read by its link. The sender of noBroker
// only finds leaders for those that have none.
//
// All but wake is guarded by the sink's mutex, or belongs to the sender's goroutine.
type sender struct {
	sink   *sink
	broker int32
	wake   chan struct{}
	ready  []*target // that may have something to send
	// targets are those that the broker leads; active is how many of them had
	// something on its way when that was last counted.
	targets map[*target]struct{}
	active  int
	counted time.Time
	link    *link       // nil if there is none
	unwatch func() bool // lets the connection outlive the sink
	retry   retry       // of connecting
	buffer  []byte      // of the sender's goroutine
}

// place gives a target to the broker that leads it. The caller holds the mutex.
func (s *sink) place(t *target) {
	meta, ok := s.metadata.topic(t.Topic)
	if ok && !t.seen && meta.err == nil {
		t.TopicID, t.seen = meta.id, true
	}
	leads := s.metadata.leader(t.TopicPartition)
	if leads.epoch > t.epoch {
		t.epoch = leads.epoch
		t.retry.reset() // what the old leader said is no reason to wait for the new one
	}
	to, ok := s.senders[leads.leader]
	if !ok {
		to = &sender{sink: s, broker: leads.leader, wake: make(chan struct{}, 1), targets: map[*target]struct{}{}}
		s.senders[leads.leader] = to
		s.running.Go(to.run)
	}
	if t.sender != to {
		t.leave()
		t.sender = to
		to.targets[t] = struct{}{}
	}
}

func (s *sender) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *sender) run() {
	ctx := s.sink.ctx
	defer s.hangUp(errClosed)
	for ctx.Err() == nil {
		if l := s.link; l != nil && l.ended() {
			s.hangUp(l.err)
			continue
		}
		wait := s.pause(time.Now())
		if wait == 0 && s.broker == noBroker {
			s.sink.mend(s.stranded())
			continue
		}
		if wait == 0 && s.connect(ctx) {
			f, unread, due := s.collect(time.Now())
			s.sink.mend(unread)
			if f != nil {
				s.send(f)
				continue
			}
			wait = due
		}
		timer := time.NewTimer(max(wait, 0))
		select {
		case <-s.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// pause is how long there is nothing to do; 0 if there is something.
func (s *sender) pause(now time.Time) time.Duration {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	wait := max(s.retry.due(now), 0)
	if s.link != nil {
		wait = max(wait, s.link.throttled.Sub(now))
	}
	if wait > 0 {
		return wait
	}
	wait = time.Hour
	for _, t := range s.ready {
		if t.sender == s && t.sendable() {
			if wait = min(wait, max(t.retry.due(now), 0)); wait == 0 {
				break
			}
		}
	}
	return wait
}

// stranded takes the targets that have no leader.
func (s *sender) stranded() []*target {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	now := time.Now()
	var taken, left []*target
	for _, t := range s.ready {
		switch {
		case t.sender != s || !t.sendable():
			t.listed = t.listed && t.sender != s
		case t.retry.due(now) > 0:
			left = append(left, t)
		default:
			t.listed = false
			t.trouble = &refusal{err: errNoLeader}
			taken = append(taken, t)
		}
	}
	s.ready = left
	return taken
}

// connect makes sure that there is a connection, and reports whether there is.
func (s *sender) connect(ctx context.Context) bool {
	if s.link != nil && s.sink.metadata.outlived(s.link.conn, s.broker) {
		if !s.link.drained() {
			return true // nothing is sent until what is in flight is answered
		}
		s.hangUp(nil)
	}
	if s.link != nil {
		return true
	}
	conn, err := s.sink.metadata.dial(ctx, s.broker)
	if err == nil {
		var l *link
		if l, err = newLink(s, conn); err == nil {
			// A request that is being written when the sink is closed ends with it.
			s.unwatch = context.AfterFunc(ctx, conn.close)
			s.sink.mu.Lock()
			s.link = l
			l.measured(conn.roundTrip)
			s.retry.reset()
			s.sink.mu.Unlock()
			return true
		}
		conn.close()
	}
	if ctx.Err() == nil {
		s.sink.env.Trouble(fmt.Errorf("cluster %s: producing to broker %d: %w", s.sink.client.name, s.broker, err))
		s.sink.mu.Lock()
		s.retry.again(time.Now())
		s.sink.mu.Unlock()
		s.sink.mend(s.all(err)) // their leader may be another one by now
	}
	return false
}

// withoutIDs reports whether the cluster has no ids for its topics.
func (s *sender) withoutIDs() bool {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	for t := range s.targets {
		if t.seen && t.TopicID == (sdk.TopicID{}) {
			return true
		}
	}
	return false
}

// all takes every target that has something to send.
func (s *sender) all(err error) []*target {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	var taken []*target
	for _, t := range s.ready {
		if t.sender != s {
			continue
		}
		t.listed = false
		if t.sendable() {
			t.trouble = &refusal{err: err}
			taken = append(taken, t)
		}
	}
	s.ready = nil
	return taken
}

// hangUp ends the connection. What is in flight on it may have been written or not.
func (s *sender) hangUp(err error) {
	if s.link == nil {
		return
	}
	s.unwatch()
	s.link.conn.close()
	<-s.link.done
	if s.sink.ctx.Err() == nil && err != nil && !s.link.drained() {
		s.sink.env.Trouble(fmt.Errorf("cluster %s: producing to broker %d: %w", s.sink.client.name, s.broker, err))
	}
	s.sink.mu.Lock()
	var lost []*target
	for _, f := range s.link.flights {
		for _, part := range f.parts {
			if part.t.lost(part.o, err) {
				lost = append(lost, part.t)
			}
		}
	}
	s.link = nil
	s.sink.mu.Unlock()
	s.sink.mend(lost)
}

// collect takes one batch of each target that has one to send, as far as there is
// room in flight: never two of a partition, of which the broker would silently drop
// the first. Lanes that write to the same partition take turns. Those are returned
// besides whose log is to be read before.
func (s *sender) collect(now time.Time) (f *flight, unread []*target, wait time.Duration) {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	wait = time.Hour
	l := s.link
	if l.full() || s.sink.metadata.outlived(l.conn, s.broker) {
		return nil, nil, wait
	}
	if len(l.flights) >= manyRequests && s.few(now) {
		if pause := l.last.Add(l.pace()).Sub(now); pause > 0 {
			return nil, nil, pause
		}
	}
	f = &flight{}
	var later []*target
	taken := map[sdk.TopicPartition]bool{}
	for len(s.ready) > 0 {
		t := s.ready[0]
		if t.sender == s && t.sendable() && t.retry.due(now) <= 0 && !taken[t.TopicPartition] &&
			len(f.parts) > 0 && f.size+t.queue[t.inFlight].size() > produceBytes {
			break
		}
		s.ready[0], s.ready = nil, s.ready[1:]
		if t.sender != s || !t.sendable() {
			t.listed = t.listed && t.sender != s
			continue
		}
		if due := t.retry.due(now); due > 0 || taken[t.TopicPartition] {
			wait = min(wait, max(due, 0))
			later = append(later, t)
			continue
		}
		if t.doubt != nil {
			t.listed, t.trouble = false, &refusal{err: t.doubt}
			unread = append(unread, t)
			continue
		}
		taken[t.TopicPartition] = true
		f.add(t)
		if t.listed = t.sendable(); t.listed {
			later = append(later, t)
		}
	}
	s.ready = append(s.ready, later...)
	if len(f.parts) == 0 {
		return nil, unread, wait
	}
	l.take(f, now)
	return f, unread, 0
}

// few reports whether a request would be small for want of company: a broker takes
// one batch of a partition in a request, and every request costs it and us the same.
// While others are in flight, more comes before it is missed.
func (s *sender) few(now time.Time) bool {
	if now.Sub(s.counted) > 10*time.Millisecond {
		s.counted, s.active = now, 0
		for t := range s.targets {
			if t.flights > 0 || len(t.queue) > 0 {
				s.active++
			}
		}
	}
	partitions, size := 0, 0
	for _, t := range s.ready {
		if t.sender == s && t.sendable() {
			partitions++
			size += t.queue[t.inFlight].size()
		}
		if 2*partitions >= s.active || size >= smallRequest {
			return false
		}
	}
	return true
}

// send writes a request. What comes of it the link will see.
func (s *sender) send(f *flight) {
	if err := s.link.write(f, &s.buffer); err != nil {
		s.hangUp(err)
	}
}
