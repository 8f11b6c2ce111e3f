// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/sdk"
)

// sink writes by produce requests of its own: many batches in flight, idempotent,
// acknowledged by all in-sync replicas.
type sink struct {
	config      *SinkConfig
	env         sdk.Env
	client      *client
	metadata    *metadata
	keys        *keyPartitioner // nil unless partitioner is key_hash
	codec       int8            // of what is written; keepCodec if that is up to the batch
	compressors compressors     // shared by the lanes: what they need to work is large
	buffers     *buffers        // of batches encoded anew
	// encoding holds a token for each lane that decodes and encodes: more of
	// them than processors would only drive each other out of the caches.
	encoding chan struct{}

	// reach is how many bytes the longest link carries in a round trip.
	reach atomic.Int64

	ctx     context.Context // of the senders
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex // guards writers, targets and senders
	senders map[int32]*sender
	// unreadable are the topics of which it was said that READ is not granted.
	unreadable map[string]bool
}

var (
	_ sdk.SinkConfig   = (*SinkConfig)(nil)
	_ sdk.Sink         = (*sink)(nil)
	_ sdk.TopicEnsurer = (*sink)(nil)
	_ sdk.Storer       = (*sink)(nil)
)

// NewSink implements [sdk.SinkConfig].
func (c *SinkConfig) NewSink(ctx context.Context, env sdk.Env) (sdk.Sink, error) {
	compressors, err := newCompressors()
	if err != nil {
		return nil, err
	}
	cl, err := connect(ctx, c.Cluster, kgo.RequiredAcks(kgo.AllISRAcks()), kgo.BrokerMaxWriteBytes(1<<30))
	if err != nil {
		return nil, err
	}
	s := &sink{
		config: c, env: env, client: cl, metadata: newMetadata(cl, false),
		codec: codecOf(c.Compression), compressors: compressors, buffers: newBuffers(nil, env.Memory.Limit()/4),
		encoding: make(chan struct{}, runtime.GOMAXPROCS(0)), senders: map[int32]*sender{}, unreadable: map[string]bool{},
	}
	if c.Partitioner == partitionerKeyHash {
		s.keys = newKeyPartitioner(s.metadata, env.Trouble)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// codecFor is the codec of records that were read with another one, or an unknown.
func (s *sink) codecFor(asRead string) int8 {
	if s.codec != keepCodec {
		return s.codec
	}
	if codec := codecOf(asRead); codec >= 0 {
		return codec
	}
	return codecOf("lz4")
}

// ID implements [sdk.Sink].
func (s *sink) ID() string { return s.client.id }

// Open implements [sdk.Sink]. The lane gets a producer id by a transactional id
// of its own, though it writes outside of transactions: each owner thereby gets
// a higher epoch than the one before, and as soon as it has written to a
// partition, the broker refuses what an earlier owner still sends there.
func (s *sink) Open(ctx context.Context, lane int) (sdk.Writer, error) {
	id := fmt.Sprintf("%s%s.%d.data", ownPrefix, s.env.Pipeline, lane)
	producer, err := initProducer(ctx, s.client, id)
	if err != nil {
		return nil, err
	}
	return newWriter(s, producer), nil
}

// Close implements [sdk.Sink].
func (s *sink) Close() error {
	s.cancel()
	s.running.Wait()
	s.client.Close()
	return nil
}
