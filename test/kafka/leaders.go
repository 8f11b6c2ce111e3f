// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Lead makes a broker the leader of every partition of a topic: it becomes the
// first of the partition's replicas, of which it has to be one already, and is
// elected. Lead returns when the brokers say so.
func (c *Cluster) Lead(t testing.TB, topic string, node int32) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), requestTimeout)
	defer cancel()
	admin := c.Admin(t)
	err := poll(ctx, 100*time.Millisecond, func(ctx context.Context) (bool, error) {
		topics, err := admin.ListTopics(ctx, topic)
		if err == nil {
			err = topics.Error()
		}
		if err != nil {
			return false, err
		}
		var order kadm.AlterPartitionAssignmentsReq
		led := true
		for _, p := range topics[topic].Partitions {
			others := slices.DeleteFunc(slices.Clone(p.Replicas), func(replica int32) bool { return replica == node })
			order.Assign(topic, p.Partition, append([]int32{node}, others...))
			led = led && p.Leader == node
		}
		if led && len(order) > 0 {
			return true, nil
		}
		return false, elect(ctx, admin, order)
	})
	if err != nil {
		t.Fatalf("making broker %d the leader of %s: %v", node, topic, err)
	}
}

// elect sets the order of the replicas and has the first ones elected. What that
// says is its error: whether it came about, the metadata tells.
func elect(ctx context.Context, admin *kadm.Client, order kadm.AlterPartitionAssignmentsReq) error {
	ordered, err := admin.AlterPartitionAssignments(ctx, order)
	if err == nil {
		err = ordered.Error()
	}
	if err != nil {
		return err
	}
	var all kadm.TopicsSet
	for topic, partitions := range order {
		for partition := range partitions {
			all.Add(topic, partition)
		}
	}
	elected, err := admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, all)
	if err != nil {
		return err
	}
	return fmt.Errorf("the election says %+v", elected)
}
