// SPDX-License-Identifier: Apache-2.0

package link

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"
)

const bound = 30 * time.Second

// start opens a link to a broker that hands its connections out.
func start(t testing.TB, o Options) (*Link, <-chan *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan *net.TCPConn, 16)
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- c.(*net.TCPConn)
		}
	}()
	l, err := New(listener.Addr().String(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = listener.Close()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l, accepted
}

// connect gives both ends of a new connection; what is done with them is
// bounded.
func connect(t testing.TB, l *Link, accepted <-chan *net.TCPConn) (client, broker *net.TCPConn) {
	t.Helper()
	c, err := net.DialTimeout("tcp", l.Addr(), bound)
	if err != nil {
		t.Fatal(err)
	}
	client = c.(*net.TCPConn)
	select {
	case broker = <-accepted:
	case <-time.After(bound):
		t.Fatal("the link does not connect to the broker")
	}
	for _, c := range []*net.TCPConn{client, broker} {
		t.Cleanup(func() { _ = c.Close() })
		if err := c.SetDeadline(time.Now().Add(bound)); err != nil {
			t.Fatal(err)
		}
	}
	return client, broker
}

func send(t *testing.T, c *net.TCPConn, content []byte) {
	t.Helper()
	if _, err := c.Write(content); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, c *net.TCPConn, content []byte) {
	t.Helper()
	got := make([]byte, len(content))
	if n, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%d of %d bytes arrived, equal: %v, error: %v", n, len(content), bytes.Equal(got, content), err)
	}
}

// random is content in which every byte lost or moved shows.
func random(n int) []byte {
	content := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	return content
}

// awaitQueued waits until the link has read something it may not forward yet.
func awaitQueued(t *testing.T, l *Link) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	held := func(c *connection) bool { return c.to.held.Load() > 0 }
	for end := time.Now().Add(bound); !slices.ContainsFunc(l.open(), held); <-tick.C {
		if time.Now().After(end) {
			t.Fatal("the link reads nothing")
		}
	}
}

func TestForward(t *testing.T) {
	for _, delay := range []time.Duration{0, 20 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			l, accepted := start(t, Options{Delay: delay})
			client, broker := connect(t, l, accepted)
			request, answer := random(3<<20+7), random(5<<20+1)
			began := time.Now()
			go func() {
				_, _ = client.Write(request)
				_ = client.CloseWrite()
			}()
			got, err := io.ReadAll(broker)
			if err != nil || !bytes.Equal(got, request) {
				t.Fatalf("%d of %d bytes reached the broker: %v", len(got), len(request), err)
			}
			go func() {
				_, _ = broker.Write(answer)
				_ = broker.Close()
			}()
			if got, err = io.ReadAll(client); err != nil || !bytes.Equal(got, answer) {
				t.Fatalf("%d of %d bytes reached the client: %v", len(got), len(answer), err)
			}
			if took := time.Since(began); took < 2*delay {
				t.Errorf("there and back in %s with a delay of %s each way", took, delay)
			}
			if l.ToBroker() != int64(len(request)) || l.FromBroker() != int64(len(answer)) {
				t.Errorf("it counted %d and %d bytes", l.ToBroker(), l.FromBroker())
			}
		})
	}
}

// A delay is no window: bytes leave the client however many are under way.
func TestDelayHoldsManyBytes(t *testing.T) {
	l, accepted := start(t, Options{Delay: time.Hour})
	client, _ := connect(t, l, accepted)
	send(t, client, random(100<<20))
	if l.ToBroker() != 0 {
		t.Errorf("%d bytes arrived an hour early", l.ToBroker())
	}
}

func TestCut(t *testing.T) {
	l, accepted := start(t, Options{Delay: time.Hour})
	client, broker := connect(t, l, accepted)
	send(t, client, []byte("under way"))
	awaitQueued(t, l)
	l.Cut()
	for name, c := range map[string]*net.TCPConn{"client": client, "broker": broker} {
		if n, err := c.Read(make([]byte, 16)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the %s read %d bytes and %v, not a reset", name, n, err)
		}
	}
	connect(t, l, accepted)
}

func TestCutAfter(t *testing.T) {
	for _, n := range []int{1, chunkSize, 1<<20 + 3} {
		l, accepted := start(t, Options{})
		client, broker := connect(t, l, accepted)
		content := random(4 << 20)
		cut := l.CutAfter(int64(n))
		go func() { _, _ = client.Write(content) }()
		got, err := io.ReadAll(broker)
		if !errors.Is(err, syscall.ECONNRESET) || len(got) > n || !bytes.Equal(got, content[:len(got)]) {
			t.Errorf("cut after %d: the broker read %d bytes and %v", n, len(got), err)
		}
		select {
		case <-cut:
		case <-time.After(bound):
			t.Fatal("the cut is not told")
		}
		if l.ToBroker() != int64(n) {
			t.Errorf("cut after %d: %d bytes were forwarded", n, l.ToBroker())
		}
		client, broker = connect(t, l, accepted)
		send(t, client, content)
		expect(t, broker, content)
	}
}

func TestFinish(t *testing.T) {
	l, accepted := start(t, Options{Delay: 100 * time.Millisecond})
	client, broker := connect(t, l, accepted)
	send(t, client, []byte("under way"))
	awaitQueued(t, l)
	l.Finish()
	if n, err := client.Read(make([]byte, 16)); !errors.Is(err, io.EOF) {
		t.Errorf("the client read %d bytes and %v, not the end", n, err)
	}
	send(t, broker, random(1<<20)) // too late, and no reason for a reset
	expect(t, broker, []byte("under way"))
	if n, err := broker.Read(make([]byte, 16)); !errors.Is(err, io.EOF) {
		t.Errorf("the broker read %d bytes and %v, not the end", n, err)
	}
}

func TestStall(t *testing.T) {
	l, accepted := start(t, Options{})
	client, broker := connect(t, l, accepted)
	send(t, client, []byte("before"))
	expect(t, broker, []byte("before"))
	l.Stall()
	send(t, client, []byte("meanwhile"))
	awaitQueued(t, l)
	if l.ToBroker() != int64(len("before")) {
		t.Errorf("%d bytes passed", l.ToBroker())
	}
	l.Resume()
	expect(t, broker, []byte("meanwhile"))
}

func TestWithoutBroker(t *testing.T) {
	l, err := New("127.0.0.1:1", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.DialTimeout("tcp", l.Addr(), bound)
	if err == nil {
		defer client.Close()
		_ = client.SetDeadline(time.Now().Add(bound))
		_, err = client.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client gets %v, not a reset", err)
	}
}

// BenchmarkLink is one connection through a delayed link.
func BenchmarkLink(b *testing.B) {
	l, accepted := start(b, Options{Delay: 50 * time.Millisecond})
	client, broker := connect(b, l, accepted)
	block := random(256 << 10)
	b.SetBytes(int64(len(block)))
	go func() {
		for range b.N {
			_, _ = client.Write(block)
		}
	}()
	if _, err := io.CopyN(io.Discard, broker, int64(b.N*len(block))); err != nil {
		b.Fatal(err)
	}
}
