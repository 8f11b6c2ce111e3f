// SPDX-License-Identifier: Apache-2.0

package embedded_test

import (
	"log/slog"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/plugins/kafka/embedded"
	"github.com/klamm-io/klamm/sdk"
)

func TestStart(t *testing.T) {
	east, west := &sdk.Cluster{Name: "east", Embedded: true}, &sdk.Cluster{Name: "west", Embedded: true}
	outside := &sdk.Cluster{Name: "outside", Brokers: []string{"outside:9092"}}
	clusters, err := embedded.Start([]*sdk.Cluster{east, outside, west}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer clusters.Close()
	if got := outside.Brokers; len(got) != 1 || got[0] != "outside:9092" {
		t.Errorf("a cluster that is not embedded was changed: %q", got)
	}
	if a, b := clusterID(t, east), clusterID(t, west); a == b {
		t.Errorf("both clusters have the id %q; loop checks go by it", a)
	}
}

func TestNoTopicOutOfThinAir(t *testing.T) {
	c := &sdk.Cluster{Name: "east", Embedded: true}
	clusters, err := embedded.Start([]*sdk.Cluster{c}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer clusters.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...), kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	record := &kgo.Record{Topic: "nowhere", Value: []byte("x")}
	if err := client.ProduceSync(t.Context(), record).FirstErr(); err == nil {
		t.Error("a record to a topic that does not exist was taken")
	}
}

func clusterID(t *testing.T, c *sdk.Cluster) string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	m, err := kadm.NewClient(client).BrokerMetadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m.Cluster
}
