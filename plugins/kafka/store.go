// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/klamm-io/klamm/sdk"
)

const (
	defaultLanes = 8

	// sessionTimeout is how long a process may be silent before its lanes go
	// to others: the least that brokers allow by default
	// (group.min.session.timeout.ms).
	sessionTimeout    = 6 * time.Second
	heartbeatInterval = time.Second
)

// store keeps a pipeline's ledgers in one compacted topic on the target:
// partition 0 is the control lane's, partition k that of lane k. Lanes are
// owned by a consumer group on that topic: being assigned a partition is owning
// its lane. The group only decides who should write; that nobody else can is
// the doing of the lane's transactional id.
type store struct {
	config   *SinkConfig
	env      sdk.Env
	pipeline string
	client   *client // of its own: commits do not wait behind data
	metadata *metadata
	lanes    int
	logs     []*laneLog // by lane
}

var _ sdk.Store = (*store)(nil)

// Store implements [sdk.Storer].
func (s *sink) Store(ctx context.Context, pipeline string, lanes int) (sdk.Store, error) {
	opts := []kgo.Opt{kgo.RequiredAcks(kgo.AllISRAcks())}
	if !s.client.transactionV2 {
		// With these versions brokers would expect transactions of the second
		// version (KIP-890).
		v := kversion.Stable()
		v.SetMaxKeyVersion(int16(kmsg.Produce), 11)
		v.SetMaxKeyVersion(int16(kmsg.EndTxn), 4)
		opts = append(opts, kgo.MaxVersions(v))
	}
	cl, err := connect(ctx, s.config.Cluster, opts...)
	if err != nil {
		return nil, err
	}
	st := &store{config: s.config, env: s.env, pipeline: pipeline, client: cl}
	st.metadata = newMetadata(cl, false, st.Name())
	if err := st.ensure(ctx, lanes); err != nil {
		cl.Close()
		if errors.Is(err, sdk.ErrNoStore) {
			return nil, err
		}
		return nil, &sdk.EnvironmentError{Cluster: cl.name, Err: err}
	}
	return st, nil
}

// Name implements [sdk.Store]: the topic.
func (s *store) Name() string { return ownPrefix + s.pipeline + ".positions" }

// group is the consumer group by which lanes are shared out.
func (s *store) group() string { return ownPrefix + s.pipeline }

// Lanes implements [sdk.Store].
func (s *store) Lanes() int { return s.lanes }

// ensure makes the topic, unless only an existing one is asked for, or checks
// the one that is there.
func (s *store) ensure(ctx context.Context, lanes int) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if lanes > 0 {
		s.lanes = lanes
	}
	var pause retry
	for created := false; ; {
		if err := s.metadata.refresh(ctx); err != nil {
			return fmt.Errorf("asking for topic %s: %w", s.Name(), err)
		}
		topic, ok := s.metadata.topic(s.Name())
		if ok && topic.err == nil && len(topic.partitions) > 0 && s.led(topic) {
			return s.check(ctx, topic)
		}
		if ok && topic.err != nil && !kerr.IsRetriable(topic.err) {
			return fmt.Errorf("topic %s: %w; the principal needs READ and WRITE on it", s.Name(), topic.err)
		}
		if !ok && lanes == sdk.Existing {
			return fmt.Errorf("%w (cluster %s has no topic %s)", sdk.ErrNoStore, s.client.name, s.Name())
		}
		if !ok && !created {
			if err := s.create(ctx, cmp.Or(s.lanes, defaultLanes)); err != nil {
				return err
			}
			created = true
		}
		if err := sleep(ctx, pause.again(time.Now())); err != nil {
			return fmt.Errorf("topic %s has no leader for each of its partitions: %w", s.Name(), err)
		}
	}
}

func (s *store) led(t topicMeta) bool {
	for _, p := range t.partitions {
		if p.leader < 0 {
			return false
		}
	}
	return true
}

func (s *store) create(ctx context.Context, lanes int) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = requestTimeoutMillis
	req.Topics = append(req.Topics, topicToCreate(s.Name(), int32(lanes+1), s.config.ReplicationFactor, map[string]string{
		"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1",
	}))
	resp, err := req.RequestWith(ctx, s.client.Client)
	if err != nil {
		return fmt.Errorf("creating topic %s: %w", s.Name(), err)
	}
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("creating topic %s, where positions are kept: %w%s", s.Name(), err, detail(t.ErrorMessage))
		}
	}
	return nil
}

// check refuses a topic in which positions would not last.
func (s *store) check(ctx context.Context, t topicMeta) error {
	have := len(t.partitions) - 1
	if have < 1 {
		return fmt.Errorf("topic %s has 1 partition; it was not made by Klamm", s.Name())
	}
	if s.lanes != 0 && s.lanes != have {
		return fmt.Errorf("lanes = %d, but the pipeline was first run with %d, and topic %s is made for that; leave lanes out, or write %d", s.lanes, have, s.Name(), have)
	}
	s.lanes = have
	s.logs = make([]*laneLog, have+1)
	for lane := range s.logs {
		s.logs[lane] = &laneLog{lane: lane, next: -1, reading: make(chan struct{}, 1)}
	}
	found, err := describeConfigs(ctx, s.client, []string{s.Name()}, []string{"cleanup.policy"})
	if err != nil {
		return fmt.Errorf("describing topic %s: %w", s.Name(), err)
	}
	if policy, ok := found[s.Name()].values["cleanup.policy"]; ok && policy != "compact" {
		return fmt.Errorf("topic %s has cleanup.policy %q: positions would be deleted in time; set it to compact", s.Name(), policy)
	}
	return nil
}

// Own implements [sdk.Store].
func (s *store) Own(ctx context.Context, granted, revoked func(lanes []int)) error {
	ofTopic := func(call func([]int)) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
			var lanes []int
			for _, p := range assigned[s.Name()] {
				lanes = append(lanes, int(p))
			}
			call(lanes)
		}
	}
	var lost atomic.Bool // lanes, and none given since
	member, err := connect(ctx, s.config.Cluster,
		kgo.ClientID(memberID()),
		kgo.ConsumerGroup(s.group()),
		kgo.ConsumeTopics(s.Name()),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(sessionTimeout),
		kgo.HeartbeatInterval(heartbeatInterval),
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(ofTopic(func(lanes []int) {
			lost.Store(false)
			granted(lanes)
		})),
		kgo.OnPartitionsRevoked(ofTopic(revoked)),
		kgo.OnPartitionsLost(ofTopic(func(lanes []int) {
			lost.Store(len(lanes) > 0)
			revoked(lanes)
		})),
	)
	if err != nil {
		return err
	}
	member.PauseFetchTopics(s.Name()) // only the membership is wanted
	defer member.CloseAllowingRebalance()
	for ctx.Err() == nil {
		if lost.Load() {
			s.env.Trouble(fmt.Errorf("cluster %s: group %s: this process has lost its lanes, as its coordinator did not hear from it for %s", s.client.name, s.group(), sessionTimeout))
		}
		look, done := context.WithTimeout(ctx, heartbeatInterval)
		errs := member.PollFetches(look).Errors()
		done()
		for _, e := range errs {
			if err := s.memberError(e.Err); err != nil {
				return err
			}
		}
	}
	return nil
}

// memberError reports trouble of the group; what will not pass is returned.
func (s *store) memberError(err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, kgo.ErrClientClosed):
		return nil
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return &sdk.EnvironmentError{Cluster: s.client.name, Err: fmt.Errorf("joining group %s: %w", s.group(), err), Fix: "grant READ on groups with the prefix " + ownPrefix}
	}
	s.env.Trouble(fmt.Errorf("cluster %s: group %s: %w", s.client.name, s.group(), err))
	return nil
}

// Open implements [sdk.Store].
func (s *store) Open(ctx context.Context, lane int) (sdk.Ledger, error) {
	id := fmt.Sprintf("%s%s.%d", ownPrefix, s.pipeline, lane)
	producer, err := initProducer(ctx, s.client, id)
	if err != nil {
		return nil, err
	}
	entries, err := s.Read(ctx, lane)
	if err != nil {
		return nil, err
	}
	return &ledger{store: s, lane: lane, topic: s.stream(lane).TopicID, id: id, producer: producer, entries: entries}, nil
}

// Close implements [sdk.Store].
func (s *store) Close() error {
	s.client.Close()
	return nil
}
