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
	partitionFetchBytes = 1 << 20 // asked for of one partition
	partitionHighWater  = 2 << 20 // fetched and unread; more is not asked for
	fetchBytes          = 4 << 20 // asked for at a time of one broker
	minFetchBytes       = 64 << 10

	// fetchWait is how long a broker may hold a fetch that finds nothing; it
	// is also how long a partition that joins may wait for its first one.
	fetchWait = 250 * time.Millisecond
	// fetchWaitShort applies while partitions of the broker are left out
	// because their lane is behind: they shall not wait for idle ones.
	fetchWaitShort = 10 * time.Millisecond

	noBroker = int32(-1)
)

// fetcher fetches the partitions that one broker leads, one request at a time.
// The fetcher of noBroker only finds leaders for those that have none.
type fetcher struct {
	source *source
	broker int32
	wake   chan struct{}
	retry  retry

	mu      sync.Mutex
	cursors map[*cursor]struct{}
}

// place gives a cursor to the broker that leads its partition.
func (s *source) place(c *cursor) {
	f := s.fetcherFor(s.metadata.leader(c.stream.TopicPartition).leader)
	c.home.Store(f)
	f.mu.Lock()
	f.cursors[c] = struct{}{}
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
	if due := f.retry.due(now); due > 0 {
		return nil, false, due
	}
	// The order of a map is random, which keeps large partitions from always
	// standing before small ones in a request.
	for c := range f.cursors {
		switch due := c.retry.due(now); {
		case c.removed.Load():
			delete(f.cursors, c)
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
	memory := f.source.env.Memory
	reserve := f.reserve()
	if memory.Acquire(ctx, reserve) != nil {
		return
	}
	wait := fetchWait
	if full {
		wait = fetchWaitShort
	}
	req := f.request(cursors, int32(reserve), wait)
	resp, err := req.RequestWith(ctx, brokerRequestor{f.source.client, f.broker})
	if err != nil {
		memory.Release(reserve)
		f.lost(ctx, cursors, err)
		return
	}
	f.retry.reset()
	held := &pinned{budget: memory, size: answerSize(resp)}
	held.users.Store(1)
	memory.Take(held.size)
	memory.Release(reserve)
	f.handOut(ctx, cursors, resp, held)
	held.release()
}

// reserve is how much one answer may take: a broker's share of half the memory,
// so that idle brokers holding a request do not keep the others from theirs.
func (f *fetcher) reserve() int64 {
	f.source.mu.Lock()
	brokers := int64(max(len(f.source.fetchers), 1))
	f.source.mu.Unlock()
	return min(max(f.source.env.Memory.Limit()/(2*brokers), minFetchBytes), fetchBytes)
}

func (f *fetcher) request(cursors []*cursor, maxBytes int32, wait time.Duration) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID = -1
	req.MaxWaitMillis = int32(wait.Milliseconds())
	req.MinBytes = 1
	req.MaxBytes = maxBytes
	req.IsolationLevel = f.source.isolation()
	req.SessionID, req.SessionEpoch = 0, -1
	topics := map[sdk.TopicID]int{}
	for _, c := range cursors {
		i, ok := topics[c.stream.TopicID]
		if !ok {
			t := kmsg.NewFetchRequestTopic()
			t.Topic, t.TopicID = c.stream.Topic, c.stream.TopicID
			req.Topics = append(req.Topics, t)
			i = len(req.Topics) - 1
			topics[c.stream.TopicID] = i
		}
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition = c.stream.Partition
		p.CurrentLeaderEpoch = f.source.metadata.leader(c.stream.TopicPartition).epoch
		p.FetchOffset = c.offset
		// With the epoch of what was read last the broker itself finds out
		// that the log was truncated since (KIP-595), also after it has grown
		// past the offset again.
		p.LastFetchedEpoch = c.epoch
		p.LogStartOffset = -1
		p.PartitionMaxBytes = c.limit
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, p)
	}
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

// handOut gives each cursor its part of an answer.
func (f *fetcher) handOut(ctx context.Context, cursors []*cursor, resp *kmsg.FetchResponse, held *pinned) {
	parts := map[answerKey]*kmsg.FetchResponseTopicPartition{}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		for j := range t.Partitions {
			parts[keyOf(resp.Version, t.Topic, t.TopicID, t.Partitions[j].Partition)] = &t.Partitions[j]
		}
	}
	var moved []*cursor
	for _, c := range cursors {
		part, ok := parts[keyOf(resp.Version, c.stream.Topic, c.stream.TopicID, c.stream.Partition)]
		if !ok {
			continue // a throttled answer has no partitions (KIP-219)
		}
		if c.removed.Load() {
			continue // it may be read anew already, from elsewhere
		}
		if f.source.take(ctx, c, part, held) {
			moved = append(moved, c)
		}
	}
	if len(moved) > 0 {
		f.relocate(ctx, moved)
	}
}

func answerSize(resp *kmsg.FetchResponse) int64 {
	var n int64
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			n += int64(len(resp.Topics[i].Partitions[j].RecordBatches))
		}
	}
	return n
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
			delete(f.cursors, c)
			f.mu.Unlock()
			s.place(c)
		}
	}
}
