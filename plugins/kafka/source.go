// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/sdk"
)

// source reads partitions by fetch requests of its own, one loop per broker,
// shared by all lanes. It joins no group and commits nothing: its principal
// needs the right to read, and no other.
type source struct {
	config       *SourceConfig
	env          sdk.Env
	client       *client
	metadata     *metadata
	selected     atomic.Pointer[selected]
	decompressor kgo.Decompressor
	buffers      *buffers // of fetch answers
	// reach is how many bytes the longest link brings in a round trip.
	reach atomic.Int64
	// bounds is where each partition of a bounded source ends; nil if the
	// source has no end.
	bounds map[sdk.Stream]int64

	ctx    context.Context // of the fetch loops
	cancel context.CancelFunc
	loops  sync.WaitGroup

	mu       sync.Mutex
	fetchers map[int32]*fetcher // by broker
	orphans  *fetcher           // looks after cursors that have no leader
}

var (
	_ sdk.SourceConfig   = (*SourceConfig)(nil)
	_ sdk.Source         = (*source)(nil)
	_ sdk.EndLister      = (*source)(nil)
	_ sdk.Surveyor       = (*source)(nil)
	_ sdk.TopicDescriber = (*source)(nil)
	_ sdk.Adjuster       = (*source)(nil)
)

// NewSource implements [sdk.SourceConfig]. It connects, and resolves the end of
// a bounded source.
func (c *SourceConfig) NewSource(ctx context.Context, env sdk.Env) (sdk.Source, error) {
	selected, err := newSelected(c.Topics)
	if err != nil {
		return nil, err
	}
	cl, err := connect(ctx, c.Cluster, kgo.MaxDecompressBatchBytes(maxDecompressed), kgo.BrokerMaxReadBytes(1<<30))
	if err != nil {
		return nil, err
	}
	s := &source{
		config: c, env: env, client: cl,
		decompressor: newDecompressor(maxDecompressed), buffers: newBuffers(env.Memory, env.Memory.Limit()/4),
		fetchers: map[int32]*fetcher{},
	}
	s.metadata = newMetadata(cl, false)
	s.choose(selected)
	if err := s.prepare(ctx); err != nil {
		cl.Close()
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.orphans = s.startFetcher(noBroker)
	return s, nil
}

func (s *source) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	streams, err := s.Partitions(ctx)
	for _, t := range s.metadata.list() {
		// What a bounded run does not see now it would never see.
		if err == nil && t.err != nil && (s.Bounded() || t.err == kerr.TopicAuthorizationFailed) && selects(s.selected.Load().Selection, t.name) {
			err = s.unreadable(t)
		}
	}
	if err == nil && s.Bounded() {
		s.bounds, err = s.resolveEnds(ctx, streams)
	}
	if err != nil {
		return &sdk.EnvironmentError{Cluster: s.client.name, Err: err}
	}
	return nil
}

// ID implements [sdk.Source].
func (s *source) ID() string { return s.client.id }

// Bounded implements [sdk.Source].
func (s *source) Bounded() bool { return s.config.Until != "" }

// Partitions implements [sdk.Source].
func (s *source) Partitions(ctx context.Context) ([]sdk.Stream, error) {
	if s.bounds != nil {
		streams := make([]sdk.Stream, 0, len(s.bounds))
		for stream := range s.bounds {
			streams = append(streams, stream)
		}
		slices.SortFunc(streams, compareStreams)
		return streams, nil
	}
	selected := s.selected.Load() // before the refresh, which then asks for all of it
	if err := s.metadata.refresh(ctx); err != nil {
		return nil, fmt.Errorf("listing topics: %w", err)
	}
	var streams []sdk.Stream
	for _, t := range s.metadata.list() {
		if !selects(selected.Selection, t.name) {
			continue
		}
		if t.err != nil {
			s.env.Trouble(s.unreadable(t))
			continue
		}
		for p := range t.partitions {
			streams = append(streams, sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: t.name, Partition: int32(p)}, TopicID: t.id})
		}
	}
	s.warnOfMissing(selected, len(streams))
	return streams, nil
}

func (s *source) unreadable(t topicMeta) error {
	if t.err == kerr.TopicAuthorizationFailed {
		return fmt.Errorf("topic %s: %w: the principal needs the right to READ it", t.name, t.err)
	}
	return fmt.Errorf("topic %s: %w", t.name, t.err)
}

// Survey implements [sdk.Surveyor].
func (s *source) Survey(ctx context.Context) ([]sdk.Stream, error) {
	every := newMetadata(s.client, true)
	if err := every.refresh(ctx); err != nil {
		return nil, fmt.Errorf("listing topics: %w", err)
	}
	var streams []sdk.Stream
	for _, t := range every.list() {
		for p := range t.partitions {
			streams = append(streams, sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: t.name, Partition: int32(p)}, TopicID: t.id})
		}
	}
	return streams, nil
}

func compareStreams(a, b sdk.Stream) int {
	if a.Topic != b.Topic {
		if a.Topic < b.Topic {
			return -1
		}
		return 1
	}
	return int(a.Partition - b.Partition)
}

// Start implements [sdk.Source].
func (s *source) Start(ctx context.Context, streams []sdk.Stream, born bool) ([]sdk.Position, error) {
	since := bound{name: earliest}
	if !born {
		var err error
		if since, err = parseBound(s.config.Since); err != nil {
			return nil, err
		}
	}
	return s.positionsAt(ctx, streams, since)
}

// Ends implements [sdk.EndLister].
func (s *source) Ends(ctx context.Context, streams []sdk.Stream) (map[sdk.TopicPartition]int64, error) {
	ends := make(map[sdk.TopicPartition]int64, len(streams))
	if s.bounds != nil {
		for _, stream := range streams {
			ends[stream.TopicPartition] = s.bounds[stream]
		}
		return ends, nil
	}
	found, err := s.listOffsets(ctx, streams, timestampLatest)
	for tp, at := range found {
		if at.err == nil {
			ends[tp] = at.offset
		}
	}
	return ends, err
}

// Open implements [sdk.Source].
func (s *source) Open(context.Context, int) (sdk.Reader, error) {
	return newReader(s), nil
}

// Close implements [sdk.Source].
func (s *source) Close() error {
	s.cancel()
	s.loops.Wait()
	s.client.Close()
	return nil
}

// fetcherFor returns the loop of a broker, started if it is new.
func (s *source) fetcherFor(broker int32) *fetcher {
	if broker < 0 {
		return s.orphans
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.fetchers[broker]
	if !ok {
		f = s.startFetcher(broker)
		s.fetchers[broker] = f
	}
	return f
}

// reaches notes how many bytes a link brings in a round trip. If that is more than
// before, more may wait for the lanes, and what was full is not.
func (s *source) reaches(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n <= s.reach.Load() {
		return
	}
	s.reach.Store(n)
	for _, f := range s.fetchers {
		f.notify()
	}
}

func (s *source) startFetcher(broker int32) *fetcher {
	f := &fetcher{source: s, broker: broker, wake: make(chan struct{}, 1)}
	s.loops.Go(f.run)
	return f
}
