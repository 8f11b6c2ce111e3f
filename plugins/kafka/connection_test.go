// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"encoding/binary"
	"net"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// cutter cuts connections in place of an answer: the broker has done what it
// was asked to, and nobody is told.
type cutter struct {
	mu   sync.Mutex
	left map[kmsg.Key]int
}

// cut makes the next n answers to requests of a kind be lost.
func (c *cutter) cut(key kmsg.Key, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left[key] = n
}

func (c *cutter) takes(key kmsg.Key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left[key] == 0 {
		return false
	}
	c.left[key]--
	return true
}

func newCuttingCluster(t testing.TB, opts ...kfake.Opt) (*kfake.Cluster, *cutter) {
	t.Helper()
	c := &cutter{left: map[kmsg.Key]int{}}
	k := newCluster(t, append(opts, kfake.ListenFn(func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		return cutListener{l, c}, err
	}))...)
	return k, c
}

type cutListener struct {
	net.Listener
	cutter *cutter
}

func (l cutListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &cutConn{Conn: conn, cutter: l.cutter}, nil
}

// cutConn follows the requests that the broker reads, one after the other, each
// with its size before it, and their answers.
type cutConn struct {
	net.Conn
	cutter *cutter

	mu      sync.Mutex
	in      []byte
	pending []kmsg.Key
}

func (c *cutConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in = append(c.in, p[:n]...)
	for len(c.in) >= 6 {
		size := int(binary.BigEndian.Uint32(c.in)) + 4
		if len(c.in) < size {
			break
		}
		c.pending = append(c.pending, kmsg.Key(binary.BigEndian.Uint16(c.in[4:])))
		c.in = c.in[size:]
	}
	return n, err
}

func (c *cutConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	var key kmsg.Key = -1
	if len(c.pending) > 0 {
		key, c.pending = c.pending[0], c.pending[1:]
	}
	c.mu.Unlock()
	if c.cutter.takes(key) {
		c.Close()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}
