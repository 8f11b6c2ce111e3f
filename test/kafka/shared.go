// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// SharedEnv is the environment variable that tells tests of shared clusters
// which already run.
const SharedEnv = "KLAMM_TEST_KAFKA"

// Shared are the two clusters that all tests of a run use.
type Shared struct {
	workspace  *workspace
	east, west *Cluster
}

// announcement is one shared cluster in [SharedEnv].
type announcement struct {
	Bootstrap []string  `json:"bootstrap"`
	Log       brokerLog `json:"log"`
}

// StartShared starts the clusters. It is for [Main], the command with-kafka
// and benchmarks; tests call [Clusters].
func StartShared(ctx context.Context, config Config) (*Shared, error) {
	w, err := newWorkspace(ctx)
	if err != nil {
		return nil, err
	}
	s := &Shared{workspace: w}
	var group errgroup.Group
	group.Go(func() (err error) {
		s.east, err = startIn(ctx, filepath.Join(w.dir, "east"), config)
		return err
	})
	group.Go(func() (err error) {
		s.west, err = startIn(ctx, filepath.Join(w.dir, "west"), config)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the shared clusters: %w", err), s.Stop())
	}
	return s, nil
}

// Env is the value of [SharedEnv] that leads tests to these clusters.
func (s *Shared) Env() string {
	clusters := map[string]announcement{}
	for name, c := range map[string]*Cluster{"east": s.east, "west": s.west} {
		clusters[name] = announcement{Bootstrap: c.Bootstrap(), Log: c.brokers[0].log()}
	}
	text, err := json.Marshal(clusters)
	if err != nil {
		panic(err) // strings and nothing else
	}
	return string(text)
}

// Stop ends the clusters and removes their data.
func (s *Shared) Stop() error {
	for _, c := range []*Cluster{s.east, s.west} {
		if c != nil {
			c.killAll()
		}
	}
	return s.workspace.remove()
}

// East is one of the two.
func (s *Shared) East() *Cluster { return s.east }

// West is the other.
func (s *Shared) West() *Cluster { return s.west }
