// SPDX-License-Identifier: Apache-2.0

// Package embedded runs the clusters that a file declares with
// `embedded = true`: Kafka clusters inside this process, in memory, for demos
// and tests.
package embedded

import (
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/klamm-io/klamm/sdk"
)

// Clusters are the embedded clusters of one configuration.
type Clusters struct{ running []*kfake.Cluster }

// Start starts a cluster for each of those that are embedded and enters its
// addresses, so that every stage that names the cluster finds it. Topics are
// made only when asked for, as on a well kept cluster.
func Start(clusters []*sdk.Cluster, log *slog.Logger) (*Clusters, error) {
	started := &Clusters{}
	for _, c := range clusters {
		if !c.Embedded {
			continue
		}
		k, err := kfake.NewCluster(
			kfake.NumBrokers(1),
			kfake.ClusterID("embedded-"+c.Name),
			kfake.DefaultNumPartitions(3),
		)
		if err != nil {
			started.Close()
			return nil, &sdk.EnvironmentError{Cluster: c.Name, Err: fmt.Errorf("starting the embedded cluster: %w", err)}
		}
		started.running = append(started.running, k)
		c.Brokers = k.ListenAddrs()
		log.Info("embedded cluster started", "cluster", c.Name, "brokers", c.Brokers)
	}
	return started, nil
}

// Close ends the clusters; their data is gone.
func (c *Clusters) Close() {
	for _, k := range c.running {
		k.Close()
	}
}
