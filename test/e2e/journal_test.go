// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
)

// journal remembers what was produced to a topic, so that a copy can be checked
// when the original is not there any more.
type journal struct {
	t          testing.TB
	cluster    *kafka.Cluster
	client     *kgo.Client
	topic      string
	partitions [][]*kgo.Record
}

// newJournal creates a topic.
func newJournal(t testing.TB, c *kafka.Cluster, topic string, partitions int32, configs map[string]string) *journal {
	t.Helper()
	c.CreateTopic(t, topic, partitions, configs)
	return &journal{
		t: t, cluster: c, topic: topic, partitions: make([][]*kgo.Record, partitions),
		client: c.Client(t, manual()),
	}
}

// manual leaves the choice of the partition to the record.
func manual() kgo.Opt { return kgo.RecordPartitioner(kgo.ManualPartitioner()) }

// produce writes count records to each of the partitions, as one batch, and
// returns when the cluster has them.
func (j *journal) produce(count int, partitions ...int32) {
	j.t.Helper()
	for _, partition := range partitions {
		var records []*kgo.Record
		for n := range count {
			serial := len(j.partitions[partition]) + n
			records = append(records, &kgo.Record{
				Key: fmt.Appendf(nil, "key-%d", serial%10), Value: fmt.Appendf(nil, "%s/%d %d", j.topic, partition, serial),
				Headers: []kgo.RecordHeader{{Key: "serial", Value: fmt.Append(nil, serial)}},
			})
		}
		j.add(partition, records...)
	}
}

// add writes records to a partition.
func (j *journal) add(partition int32, records ...*kgo.Record) {
	j.t.Helper()
	for _, r := range records {
		r.Topic, r.Partition = j.topic, partition
		if r.Timestamp.IsZero() {
			r.Timestamp = time.UnixMilli(time.Now().UnixMilli())
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := j.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		j.t.Fatalf("producing to %s/%d: %v", j.topic, partition, err)
	}
	j.partitions[partition] = append(j.partitions[partition], records...)
}

// end is the number of records in a partition.
func (j *journal) end(partition int32) int64 { return int64(len(j.partitions[partition])) }

// forget drops what a copy is not to have: the records from an index on.
func (j *journal) forget(partition int32, from int64) {
	j.partitions[partition] = j.partitions[partition][:from]
}

func (j *journal) content() compare.Content {
	c := compare.Content{Topic: j.topic, Partitions: make([]compare.Partition, len(j.partitions))}
	for p, records := range j.partitions {
		for _, r := range records {
			c.Partitions[p].Records = append(c.Partitions[p].Records, compare.NewRecord(r))
		}
	}
	return c
}

// copied fails the test unless the target topic holds just what was produced,
// each record once and in order.
func (j *journal) copied(to *kafka.Cluster, target string) {
	j.t.Helper()
	if d := compare.Diff(j.content(), read(j.t, to, target), compare.Options{}); len(d) > 0 {
		j.t.Errorf("%s is not what was produced to %s:\n%s", target, j.topic, compare.Report(d))
	}
}

// delivered waits until klamm has delivered all that was produced to the
// partitions.
func (j *journal) delivered(p *process, partitions ...int32) {
	j.t.Helper()
	for _, partition := range partitions {
		at(j.t, p, j.topic, partition, j.end(partition))
	}
}

// at waits until the position of a partition is an offset, or behind it.
func at(t testing.TB, p *process, topic string, partition int32, offset int64) {
	t.Helper()
	eventually(t, 30*time.Second, func() (bool, string) {
		part := p.partition(topic, partition)
		return part.Offset >= offset, fmt.Sprintf("%s/%d is at %d, not yet at %d; %s", topic, partition, part.Offset, offset, part.LastError)
	})
}

// topicID is the id of a topic as messages write it.
func topicID(t testing.TB, c *kafka.Cluster, topic string) string {
	t.Helper()
	topics, err := c.Admin(t).ListTopics(t.Context(), topic)
	if err == nil {
		err = topics[topic].Err
	}
	if err != nil {
		t.Fatalf("asking for the id of topic %s: %v", topic, err)
	}
	raw := topics[topic].ID
	id := fmt.Sprintf("%x", raw[:])
	return strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-")
}

// remove deletes a topic and returns when it is gone.
func remove(t testing.TB, c *kafka.Cluster, topic string) {
	t.Helper()
	admin := c.Admin(t)
	if answer, err := admin.DeleteTopics(t.Context(), topic); err != nil || answer.Error() != nil {
		t.Fatalf("deleting topic %s: %v, %v", topic, err, answer.Error())
	}
	eventually(t, 30*time.Second, func() (bool, string) {
		topics, err := admin.ListTopics(t.Context(), topic)
		return err == nil && !topics.Has(topic), fmt.Sprintf("topic %s is still there: %v", topic, err)
	})
}

// configure sets a config of a topic.
func configure(t testing.TB, c *kafka.Cluster, topic, key, value string) {
	t.Helper()
	alter := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}
	answers, err := c.Admin(t).AlterTopicConfigs(t.Context(), alter, topic)
	if err == nil {
		err = answers[0].Err
	}
	if err != nil {
		t.Fatalf("setting %s of topic %s: %v", key, topic, err)
	}
}
