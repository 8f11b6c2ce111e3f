// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

const (
	partitionHighWater     = 2 << 20 // fetched and unread of a partition; more is not asked for
	partitionFetchBytes    = 1 << 20 // asked for of one partition, at least
	maxPartitionFetchBytes = 8 << 20 // of one far away
	fetchBytes             = 4 << 20 // asked for at a time of one broker, at least
	minFetchBytes          = 64 << 10
	// fetchRate is what a link is taken to carry, in bytes per second: an answer
	// may be as large as what comes in a round trip, or a long link would lie idle
	// between one and the next.
	fetchRate = 400 << 20

	// fetchWait is how long a broker may hold a fetch that finds nothing; it
	// is also how long a partition that joins may wait for its first one.
	fetchWait = 250 * time.Millisecond
	// fetchWaitShort applies while partitions of the broker are left out
	// because their lane is behind: they shall not wait for idle ones.
	fetchWaitShort = 10 * time.Millisecond
	// fetchTimeout is how long a broker may take beyond that.
	fetchTimeout = 30 * time.Second

	// topicIDsFetch is from which version on topics go by id (KIP-516). Clusters have
	// none as long as their metadata is of a version from before, whatever their
	// brokers could.
	topicIDsFetch = 13

	noBroker = int32(-1)
)

// fetcher fetches the partitions that one broker leads, one request at a time.
// The fetcher of noBroker only finds leaders for those that have none.
type fetcher struct {
	source *source
	broker int32
	wake   chan struct{}
	retry  retry

	// Of the fetcher's goroutine:
	conn      *connection // nil if there is none
	session   *session
	unwatch   func() bool // lets the connection outlive the source
	throttled time.Time   // until then the broker wants no request (KIP-219)

	mu      sync.Mutex
	cursors []*cursor
}

// place gives a cursor to the broker that leads its partition.
func (s *source) place(c *cursor) {
	f := s.fetcherFor(s.metadata.leader(c.stream.TopicPartition).leader)
	c.asked = asked{} // by nobody yet
	c.home.Store(f)
	f.mu.Lock()
	f.cursors = append(f.cursors, c)
	f.mu.Unlock()
	f.notify()
}

func (f *fetcher) notify() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *fetcher) run() {
	ctx := f.source.ctx
	defer f.hangUp()
	for ctx.Err() == nil {
		ready, full, wait := f.collect(time.Now())
		switch {
		case len(ready) == 0:
			f.sleep(ctx, wait)
		case f.broker == noBroker:
			f.relocate(ctx, ready)
		default:
			f.fetch(ctx, ready, full)
		}
	}
}

func (f *fetcher) sleep(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-f.wake:
	case <-timer.C:
	}
}

// collect returns the cursors to fetch now, whether others are left out because
// they are full, and, if there are none, how long to wait.
func (f *fetcher) collect(now time.Time) (ready []*cursor, full bool, wait time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	wait = time.Hour
	if due := max(f.retry.due(now), f.throttled.Sub(now)); due > 0 {
		return nil, false, due
	}
	f.cursors = slices.DeleteFunc(f.cursors, func(c *cursor) bool { return c.removed.Load() })
	if f.session != nil && f.session.id == 0 && len(f.cursors) > 1 {
		// Without a session the broker fills its answer in the order of the request.
		f.cursors = append(f.cursors[1:], f.cursors[0])
	}
	for _, c := range f.cursors {
		switch due := c.retry.due(now); {
		case due > 0:
			wait = min(wait, due)
		case c.full():
			full = true
		default:
			ready = append(ready, c)
		}
	}
	return ready, full, wait
}

// fetch sends one request and hands out its answer.
func (f *fetcher) fetch(ctx context.Context, cursors []*cursor, full bool) {
	// Before version 13 a fetch goes by name and reads whatever has it now.
	if cursors = slices.DeleteFunc(cursors, f.source.recreated); len(cursors) == 0 {
		return
	}
	if err := f.connect(ctx, cursors); err != nil {
		f.lost(ctx, cursors, err)
		return
	}
	budget, reserve := f.source.env.Memory, f.reserve()
	if budget.Acquire(ctx, reserve) != nil {
		return
	}
	wait := fetchWait
	if full {
		wait = fetchWaitShort
	}
	resp, held, err := f.ask(f.request(cursors, int32(reserve), wait), wait)
	budget.Release(reserve)
	defer held.release()
	if err == nil {
		if err = f.session.answered(resp); sessionLost(err) {
			return // and asks anew, for everything
		}
	}
	if err != nil {
		f.hangUp()
		f.lost(ctx, cursors, err)
		return
	}
	f.retry.reset()
	f.throttled = time.Now().Add(time.Duration(resp.ThrottleMillis) * time.Millisecond)
	f.handOut(ctx, resp, held)
}

// connect makes sure that there is a connection. A fetch that is under way when
// the source is closed ends with it.
func (f *fetcher) connect(ctx context.Context, cursors []*cursor) error {
	if f.conn != nil && !f.source.metadata.outlived(f.conn, f.broker) {
		return nil
	}
	f.hangUp()
	conn, err := f.source.metadata.dial(ctx, f.broker)
	if err != nil {
		return err
	}
	version, err := conn.version(kmsg.NewPtrFetchRequest())
	if err != nil {
		conn.close()
		return err
	}
	if slices.ContainsFunc(cursors, func(c *cursor) bool { return c.stream.TopicID == sdk.TopicID{} }) {
		version = min(version, topicIDsFetch-1)
	}
	f.conn, f.session = conn, newSession(f, version)
	f.unwatch = context.AfterFunc(ctx, conn.close)
	f.source.reaches(f.inRoundTrip())
	return nil
}

func (f *fetcher) hangUp() {
	if f.conn != nil {
		f.unwatch()
		f.conn.close()
		f.conn = nil
	}
}

// ask sends a request and reads its answer, which points into held.
func (f *fetcher) ask(req *kmsg.FetchRequest, wait time.Duration) (resp *kmsg.FetchResponse, held *memory, err error) {
	f.conn.conn.SetDeadline(time.Now().Add(wait + fetchTimeout))
	if err := f.conn.send(req); err != nil {
		return nil, nil, err
	}
	resp = req.ResponseKind().(*kmsg.FetchResponse)
	err = f.conn.answer(f.conn.last, resp, func(n int) []byte {
		held = f.source.buffers.get(n)
		return held.bytes
	})
	return resp, held, err
}

// reserve is how much one answer may take: what comes in a round trip, but no more
// than a broker's share of half the memory, so that idle brokers holding a request
// do not keep the others from theirs.
func (f *fetcher) reserve() int64 {
	f.source.mu.Lock()
	brokers := int64(max(len(f.source.fetchers), 1))
	f.source.mu.Unlock()
	limit := f.source.env.Memory.Limit()
	most := max(limit/(2*brokers), minFetchBytes)
	return min(max(fetchBytes, f.inRoundTrip()), most)
}

// inRoundTrip is how many bytes a link carries while a request is under way, as far
// as there is memory for it.
func (f *fetcher) inRoundTrip() int64 {
	return min(int64(f.conn.roundTrip.Seconds()*fetchRate), f.source.env.Memory.Limit()/4)
}

func (f *fetcher) request(cursors []*cursor, maxBytes int32, wait time.Duration) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.Version = f.session.version
	req.ReplicaID = -1
	req.MaxWaitMillis = int32(wait.Milliseconds())
	req.MinBytes = 1
	req.MaxBytes = maxBytes
	req.IsolationLevel = f.source.isolation()
	limit := int32(min(max(partitionFetchBytes, f.inRoundTrip()/int64(len(cursors))), maxPartitionFetchBytes))
	f.session.fill(req, cursors, func(c *cursor) asked {
		return asked{
			offset: c.offset, epoch: c.epoch, limit: max(c.limit, limit),
			leaderEpoch: f.source.metadata.leader(c.stream.TopicPartition).epoch,
		}
	})
	return req
}

// lost is about a request that has no answer: its partitions may have another
// leader by now.
func (f *fetcher) lost(ctx context.Context, cursors []*cursor, err error) {
	if ctx.Err() != nil {
		return
	}
	f.retry.again(time.Now())
	f.source.env.Trouble(fmt.Errorf("cluster %s: fetching from broker %d: %w", f.source.client.name, f.broker, err))
	f.relocate(ctx, cursors)
}

// handOut gives each cursor its part of an answer. One without partitions is what
// a quota or a session with no news makes of it.
func (f *fetcher) handOut(ctx context.Context, resp *kmsg.FetchResponse, held *memory) {
	size := 0
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			size += len(resp.Topics[i].Partitions[j].RecordBatches)
		}
	}
	var moved []*cursor
	for i := range resp.Topics {
		t := &resp.Topics[i]
		for j := range t.Partitions {
			part := &t.Partitions[j]
			c, ok := f.session.known[keyOf(resp.Version, t.Topic, t.TopicID, part.Partition)]
			if !ok || c.removed.Load() {
				continue // it may be read anew already, from elsewhere
			}
			if f.source.take(ctx, c, part, answer{held, size}) {
				moved = append(moved, c)
			}
		}
	}
	if size == 0 {
		f.makeSure()
	}
	if len(moved) > 0 {
		f.relocate(ctx, moved)
	}
}

// makeSure asks for everything anew if nothing has come, and of a partition nothing
// came before although there should be something: the answer then says so again, and
// says it of all.
func (f *fetcher) makeSure() {
	for _, c := range f.session.known {
		if c.unsure {
			c.unsure = false
			f.session.reset()
		}
	}
}

// answer is what the parts of a fetch answer share.
type answer struct {
	*memory
	size int // of the batches in it
}

// relocate finds the leaders of cursors anew. A topic that is gone or another
// one by now stops its partitions.
func (f *fetcher) relocate(ctx context.Context, cursors []*cursor) {
	s := f.source
	if err := s.metadata.refreshSoon(ctx); err != nil && ctx.Err() == nil {
		s.env.Trouble(fmt.Errorf("cluster %s: asking for metadata: %w", s.client.name, err))
	}
	now := time.Now()
	for _, c := range cursors {
		if c.removed.Load() || s.vanished(c, now) {
			continue
		}
		leader := s.metadata.leader(c.stream.TopicPartition).leader
		if leader < 0 || leader == f.broker {
			c.retry.again(now)
		}
		if leader != f.broker {
			f.mu.Lock()
			f.cursors = slices.DeleteFunc(f.cursors, func(other *cursor) bool { return other == c })
			f.mu.Unlock()
			s.place(c)
		}
	}
}
