// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// requestTimeout bounds what tests ask of a healthy cluster.
const requestTimeout = 30 * time.Second

// UniqueName makes a topic or group name that no other test uses.
func UniqueName(prefix string) string {
	return prefix + "-" + strings.ToLower(rand.Text()[:8])
}

// CreateTopic creates a topic, replicated on up to three brokers. On a shared
// cluster it is deleted when the test ends.
func (c *Cluster) CreateTopic(t testing.TB, topic string, partitions int32, configs map[string]string) {
	t.Helper()
	request := kmsg.NewCreateTopicsRequestTopic()
	request.NumPartitions = partitions
	request.ReplicationFactor = int16(min(len(c.Bootstrap()), 3))
	c.create(t, topic, request, configs)
}

// CreateTopicOn creates a topic of one partition whose replicas are on the
// given brokers, the preferred leader first.
func (c *Cluster) CreateTopicOn(t testing.TB, topic string, replicas []int32, configs map[string]string) {
	t.Helper()
	assignment := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
	assignment.Replicas = replicas
	request := kmsg.NewCreateTopicsRequestTopic()
	request.NumPartitions, request.ReplicationFactor = -1, -1
	request.ReplicaAssignment = append(request.ReplicaAssignment, assignment)
	c.create(t, topic, request, configs)
}

func (c *Cluster) create(t testing.TB, topic string, creation kmsg.CreateTopicsRequestTopic, configs map[string]string) {
	t.Helper()
	creation.Topic = topic
	for key, value := range configs {
		config := kmsg.NewCreateTopicsRequestTopicConfig()
		config.Name, config.Value = key, &value
		creation.Configs = append(creation.Configs, config)
	}
	request := kmsg.NewPtrCreateTopicsRequest()
	request.Topics = append(request.Topics, creation)
	ctx, cancel := context.WithTimeout(t.Context(), requestTimeout)
	defer cancel()
	answer, err := request.RequestWith(ctx, c.Client(t))
	if err == nil {
		err = kerr.ErrorForCode(answer.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatalf("creating topic %s: %v", topic, err)
	}
	if len(c.brokers) == 0 {
		t.Cleanup(func() { c.delete(t, topic) })
	}
}

func (c *Cluster) delete(t testing.TB, topic string) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	if _, err := c.Admin(t).DeleteTopics(ctx, topic); err != nil {
		t.Logf("deleting topic %s: %v", topic, err)
	}
}

// DeleteRecords removes what lies before offset, as retention would.
func (c *Cluster) DeleteRecords(t testing.TB, topic string, partition int32, offset int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), requestTimeout)
	defer cancel()
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, partition, offset, -1)
	answer, err := c.Admin(t).DeleteRecords(ctx, offsets)
	if err == nil {
		err = answer.Error()
	}
	if err != nil {
		t.Fatalf("deleting records of %s/%d before %d: %v", topic, partition, offset, err)
	}
}

// AwaitISR waits until exactly these brokers are the partition's in-sync
// replicas.
func (c *Cluster) AwaitISR(t testing.TB, topic string, partition int32, nodes ...int32) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), requestTimeout)
	defer cancel()
	admin := c.Admin(t)
	slices.Sort(nodes)
	err := poll(ctx, 100*time.Millisecond, func(ctx context.Context) (bool, error) {
		topics, err := admin.ListTopics(ctx, topic)
		if err != nil {
			return false, err
		}
		isr := slices.Sorted(slices.Values(topics[topic].Partitions[partition].ISR))
		if !slices.Equal(isr, nodes) {
			return false, fmt.Errorf("they are %v", isr)
		}
		return true, nil
	})
	if err != nil {
		t.Fatalf("waiting for in-sync replicas %v of %s/%d: %v", nodes, topic, partition, err)
	}
}
