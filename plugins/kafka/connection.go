// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// connection is a connection of our own to one broker, for fetch or produce
// requests alone. Two things cannot be had through kgo: requests that follow each
// other without an answer in between, in an order that is certain, and answers that
// are read into memory that was used before. Everything else goes through kgo, which
// also says where the broker is.
//
// One goroutine may write while another reads.
type connection struct {
	addr     string
	conn     net.Conn
	in       *bufio.Reader
	out      *bufio.Writer // of what is encrypted, so that small pieces make no records of their own
	requests *kmsg.RequestFormatter
	versions map[int16]int16 // the newest of each request that the broker knows
	// roundTrip is how long the broker took to answer a request without work.
	roundTrip time.Duration
	// expires is when the broker ends the session, unless it is made anew before
	// (KIP-368); zero if never.
	expires time.Time
	last    int32 // correlation id
}

const (
	clientID = "klamm"
	// maxAnswer bounds what memory is taken for because a peer says so.
	maxAnswer = 1 << 30
	// receiveBuffer is read ahead; what an answer has beyond it goes straight to
	// where it belongs.
	receiveBuffer = 16 << 10
	sendBuffer    = 32 << 10
)

// dial connects to a broker and authenticates.
func (c *client) dial(ctx context.Context, addr string) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to %s: %w", addr, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	k, err := c.shakeHands(ctx, conn, addr)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("cannot connect to %s: %w", addr, err)
	}
	return k, nil
}

func (c *client) shakeHands(ctx context.Context, conn net.Conn, addr string) (*connection, error) {
	if c.declared.UsesTLS() {
		conf, err := tlsConfig(c.declared)
		if err != nil {
			return nil, err
		}
		if conf.ServerName == "" {
			conf.ServerName, _, _ = net.SplitHostPort(addr)
		}
		secured := tls.Client(conn, conf)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = secured
	}
	k := &connection{
		addr: addr, conn: conn, in: bufio.NewReaderSize(conn, receiveBuffer), out: bufio.NewWriterSize(conn, sendBuffer),
		requests: kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID)),
	}
	if err := k.askVersions(); err != nil {
		return nil, err
	}
	if c.declared.SASL != nil {
		if err := k.authenticate(ctx, c, addr); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// askVersions asks what the broker knows. One that does not know the question as
// it is asked today answers it in its oldest form (KIP-511).
func (k *connection) askVersions() error {
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = 3, clientID, "1"
	began := time.Now()
	answer, err := k.ask(req)
	if resp, ok := answer.(*kmsg.ApiVersionsResponse); ok && resp.ErrorCode == kerr.UnsupportedVersion.Code {
		req.Version = 0
		answer, err = k.ask(req)
	}
	if err != nil {
		return err
	}
	k.roundTrip = time.Since(began)
	resp := answer.(*kmsg.ApiVersionsResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return fmt.Errorf("asking for the broker's API versions: %w", err)
	}
	k.versions = make(map[int16]int16, len(resp.ApiKeys))
	for _, key := range resp.ApiKeys {
		k.versions[key.ApiKey] = key.MaxVersion
	}
	return nil
}

// authenticate goes through SASL, with franz-go's mechanisms (KIP-152).
func (k *connection) authenticate(ctx context.Context, c *client, addr string) error {
	m, err := mechanism(c.declared.SASL)
	if err != nil {
		return err
	}
	hello := kmsg.NewPtrSASLHandshakeRequest()
	hello.Version, hello.Mechanism = 1, m.Name()
	answer, err := k.ask(hello)
	if err == nil {
		err = kerr.ErrorForCode(answer.(*kmsg.SASLHandshakeResponse).ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("authenticating by %s: %w", m.Name(), err)
	}
	session, message, err := m.Authenticate(ctx, addr)
	for done := false; !done && err == nil; {
		req := kmsg.NewPtrSASLAuthenticateRequest()
		req.Version, req.SASLAuthBytes = 1, message
		if answer, err = k.ask(req); err != nil {
			break
		}
		resp := answer.(*kmsg.SASLAuthenticateResponse)
		if err = kerr.ErrorForCode(resp.ErrorCode); err != nil {
			err = fmt.Errorf("%w%s", err, detail(resp.ErrorMessage))
			break
		}
		if life := time.Duration(resp.SessionLifetimeMillis) * time.Millisecond; life > 0 {
			k.expires = time.Now().Add(life * 9 / 10)
		}
		done, message, err = session.Challenge(resp.SASLAuthBytes)
	}
	if err != nil {
		return fmt.Errorf("authenticating by %s: %w", m.Name(), err)
	}
	return nil
}

// version is what to speak with the broker: the newest version that it and the
// request both know.
func (k *connection) version(req kmsg.Request) (int16, error) {
	newest, ok := k.versions[req.Key()]
	if !ok {
		return 0, fmt.Errorf("the broker does not know the request %s", kmsg.NameForKey(req.Key()))
	}
	return min(newest, req.MaxVersion()), nil
}

// ask sends a small request and waits for its answer.
func (k *connection) ask(req kmsg.Request) (kmsg.Response, error) {
	if err := k.send(req); err != nil {
		return nil, err
	}
	resp := req.ResponseKind()
	return resp, k.answer(k.last, resp, func(n int) []byte { return make([]byte, n) })
}

func (k *connection) send(req kmsg.Request) error {
	k.last++
	_, err := k.conn.Write(k.requests.AppendRequest(nil, req, k.last))
	return err
}

// answer reads the next answer, which is that to the request of the given number,
// into what take returns for its size. The response may point into that.
func (k *connection) answer(number int32, resp kmsg.Response, take func(n int) []byte) error {
	got, size, err := k.next()
	if err != nil {
		return err
	}
	if got != number {
		return fmt.Errorf("the answer to request %d came where that to %d was due", got, number)
	}
	return k.read(resp, take(size))
}

// next waits for an answer, and returns to which request it is and how long.
func (k *connection) next() (number int32, size int, err error) {
	var head [8]byte
	if _, err := io.ReadFull(k.in, head[:]); err != nil {
		return 0, 0, err
	}
	n := int32(binary.BigEndian.Uint32(head[:]))
	if n < 4 || n > maxAnswer {
		return 0, 0, fmt.Errorf("an answer of %d bytes: this is no Kafka broker", n)
	}
	return int32(binary.BigEndian.Uint32(head[4:])), int(n) - 4, nil
}

// read reads an answer into body, which is as long as it is.
func (k *connection) read(resp kmsg.Response, body []byte) error {
	if _, err := io.ReadFull(k.in, body); err != nil {
		return err
	}
	r := kbin.Reader{Src: body}
	// Only the answer that tells which versions there are has the old header.
	if resp.IsFlexible() && resp.Key() != int16(kmsg.ApiVersions) {
		kmsg.SkipTags(&r)
	}
	if err := resp.ReadFrom(r.Src); err != nil {
		return fmt.Errorf("the answer to %s cannot be read: %w", kmsg.NameForKey(resp.Key()), err)
	}
	return nil
}

func (k *connection) expired(now time.Time) bool { return !k.expires.IsZero() && now.After(k.expires) }

func (k *connection) close() { k.conn.Close() }
