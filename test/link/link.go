// SPDX-License-Identifier: Apache-2.0

// Package link is a network between clients and one broker, for tests and
// benchmarks: a TCP proxy that delays, stalls and breaks what passes through.
//
//	l, err := link.New(broker, link.Options{Delay: 50 * time.Millisecond})
//	defer l.Close()
//	client := dial(l.Addr())
//	cut := l.CutAfter(1 << 20) // in the middle of what the client sends
//	<-cut
//
// A Kafka client goes where the metadata says, so the broker has to advertise
// the link's address; the package kafka sets that up.
package link

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Options say what the network is like. The zero value is a network that only
// forwards.
type Options struct {
	// Listen is where clients connect; by default a free port of the loopback.
	Listen string
	// Delay is how long bytes are under way, each way: half a round trip. It
	// limits no throughput. Connecting itself is not delayed.
	Delay time.Duration
}

// Link forwards connections to one broker. Its methods may be called from
// several goroutines.
type Link struct {
	broker   string
	delay    time.Duration
	listener net.Listener
	gate     *gate

	toBroker, fromBroker atomic.Int64
	accepted             atomic.Int64
	cutter               cutter

	mu          sync.Mutex
	connections map[*connection]struct{} // nil once closed
	running     sync.WaitGroup
}

// New listens and forwards to broker, which may come and go: without it a
// client is accepted and reset.
func New(broker string, o Options) (*Link, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("link to %s: %w", broker, err)
	}
	l := &Link{
		broker: broker, delay: o.Delay, listener: listener, gate: newGate(),
		connections: map[*connection]struct{}{},
	}
	l.running.Go(l.accept)
	return l, nil
}

// Addr is where clients connect.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// ToBroker is how many bytes were forwarded to the broker so far, FromBroker
// how many to clients.
func (l *Link) ToBroker() int64 { return l.toBroker.Load() }

// FromBroker is described with [Link.ToBroker].
func (l *Link) FromBroker() int64 { return l.fromBroker.Load() }

// Accepted is how many connections of clients were taken so far.
func (l *Link) Accepted() int64 { return l.accepted.Load() }

// Cut resets all connections on both ends and drops what is under way. New
// ones are accepted at once.
func (l *Link) Cut() {
	for _, c := range l.open() {
		c.reset()
	}
}

// CutAfter lets n more bytes through to the broker, counted over all
// connections, and then cuts, wherever that falls in a request. Of
// those bytes the reset may take some along. The channel is closed when it has
// happened; a later call replaces an earlier one.
func (l *Link) CutAfter(n int64) <-chan struct{} { return l.cutter.arm(n) }

// Finish ends all connections in order: what the link has read is forwarded,
// then both ends see the end of the stream.
func (l *Link) Finish() {
	for _, c := range l.open() {
		c.finish()
	}
}

// Stall stops forwarding, both ways, until Resume. Connections stay; the
// buffers of both ends fill.
func (l *Link) Stall() { l.gate.shut() }

// Resume ends a Stall.
func (l *Link) Resume() { l.gate.open() }

// Close cuts all connections and takes no new ones.
func (l *Link) Close() error {
	err := l.listener.Close()
	l.Cut()
	l.mu.Lock()
	l.connections = nil
	l.mu.Unlock()
	l.running.Wait()
	return err
}

func (l *Link) open() []*connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*connection, 0, len(l.connections))
	for c := range l.connections {
		all = append(all, c)
	}
	return all
}

func (l *Link) accept() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return // closed
		}
		l.accepted.Add(1)
		l.running.Go(func() { l.serve(client.(*net.TCPConn)) })
	}
}

// serve forwards one client's connection until it ends.
func (l *Link) serve(client *net.TCPConn) {
	broker, err := net.DialTimeout("tcp", l.broker, 10*time.Second)
	if err != nil {
		abort(client)
		return
	}
	c := newConnection(l, client, broker.(*net.TCPConn))
	l.mu.Lock()
	closed := l.connections == nil
	if !closed {
		l.connections[c] = struct{}{}
	}
	l.mu.Unlock()
	if closed {
		c.reset()
	}
	c.forward()
	l.mu.Lock()
	delete(l.connections, c)
	l.mu.Unlock()
}
