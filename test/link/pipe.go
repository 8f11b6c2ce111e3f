// SPDX-License-Identifier: Apache-2.0

package link

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	chunkSize = 128 << 10
	// queued chunks are what one direction of a connection holds at most: 256
	// MiB. More than that is not read, as with a window that is full.
	queued = 2048
	// gathered chunks are written at once.
	gathered = 16
	// tick keeps the writer from waking for every chunk; it is the most by
	// which a delay is too long.
	tick = time.Millisecond
	// drainTimeout bounds the wait for an end that does not close its side.
	drainTimeout = 5 * time.Second
)

type chunk struct {
	bytes [chunkSize]byte
	n     int
	due   time.Time
}

var chunks = sync.Pool{New: func() any { return new(chunk) }}

// pipe is one direction of a connection: a reader that stamps what it reads
// with the time it is due, and a writer that forwards what is due.
type pipe struct {
	link       *Link
	connection *connection
	source     *net.TCPConn
	sink       *net.TCPConn
	queue      chan *chunk
	held       atomic.Int64 // bytes read and not yet forwarded
	forwarded  *atomic.Int64
	cutter     *cutter // nil if this direction is not counted
}

func newPipe(l *Link, c *connection, source, sink *net.TCPConn) *pipe {
	return &pipe{link: l, connection: c, source: source, sink: sink, queue: make(chan *chunk, queued)}
}

// read stamps and queues until the stream ends. Then, if the link ends it, it
// takes what the other end still sends: closing with bytes unread would reset
// the connection under what was just forwarded.
func (p *pipe) read() {
	for p.link.gate.pass(p.connection.ended) && p.readChunk() {
	}
	close(p.queue)
	if p.connection.finishing.Load() {
		_ = p.source.SetReadDeadline(time.Now().Add(drainTimeout))
		_, _ = io.Copy(io.Discard, p.source)
	}
}

// readChunk queues what one read gives; false at the end of the stream, which
// travels as an empty chunk.
func (p *pipe) readChunk() bool {
	c := chunks.Get().(*chunk)
	var err error
	c.n, err = p.source.Read(c.bytes[:])
	c.due = time.Now().Add(p.link.delay)
	p.held.Add(int64(c.n))
	finishing := p.connection.finishing.Load()
	if err != nil && !errors.Is(err, io.EOF) && !finishing {
		p.connection.reset()
		return false
	}
	select {
	case p.queue <- c:
		return err == nil && !finishing
	case <-p.connection.ended:
		return false
	}
}

func (p *pipe) write() {
	var head *chunk
	batch := make([]*chunk, 0, gathered)
	for {
		if head == nil {
			var ok bool
			select {
			case head, ok = <-p.queue:
			case <-p.connection.ended:
			}
			if !ok {
				_ = p.sink.CloseWrite()
				return
			}
		}
		if !p.await(head.due) || !p.link.gate.pass(p.connection.ended) {
			return
		}
		batch, head = p.gather(batch[:0], head)
		if !p.forward(batch) {
			return
		}
	}
}

// await waits until due; false if the connection ended first.
func (p *pipe) await(due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(max(wait, tick))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.connection.ended:
		return false
	}
}

// gather takes what is due by now, and returns the first chunk that is not.
func (p *pipe) gather(batch []*chunk, head *chunk) (due []*chunk, next *chunk) {
	batch = append(batch, head)
	now := time.Now()
	for len(batch) < gathered {
		select {
		case c, ok := <-p.queue:
			if !ok {
				return batch, nil
			}
			if c.due.After(now) {
				return batch, c
			}
			batch = append(batch, c)
		default:
			return batch, nil
		}
	}
	return batch, nil
}

// forward writes the batch, and cuts if that is due; false ends the writer.
func (p *pipe) forward(batch []*chunk) bool {
	buffers, size := make(net.Buffers, 0, len(batch)), int64(0)
	for _, c := range batch {
		buffers = append(buffers, c.bytes[:c.n])
		size += int64(c.n)
	}
	var cut chan struct{}
	if p.cutter != nil {
		var granted int64
		granted, cut = p.cutter.grant(size)
		if granted < size {
			buffers = prefix(buffers, granted)
		}
	}
	n, err := buffers.WriteTo(p.sink)
	p.forwarded.Add(n)
	p.held.Add(-size)
	for _, c := range batch {
		chunks.Put(c)
	}
	if cut != nil {
		p.link.Cut()
		close(cut)
		return false
	}
	if err != nil {
		p.connection.reset()
		return false
	}
	return true
}

// prefix is the first n bytes of buffers.
func prefix(buffers net.Buffers, n int64) net.Buffers {
	for i, b := range buffers {
		if int64(len(b)) >= n {
			buffers[i] = b[:n]
			return buffers[:i+1]
		}
		n -= int64(len(b))
	}
	return buffers
}
