// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klamm-io/klamm/sdk"
)

func adjusted(k *sdk.Cluster, set func(*SourceConfig)) *SourceConfig {
	c := newSourceConfig().(*SourceConfig)
	c.Cluster, c.Topics = &sdk.Cluster{Name: k.Name, Brokers: slices.Clone(k.Brokers)}, []string{"t"}
	if set != nil {
		set(c)
	}
	return c
}

func topicsOf(t testing.TB, s *source) []string {
	t.Helper()
	streams, err := s.Partitions(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, stream := range streams {
		names = append(names, stream.Topic)
	}
	return names
}

func TestAdjustTakesOverOtherTopics(t *testing.T) {
	k := newCluster(t)
	for _, topic := range []string{"t", "a.1", "a.2", "b"} {
		createTopic(t, k, topic, 1)
	}
	s := newTestSource(t, k, nil)
	r := openReader(t, s)
	for _, test := range []struct{ patterns, want []string }{
		{[]string{"t", "b"}, []string{"b", "t"}},
		{[]string{"a.*"}, []string{"a.1", "a.2"}},
		{[]string{"*", "!a.1", "!t"}, []string{"a.2", "b"}},
		{[]string{"b"}, []string{"b"}},
	} {
		if !s.Adjust(adjusted(s.config.Cluster, func(c *SourceConfig) { c.Topics = test.patterns })) {
			t.Fatalf("%q: not taken over", test.patterns)
		}
		if got := topicsOf(t, s); !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, want %q", test.patterns, got, test.want)
		}
	}
	// What is read already is read until it is removed.
	fill(t, k, 1)
	if g := readOne(t, r, func(g *got) bool { return g.next == 10 || g.stopped != nil }); g.stopped != nil {
		t.Errorf("%v", g.stopped)
	}
}

func TestAdjustRefuses(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	createTopic(t, k, "u", 1)
	tests := []struct {
		name   string
		until  string
		change func(*SourceConfig)
	}{
		{"another since", "", func(c *SourceConfig) { c.Since = latest }},
		{"an end", "", func(c *SourceConfig) { c.Until = latest }},
		{"another isolation", "", func(c *SourceConfig) { c.Isolation = "read_uncommitted" }},
		{"another cluster", "", func(c *SourceConfig) { c.Cluster.Brokers = append(c.Cluster.Brokers, "other:9092") }},
		{"other credentials", "", func(c *SourceConfig) { c.Cluster.SASL = &sdk.SASL{Mechanism: "plain", Username: "u"} }},
		{"topics of a bounded source", latest, func(c *SourceConfig) { c.Until = latest }},
		{"a pattern that is none", "", func(c *SourceConfig) { c.Topics = []string{"/(/"} }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newTestSource(t, k, func(c *SourceConfig) { c.Until = test.until })
			if s.Adjust(adjusted(s.config.Cluster, func(c *SourceConfig) { c.Topics = []string{"u"}; test.change(c) })) {
				t.Error("taken over")
			}
			if got := topicsOf(t, s); !slices.Equal(got, []string{"t"}) {
				t.Errorf("%q are selected", got)
			}
		})
	}
}

func TestAdjustWarnsOfWhatIsNamedAnew(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	env, _ := newEnv(64 << 20)
	var log bytes.Buffer
	env.Log = slog.New(slog.NewTextHandler(&log, nil))
	config := newSourceConfig().(*SourceConfig)
	config.Cluster, config.Topics = declared(k), []string{"t", "missing"}
	s := startSource(t, config, env)
	if !s.Adjust(adjusted(config.Cluster, func(c *SourceConfig) { c.Topics = []string{"t", "missing", "misspelt"} })) {
		t.Fatal("not taken over")
	}
	for range 3 {
		topicsOf(t, s)
	}
	for _, topic := range []string{"missing", "misspelt"} {
		if n := strings.Count(log.String(), "topic="+topic+" "); n != 1 {
			t.Errorf("%d warnings of %s:\n%s", n, topic, log.String())
		}
	}
}

// For the race detector: what is selected changes while everything runs.
func TestAdjustWhileRunning(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	createTopic(t, k, "u", 1)
	s := newTestSource(t, k, nil)
	r := openReader(t, s)
	var others sync.WaitGroup
	for range 2 {
		others.Go(func() {
			for i := range 40 {
				s.Adjust(adjusted(s.config.Cluster, func(c *SourceConfig) { c.Topics = [][]string{{"t"}, {"u"}, {"*"}}[i%3] }))
				streams, err := s.Partitions(testContext(t))
				if err != nil {
					t.Error(err)
				}
				if _, err := s.Start(testContext(t), streams, true); err != nil {
					t.Error(err)
				}
			}
		})
	}
	fill(t, k, 5)
	if g := readOne(t, r, func(g *got) bool { return g.next == 50 || g.stopped != nil }); g.stopped != nil {
		t.Error(g.stopped)
	}
	others.Wait()
}
