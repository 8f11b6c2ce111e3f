// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// deaf stops a broker's reading.
type deaf struct {
	net.Listener
	on     atomic.Bool
	blocks chan struct{} // holds a token when something is not read
}

func (d *deaf) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	return &deafConn{Conn: conn, to: d, closed: make(chan struct{})}, err
}

type deafConn struct {
	net.Conn
	to     *deaf
	once   sync.Once
	closed chan struct{}
}

func (c *deafConn) Read(p []byte) (int, error) {
	if c.to.on.Load() {
		select {
		case c.to.blocks <- struct{}{}:
		default:
		}
		<-c.closed
		return 0, net.ErrClosed
	}
	return c.Conn.Read(p)
}

func (c *deafConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// A request that the broker takes only half of does not keep a sink from closing.
func TestCloseWhileARequestIsWritten(t *testing.T) {
	d := &deaf{blocks: make(chan struct{}, 1)}
	k := newCluster(t, kfake.ListenFn(func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		d.Listener = l
		return d, err
	}))
	s := newTestSink(t, k, func(c *SinkConfig) { c.BatchSize = 64 << 20 })
	l := newLane(t, s, 1, "t")
	l.write("t", 0, 0, "0").ok(t)
	d.on.Store(true)
	l.write("t", 0, 1, strings.Repeat("x", 32<<20))
	ctx := testContext(t)
	select {
	case <-d.blocks:
	case <-ctx.Done():
		t.Fatal("nothing is written")
	}
	now, cancel := context.WithCancel(ctx)
	cancel()
	l.Close(now)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-ctx.Done():
		t.Fatal("the sink does not close")
	}
}
