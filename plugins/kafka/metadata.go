// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// metadata caches what a cluster says of its topics. It is safe for concurrent
// use.
type metadata struct {
	client *client

	mu     sync.Mutex
	all    bool                // ask for every topic
	want   map[string]struct{} // topics to ask for, if not all
	topics map[string]topicMeta
	// brokers are the addresses, also of those that have not been told of lately.
	brokers map[int32]string
	asked   time.Time
}

type topicMeta struct {
	name       string
	id         sdk.TopicID
	err        error // why the cluster does not tell more
	partitions []partitionMeta
}

type partitionMeta struct {
	leader int32 // -1 if there is none
	epoch  int32
}

// refreshPause keeps errors that come in bulk from asking in bulk.
const refreshPause = 100 * time.Millisecond

func newMetadata(c *client, all bool, topics ...string) *metadata {
	m := &metadata{client: c, all: all, want: map[string]struct{}{}, topics: map[string]topicMeta{}, brokers: map[int32]string{}}
	for _, t := range topics {
		m.want[t] = struct{}{}
	}
	return m
}

// topic returns what is known of a topic; false if the cluster does not have it.
func (m *metadata) topic(name string) (topicMeta, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.topics[name]
	return t, ok
}

// list returns all topics known, sorted by name.
func (m *metadata) list() []topicMeta {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []topicMeta
	for _, name := range slices.Sorted(maps.Keys(m.topics)) {
		out = append(out, m.topics[name])
	}
	return out
}

// add makes topics part of every later refresh.
func (m *metadata) add(topics ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range topics {
		m.want[t] = struct{}{}
	}
}

// addAll makes every topic part of every later refresh.
func (m *metadata) addAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = true
}

// dial connects to a broker.
func (m *metadata) dial(ctx context.Context, broker int32) (*connection, error) {
	addr := m.address(broker)
	if addr == "" {
		return nil, fmt.Errorf("where broker %d is, is not known", broker)
	}
	return m.client.dial(ctx, addr)
}

// address is where a broker was last said to be; empty if that is not known.
func (m *metadata) address(broker int32) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.brokers[broker]
}

// outlived reports whether a connection to a broker is to be made anew: its session
// ends, or the broker is elsewhere by now, and who answers is not it.
func (m *metadata) outlived(k *connection, broker int32) bool {
	return k.expired(time.Now()) || k.addr != m.address(broker)
}

// refreshSoon refreshes unless that has just been done.
func (m *metadata) refreshSoon(ctx context.Context) error {
	m.mu.Lock()
	fresh := time.Since(m.asked) < refreshPause
	m.mu.Unlock()
	if fresh {
		return nil
	}
	return m.refresh(ctx)
}

// refresh asks the cluster. The answer also tells kgo where its brokers are.
func (m *metadata) refresh(ctx context.Context) error {
	req := kmsg.NewPtrMetadataRequest()
	m.mu.Lock()
	m.asked = time.Now()
	if !m.all {
		req.Topics = []kmsg.MetadataRequestTopic{}
		for name := range m.want {
			t := kmsg.NewMetadataRequestTopic()
			t.Topic = kmsg.StringPtr(name)
			req.Topics = append(req.Topics, t)
		}
	}
	m.mu.Unlock()
	resp, err := req.RequestWith(ctx, m.client.Client)
	if err != nil {
		return err
	}
	topics := make(map[string]topicMeta, len(resp.Topics))
	for i := range resp.Topics {
		if t, ok := readTopicMeta(&resp.Topics[i]); ok {
			topics[t.name] = t
		}
	}
	m.mu.Lock()
	m.topics, m.asked = topics, time.Now()
	for _, b := range resp.Brokers {
		m.brokers[b.NodeID] = net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
	}
	m.mu.Unlock()
	return nil
}

func readTopicMeta(rt *kmsg.MetadataResponseTopic) (topicMeta, bool) {
	err := kerr.ErrorForCode(rt.ErrorCode)
	if rt.Topic == nil || err == kerr.UnknownTopicOrPartition {
		return topicMeta{}, false
	}
	t := topicMeta{name: *rt.Topic, id: rt.TopicID, err: err}
	t.partitions = make([]partitionMeta, len(rt.Partitions))
	for i := range t.partitions {
		t.partitions[i].leader = -1
	}
	for _, p := range rt.Partitions {
		if p.Partition < 0 || int(p.Partition) >= len(t.partitions) {
			continue // a hole in the numbering: the topic is still being made
		}
		t.partitions[p.Partition] = partitionMeta{leader: p.Leader, epoch: p.LeaderEpoch}
	}
	return t, true
}

// leader returns who leads a partition; -1 if nobody is known to.
func (m *metadata) leader(tp sdk.TopicPartition) partitionMeta {
	t, ok := m.topic(tp.Topic)
	if !ok || int(tp.Partition) >= len(t.partitions) {
		return partitionMeta{leader: -1, epoch: -1}
	}
	return t.partitions[tp.Partition]
}
