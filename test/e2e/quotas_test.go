// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/klamm-io/klamm/test/kafka"
	"github.com/klamm-io/klamm/test/link"
)

// quota is what klamm may write to the cluster of the test, and read from it, in
// bytes per second.
const quota = 512 << 10

// TestQuotas mirrors to a cluster, and from one, that lets klamm write and read less
// than there is. It takes as long as the quota says, on the connections that there
// are, and gives no trouble.
func TestQuotas(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	narrow := kafka.Start(t, kafka.Config{
		Link:       &link.Options{},
		Properties: map[string]string{"quota.window.num": "3"}, // so long is what was saved up, in seconds
	})
	limitClient(t, narrow, "klamm")
	address := narrow.Addresses(kafka.Proxied)[0]
	t.Run("producer", func(t *testing.T) {
		throttled(t, narrow.Links()[0], east, narrow, east.Bootstrap()[0], address)
	})
	t.Run("consumer", func(t *testing.T) {
		throttled(t, narrow.Links()[0], narrow, west, address, west.Bootstrap()[0])
	})
}

// throttled mirrors a topic over a link between addresses of two clusters, one of which
// has a quota.
func throttled(t *testing.T, l *link.Link, east, west *kafka.Cluster, from, to string) {
	topic := kafka.UniqueName("quota")
	east.CreateTopic(t, topic, oddPartitions, nil)
	oddBatches(t, east, topic, 200)
	bytes, began := topicSize(t, east, topic), time.Now()
	p := start(t, mirrorOf(t, from, to, topic))
	copies(t, p, 1)
	connections := l.Accepted()
	isWhole(t, p, east, west, topic)
	// What the quota's window holds may pass at once.
	if took, least := time.Since(began), time.Duration(bytes/quota-3)*time.Second; took < least {
		t.Errorf("%d bytes took %s, where the quota allows no less than %s", bytes, took, least)
	}
	if more := l.Accepted() - connections; more > 2 {
		t.Errorf("%d connections were made under way", more)
	}
	if strings.Contains(p.output.String(), "level=WARN") {
		t.Errorf("there was trouble:\n%s", p.output)
	}
}

// limitClient lets a client of a cluster write and read so much.
func limitClient(t testing.TB, c *kafka.Cluster, id string) {
	t.Helper()
	answers, err := c.Admin(t).AlterClientQuotas(t.Context(), []kadm.AlterClientQuotaEntry{{
		Entity: kadm.ClientQuotaEntity{{Type: "client-id", Name: &id}},
		Ops:    []kadm.AlterClientQuotaOp{{Key: "producer_byte_rate", Value: quota}, {Key: "consumer_byte_rate", Value: quota}},
	}})
	if err == nil {
		err = answers[0].Err
	}
	if err != nil {
		t.Fatalf("setting the quotas of client %s: %v", id, err)
	}
}

// topicSize is how many bytes the batches of a topic take.
func topicSize(t testing.TB, c *kafka.Cluster, topic string) (bytes int) {
	t.Helper()
	for partition := range int32(oddPartitions) {
		for _, b := range rawBatches(t, c, topic, partition) {
			bytes += len(b)
		}
	}
	return bytes
}
