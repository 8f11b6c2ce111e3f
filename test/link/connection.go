// SPDX-License-Identifier: Apache-2.0

package link

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// connection is one client's connection and the one to the broker behind it.
type connection struct {
	client, broker *net.TCPConn
	to, from       *pipe
	ended          chan struct{} // closed by reset
	once           sync.Once
	finishing      atomic.Bool
}

func newConnection(l *Link, client, broker *net.TCPConn) *connection {
	c := &connection{client: client, broker: broker, ended: make(chan struct{})}
	c.to = newPipe(l, c, client, broker)
	c.to.forwarded, c.to.cutter = &l.toBroker, &l.cutter
	c.from = newPipe(l, c, broker, client)
	c.from.forwarded = &l.fromBroker
	return c
}

// forward returns when both directions have ended.
func (c *connection) forward() {
	var both sync.WaitGroup
	for _, p := range []*pipe{c.to, c.from} {
		both.Go(p.read)
		both.Go(p.write)
	}
	both.Wait()
	_ = c.client.Close()
	_ = c.broker.Close()
}

// reset ends both sides without a goodbye; what is queued is dropped. The
// pipes are told last, or one could end the stream in order before the reset.
func (c *connection) reset() {
	c.once.Do(func() {
		abort(c.client)
		abort(c.broker)
		close(c.ended)
	})
}

// finish makes both readers stop; [pipe.read] does the rest.
func (c *connection) finish() {
	c.finishing.Store(true)
	now := time.Now()
	_ = c.client.SetReadDeadline(now)
	_ = c.broker.SetReadDeadline(now)
}

// abort closes with a reset instead of the end of the stream.
func abort(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// gate lets through while it is open.
type gate struct {
	mu     sync.Mutex
	opened chan struct{} // closed while open
}

func newGate() *gate {
	g := &gate{opened: make(chan struct{})}
	close(g.opened)
	return g
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.opened:
		g.opened = make(chan struct{})
	default:
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.opened:
	default:
		close(g.opened)
	}
}

// pass waits until the gate is open; false if ended came first.
func (g *gate) pass(ended <-chan struct{}) bool {
	for {
		g.mu.Lock()
		opened := g.opened
		g.mu.Unlock()
		select {
		case <-ended:
			return false
		case <-opened:
			return true
		}
	}
}

// cutter counts down the bytes until a cut.
type cutter struct {
	mu   sync.Mutex
	left int64
	done chan struct{} // nil without a cut to come
}

func (c *cutter) arm(n int64) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left, c.done = n, make(chan struct{})
	return c.done
}

// grant is how many of n bytes may pass; with a channel the cut is due after
// them, and the caller closes it when it has cut.
func (c *cutter) grant(n int64) (int64, chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		return n, nil
	}
	if n < c.left {
		c.left -= n
		return n, nil
	}
	done := c.done
	c.done = nil
	return c.left, done
}
