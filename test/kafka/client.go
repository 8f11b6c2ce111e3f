// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Client connects to the PLAINTEXT listener, unless opts say otherwise. It is
// closed when the test ends.
func (c *Cluster) Client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(c.Bootstrap()...),
		// A topic that was just created is looked for again after that time.
		kgo.MetadataMinAge(100 * time.Millisecond),
	}, opts...)...)
	if err != nil {
		t.Fatalf("creating a Kafka client: %v", err)
	}
	t.Cleanup(client.Close)
	return client
}

// Admin is an admin client, closed when the test ends.
func (c *Cluster) Admin(t testing.TB) *kadm.Client {
	t.Helper()
	return kadm.NewClient(c.Client(t))
}

// Tool runs a console tool by its main class, for example
// org.apache.kafka.tools.TopicCommand, and returns its standard output. Tools
// take the cluster as an argument like any other: --bootstrap-server.
func (c *Cluster) Tool(ctx context.Context, mainClass string, args ...string) (string, error) {
	dist, err := obtain(ctx, c.config.Version)
	if err != nil {
		return "", err
	}
	return dist.run(ctx, mainClass, args...)
}
