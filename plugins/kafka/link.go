// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// link is a sender's connection to its broker. The sender writes requests; a
// goroutine of the link's reads the answers, which come in the order of the
// requests. Its fields are guarded by the sink's mutex unless they are fixed.
type link struct {
	sender  *sender
	conn    *connection
	version int16         // of the requests
	done    chan struct{} // closed when no answer will be read any more
	err     error         // why; read after done

	flights   []*flight     // not answered yet, in order
	bytes     int           // in them
	nearest   time.Duration // the shortest time that an answer took
	last      time.Time     // when the newest was sent
	throttled time.Time     // until then the broker wants no request (KIP-219)
}

// flight is a request on its way.
type flight struct {
	number int32
	parts  []flying
	size   int
	sent   time.Time
}

// flying is a batch in a request.
type flying struct {
	t  *target
	o  *outgoing
	id sdk.TopicID // of the topic as it was sent
}

func (f *flight) add(t *target) {
	o := t.take()
	f.parts = append(f.parts, flying{t, o, t.TopicID})
	f.size += o.size()
}

func newLink(s *sender, conn *connection) (*link, error) {
	version, err := conn.version(kmsg.NewPtrProduceRequest())
	if err != nil {
		return nil, err
	}
	if s.withoutIDs() {
		version = min(version, topicIDsProduce-1)
	}
	l := &link{sender: s, conn: conn, version: version, done: make(chan struct{}), nearest: time.Minute}
	s.sink.running.Go(l.run)
	return l, nil
}

// full reports whether as much is in flight as the link carries in a round trip.
func (l *link) full() bool {
	return l.bytes >= max(minInFlight, int(l.carries()))
}

// pace is how long a request may wait for company while others are in flight. That a
// near broker answers sooner is no reason for requests of one batch each.
func (l *link) pace() time.Duration {
	return min(max(l.nearest/20, time.Millisecond), 5*time.Millisecond)
}

// carries is how many bytes are under way in a round trip.
func (l *link) carries() int64 { return int64(l.nearest.Seconds() * produceRate) }

// measured takes the time of an answer. The caller holds the mutex.
func (l *link) measured(took time.Duration) {
	if took >= l.nearest {
		return
	}
	l.nearest = took
	var reach int64
	for _, s := range l.sender.sink.senders {
		if s.link != nil {
			reach = max(reach, s.link.carries())
		}
	}
	l.sender.sink.reach.Store(reach)
}

func (l *link) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// drained reports whether everything is answered. The caller does not hold the mutex.
func (l *link) drained() bool {
	l.sender.sink.mu.Lock()
	defer l.sender.sink.mu.Unlock()
	return len(l.flights) == 0
}

// take takes a request in that is about to be written. The caller holds the mutex.
func (l *link) take(f *flight, now time.Time) {
	l.conn.last++
	f.number, f.sent, l.last = l.conn.last, now, now
	l.flights = append(l.flights, f)
	l.bytes += f.size
	if len(l.flights) == 1 {
		l.conn.conn.SetReadDeadline(now.Add(produceTimeout))
	}
}

// write writes a request. Its bytes are copied nowhere on their way, unless they are
// encrypted.
func (l *link) write(f *flight, buffer *[]byte) error {
	l.conn.conn.SetWriteDeadline(time.Now().Add(produceTimeout))
	request, bodies := appendProduce((*buffer)[:0], l.version, f)
	*buffer = request
	return l.conn.write(request, bodies)
}

// run reads answers until the connection ends.
func (l *link) run() {
	defer l.sender.notify() // after done is closed, or the sender might look too early
	defer close(l.done)
	var body []byte
	for {
		number, size, err := l.conn.next()
		if err == nil {
			resp := kmsg.NewPtrProduceResponse()
			resp.Version = l.version
			if cap(body) < size {
				body = make([]byte, size)
			}
			if err = l.conn.read(resp, body[:size]); err == nil {
				err = l.answered(number, resp)
			}
		}
		if err != nil {
			l.err = err
			return
		}
	}
}

// answered hands out the answer to the oldest request.
func (l *link) answered(number int32, resp *kmsg.ProduceResponse) error {
	s := l.sender.sink
	s.mu.Lock()
	if len(l.flights) == 0 || l.flights[0].number != number {
		s.mu.Unlock()
		return fmt.Errorf("an answer to request %d came, which is not the one that is due", number)
	}
	now, f := time.Now(), l.flights[0]
	l.flights[0], l.flights = nil, l.flights[1:]
	l.bytes -= f.size
	l.measured(now.Sub(f.sent))
	heard := now // when the broker reads again
	if wait := time.Duration(resp.ThrottleMillis) * time.Millisecond; wait > 0 {
		l.throttled, heard = now.Add(wait), now.Add(wait)
		l.conn.conn.SetWriteDeadline(heard.Add(produceTimeout)) // of a write that is under way
	}
	deadline := time.Time{}
	if len(l.flights) > 0 {
		deadline = heard.Add(produceTimeout)
	}
	l.conn.conn.SetReadDeadline(deadline)
	broken := f.answered(resp, heard)
	if len(l.sender.ready) > 0 {
		l.sender.notify()
	}
	s.mu.Unlock()
	s.mend(broken)
	return nil
}

// answered gives each part of a request its part of the answer, and returns the
// targets that are to be mended. The others are heard of then.
func (f *flight) answered(resp *kmsg.ProduceResponse, heard time.Time) (broken []*target) {
	answers := make(map[answerKey]*kmsg.ProduceResponseTopicPartition, len(f.parts))
	for i := range resp.Topics {
		rt := &resp.Topics[i]
		for j := range rt.Partitions {
			answers[keyOf(resp.Version, rt.Topic, rt.TopicID, rt.Partitions[j].Partition)] = &rt.Partitions[j]
		}
	}
	for _, p := range f.parts {
		mend := false
		if answer, ok := answers[keyOf(resp.Version, p.t.Topic, p.id, p.t.Partition)]; ok {
			mend = p.t.answered(p.o, answer)
		} else {
			mend = p.t.lost(p.o, errNoAnswer)
		}
		if p.t.trouble == nil {
			p.t.writer.heard[p.o.write.source.TopicPartition] = heard
		}
		if mend {
			broken = append(broken, p.t)
		}
	}
	return broken
}
