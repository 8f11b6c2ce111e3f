// SPDX-License-Identifier: Apache-2.0

package kafka_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/test/kafka"
	"github.com/klamm-io/klamm/test/link"
)

// A client that starts at a link is told of links only, and goes on when they
// are cut.
func TestProxied(t *testing.T) {
	t.Parallel()
	for _, brokers := range []int{1, 3} {
		t.Run(strconv.Itoa(brokers), func(t *testing.T) {
			t.Parallel()
			c := kafka.Start(t, kafka.Config{Brokers: brokers, Link: &link.Options{Delay: time.Millisecond}})
			topics := map[string]*link.Link{}
			for i, l := range c.Links() {
				topic := kafka.UniqueName("proxied")
				c.CreateTopicOn(t, topic, []int32{int32(i + 1)}, nil)
				topics[topic] = l
			}
			client := c.Client(t, kgo.SeedBrokers(c.Addresses(kafka.Proxied)[0]))
			if got, want := told(t, client), slices.Sorted(slices.Values(c.Addresses(kafka.Proxied))); !slices.Equal(got, want) {
				t.Errorf("the client is told %q, want %q", got, want)
			}
			for topic, l := range topics {
				through := l.ToBroker()
				produce(t, client, topic, "before")
				if l.ToBroker() == through {
					t.Error("the records took another way")
				}
				l.Cut()
				produce(t, client, topic, "after")
				expect(t, c, topic, "before", "after")
			}
		})
	}
}

// told are the brokers' addresses as a client sees them.
func told(t *testing.T, client *kgo.Client) []string {
	t.Helper()
	metadata, err := kadm.NewClient(client).BrokerMetadata(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for _, b := range metadata.Brokers {
		addresses = append(addresses, fmt.Sprintf("%s:%d", b.Host, b.Port))
	}
	slices.Sort(addresses)
	return addresses
}
