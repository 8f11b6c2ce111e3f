// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// weather is what happens to a simulated pipeline. It is fair before it begins and
// when nobody writes any more.
type weather struct {
	mu      sync.Mutex
	random  *rand.Rand
	cutter  *cutter
	writing int
	left    int // so much may still happen
}

func newWeather(seed uint64) *weather {
	return &weather{random: rand.New(rand.NewPCG(seed, 0x77)), cutter: &cutter{left: map[kmsg.Key]int{}}, left: 16}
}

func (w *weather) begin(writing int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writing = writing
}

func (w *weather) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writing--
}

// strikes reports whether something happens that does once in so many times.
func (w *weather) strikes(once int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.writing == 0 || w.left == 0 || w.random.IntN(once) > 0 {
		return false
	}
	w.left--
	return true
}

func (w *weather) moveLeader(k *kfake.Cluster, p int32) {
	if w.strikes(100) {
		_ = k.MoveTopicPartition("t", p, (k.LeaderFor("t", p)+1)%3)
	}
}

// refusals are what a broker may answer without having written anything: what
// passes, and what is about the batch.
var refusals = []*kerr.Error{
	kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.RequestTimedOut, kerr.KafkaStorageError,
	kerr.MessageTooLarge, kerr.InvalidRecord, kerr.InvalidTimestamp, kerr.CorruptMessage,
}

// over makes a cluster refuse requests.
func (w *weather) over(k *kfake.Cluster) {
	k.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		if !w.strikes(12) {
			return nil, nil, false
		}
		w.mu.Lock()
		code := refusals[w.random.IntN(len(refusals))].Code
		w.mu.Unlock()
		req := r.(*kmsg.ProduceRequest)
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, t := range req.Topics {
			rt := kmsg.NewProduceResponseTopic()
			rt.Topic, rt.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				part := kmsg.NewProduceResponseTopicPartition()
				part.Partition, part.ErrorCode = p.Partition, code
				rt.Partitions = append(rt.Partitions, part)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
}

// listen listens where connections end before a request is read, or after it was
// done and before it is answered, and where answers take their time.
func (w *weather) listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	return roughListener{cutListener{l, w.cutter}, w}, err
}

type roughListener struct {
	cutListener
	weather *weather
}

func (l roughListener) Accept() (net.Conn, error) {
	conn, err := l.cutListener.Accept()
	if err != nil {
		return nil, err
	}
	return &roughConn{conn, l.weather}, nil
}

type roughConn struct {
	net.Conn
	weather *weather
}

func (c *roughConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.weather.strikes(300) {
		c.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *roughConn) Write(p []byte) (int, error) {
	if c.weather.strikes(60) {
		c.weather.cutter.cut(kmsg.Produce, 1)
	}
	c.weather.mu.Lock()
	pause := time.Duration(c.weather.random.IntN(3)) * time.Millisecond
	c.weather.mu.Unlock()
	time.Sleep(pause) // a link that takes its time
	return c.Conn.Write(p)
}
