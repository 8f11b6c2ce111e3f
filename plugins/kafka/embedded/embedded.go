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

// Clusters are the embedded clusters of a process, by name.
type Clusters struct{ running map[string]*kfake.Cluster }

// Start starts a cluster for each of those that are embedded and enters its
// addresses, so that every stage that names the cluster finds it. Topics are
// made only when asked for, as on a well kept cluster.
func Start(clusters []*sdk.Cluster, log *slog.Logger) (*Clusters, error) {
	started := &Clusters{running: map[string]*kfake.Cluster{}}
	if err := started.Extend(clusters, log); err != nil {
		started.Close()
		return nil, err
	}
	return started, nil
}

// Extend does the same for the clusters of a configuration that is read later:
// those that run go on, also if it does not name them any more.
func (c *Clusters) Extend(clusters []*sdk.Cluster, log *slog.Logger) error {
	for _, cluster := range clusters {
		if !cluster.Embedded {
			continue
		}
		k, runs := c.running[cluster.Name]
		if !runs {
			var err error
			k, err = kfake.NewCluster(
				kfake.NumBrokers(1),
				kfake.ClusterID("embedded-"+cluster.Name),
				kfake.DefaultNumPartitions(3),
			)
			if err != nil {
				return &sdk.EnvironmentError{Cluster: cluster.Name, Err: fmt.Errorf("starting the embedded cluster: %w", err)}
			}
			c.running[cluster.Name] = k
			log.Info("embedded cluster started", "cluster", cluster.Name, "brokers", k.ListenAddrs())
		}
		cluster.Brokers = k.ListenAddrs()
	}
	return nil
}

// Close ends the clusters; their data is gone.
func (c *Clusters) Close() {
	for _, k := range c.running {
		k.Close()
	}
}
