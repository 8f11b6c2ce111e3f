// SPDX-License-Identifier: Apache-2.0

package kafka_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/test/kafka"
)

func TestMain(m *testing.M) { kafka.Main(m) }

// bounded is a context for what should take a second or two.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func produce(t *testing.T, client *kgo.Client, topic string, values ...string) {
	t.Helper()
	for _, value := range values {
		record := &kgo.Record{Topic: topic, Value: []byte(value)}
		if err := client.ProduceSync(bounded(t), record).FirstErr(); err != nil {
			t.Fatalf("producing %q: %v", value, err)
		}
	}
}

func expect(t *testing.T, c *kafka.Cluster, topic string, values ...string) {
	t.Helper()
	client := c.Client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer client.Close()
	ctx := bounded(t)
	var got []string
	for len(got) < len(values) {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatalf("consuming %s after %q: %v", topic, got, err)
		}
		for record := range fetches.RecordsAll() {
			got = append(got, string(record.Value))
		}
	}
	if strings.Join(got, ",") != strings.Join(values, ",") {
		t.Fatalf("%s holds %q, want %q", topic, got, values)
	}
}

func TestSharedClusters(t *testing.T) {
	east, west := kafka.Clusters(t)
	topic := kafka.UniqueName("shared")
	for name, c := range map[string]*kafka.Cluster{"east": east, "west": west} {
		c.CreateTopic(t, topic, 1, map[string]string{"retention.ms": "-1"})
		produce(t, c.Client(t), topic, name)
		expect(t, c, topic, name)
	}
}

func TestTool(t *testing.T) {
	east, _ := kafka.Clusters(t)
	topic := kafka.UniqueName("tool")
	east.CreateTopic(t, topic, 3, nil)
	const class = "org.apache.kafka.tools.TopicCommand"
	out, err := east.Tool(bounded(t), class, "--bootstrap-server", east.Bootstrap()[0], "--describe", "--topic", topic)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "PartitionCount: 3") {
		t.Errorf("the tool printed %q", out)
	}
	if _, err := east.Tool(bounded(t), class, "--no-such-option"); err == nil || !strings.Contains(err.Error(), "no-such-option") {
		t.Errorf("a failing tool gives %v", err)
	}
}

func TestDeleteRecords(t *testing.T) {
	east, _ := kafka.Clusters(t)
	topic := kafka.UniqueName("deleted")
	east.CreateTopic(t, topic, 1, nil)
	produce(t, east.Client(t), topic, "a", "b", "c")
	east.DeleteRecords(t, topic, 0, 2)
	expect(t, east, topic, "c")
}

// A broker of every version keeps what was acknowledged, however it ends.
func TestRestart(t *testing.T) {
	t.Parallel()
	for _, version := range []string{kafka.DefaultVersion, kafka.OldVersion} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := kafka.Start(t, kafka.Config{Version: version})
			topic := kafka.UniqueName("restart")
			c.CreateTopic(t, topic, 1, nil)
			client := c.Client(t)
			produce(t, client, topic, "before")
			c.Kill(t, 1)
			c.Restart(t, 1)
			produce(t, client, topic, "killed")
			c.Stop(t, 1)
			c.Restart(t, 1)
			produce(t, client, topic, "stopped")
			expect(t, c, topic, "before", "killed", "stopped")
			transact(t, c, topic)
		})
	}
}

func transact(t *testing.T, c *kafka.Cluster, topic string) {
	t.Helper()
	client := c.Client(t, kgo.TransactionalID(topic))
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, client, topic, "in a transaction")
	if err := client.EndTransaction(bounded(t), kgo.TryCommit); err != nil {
		t.Fatalf("committing: %v", err)
	}
}

func TestFailover(t *testing.T) {
	t.Parallel()
	c := kafka.Start(t, kafka.Config{Brokers: 3})
	topic := kafka.UniqueName("failover")
	c.CreateTopicOn(t, topic, []int32{2, 3}, map[string]string{"min.insync.replicas": "1"})
	c.AwaitISR(t, topic, 0, 2, 3)
	client := c.Client(t)
	produce(t, client, topic, "led by 2")
	c.Kill(t, 2)
	c.AwaitISR(t, topic, 0, 3)
	produce(t, client, topic, "led by 3")
	c.Restart(t, 2)
	c.AwaitISR(t, topic, 0, 2, 3)
	expect(t, c, topic, "led by 2", "led by 3")
}

func TestProperties(t *testing.T) {
	t.Parallel()
	c := kafka.Start(t, kafka.Config{Properties: map[string]string{"message.max.bytes": "4242"}})
	configs, err := c.Admin(t).DescribeBrokerConfigs(bounded(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, config := range configs[0].Configs {
		if config.Key == "message.max.bytes" {
			if config.MaybeValue() != "4242" {
				t.Errorf("message.max.bytes is %s", config.MaybeValue())
			}
			return
		}
	}
	t.Error("the broker does not tell message.max.bytes")
}
