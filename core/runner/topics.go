// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"sync"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/sdk"
)

// topics makes sure that what is read has a topic to go to, and only one topic
// goes to each.
type topics struct {
	mapping   *sdk.TopicMap
	describer sdk.TopicDescriber // nil if the source has none
	ensurer   sdk.TopicEnsurer   // nil if the sink has none
	identify  func(*sdk.Cluster) string

	ensuring sync.Mutex // lanes take turns, or several would make one topic

	mu      sync.Mutex
	flow    *config.Flow      // nil if the ends are no clusters
	sources map[string]string // source topic by target topic
	ensured map[string]int32  // partitions by source topic

	readsOwn bool             // both ends are one cluster
	routed   bool             // records say where they go: no target is made before one comes
	selects  sdk.Selecting    // nil if the source does not say
	letters  string           // topic of dead letters; empty if there is none
	reached  map[string]int32 // partitions by target topic, of those that records name
}

func newTopics(p *config.Pipeline, source sdk.Source, sink sdk.Sink) (*topics, error) {
	mapping, err := p.TopicMapping().Compile()
	if err != nil {
		return nil, err
	}
	t := &topics{mapping: mapping, sources: map[string]string{}, ensured: map[string]int32{}, reached: map[string]int32{}}
	t.readsOwn, t.routed = source.ID() == sink.ID(), p.RoutesRecords()
	t.follow(p)
	from, _ := p.Source.Config.(sdk.Clustered)
	t.identify = func(c *sdk.Cluster) string {
		if reflect.DeepEqual(c, from.UsesCluster()) {
			return source.ID()
		}
		return sink.ID()
	}
	if flow, ok := config.FlowOf(p, t.identify); ok {
		t.flow = &flow
	}
	t.describer, _ = source.(sdk.TopicDescriber)
	t.ensurer, _ = sink.(sdk.TopicEnsurer)
	return t, nil
}

// check refuses a start on which records of two topics would be mixed, or come
// back to where they were read.
func (t *topics) check(streams []sdk.Stream) error {
	for _, s := range streams {
		if err := t.claim(s.Topic); err != nil {
			return &sdk.EnvironmentError{Err: err, Fix: "rename or exclude one of them"}
		}
	}
	return nil
}

var legalTopic = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// claim reserves the target of a topic.
func (t *topics) claim(topic string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	target := t.mapping.Map(topic)
	if target == t.letters {
		return fmt.Errorf("topic %q and the dead letters would both be written to %q, and mixed", topic, target)
	}
	if other, ok := t.sources[target]; ok && other != topic {
		return fmt.Errorf("topics %q and %q would both be written to %q; their records would be mixed", other, topic, target)
	}
	if t.flow != nil && config.FindLoop([]config.Flow{*t.flow}, *t.flow, topic) != nil {
		return fmt.Errorf("topic %q would be copied round for ever: it is written to %q, which this pipeline reads, as source and sink are the same cluster (id %s)", topic, target, t.flow.From)
	}
	t.sources[target] = topic
	return nil
}

// keep gives up the targets of topics that are not selected any more, and asks
// about those selected with the new selection.
func (t *topics) keep(p *config.Pipeline) {
	selecting, ok := p.Source.Config.(sdk.Selecting)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.follow(p)
	for target, topic := range t.sources {
		if !selecting.SelectsTopic(topic) {
			delete(t.sources, target)
			delete(t.ensured, topic)
		}
	}
	if flow, ok := config.FlowOf(p, t.identify); ok {
		t.flow = &flow
	}
}

// target is the name of a topic at the sink.
func (t *topics) target(topic string) string { return t.mapping.Map(topic) }

// ensure makes the targets of the partitions fit for them. The result has an
// error for each source topic whose target is not.
func (t *topics) ensure(ctx context.Context, streams []sdk.Stream) (map[string]error, error) {
	t.ensuring.Lock()
	defer t.ensuring.Unlock()
	failed := map[string]error{}
	var names []string
	t.mu.Lock()
	for _, s := range streams {
		if s.Partition >= t.ensured[s.Topic] && !slices.Contains(names, s.Topic) {
			names = append(names, s.Topic)
		}
	}
	t.mu.Unlock()
	names = slices.DeleteFunc(names, func(name string) bool {
		err := t.claim(name)
		if target := t.target(name); err == nil && t.ensurer != nil && !legalTopic.MatchString(target) {
			err = fmt.Errorf("topic %q would be written to %q, which cannot be the name of a topic", name, target)
		}
		if err != nil {
			failed[name] = err
		}
		return err != nil
	})
	if len(names) == 0 || t.routed || t.describer == nil || t.ensurer == nil {
		return failed, nil
	}
	described, err := t.describer.DescribeTopics(ctx, names)
	if err != nil {
		return nil, err
	}
	bySource := make(map[string]string, len(described))
	wanted := slices.Clone(described)
	for i, d := range described {
		wanted[i].Name = t.target(d.Name)
		bySource[d.Name] = wanted[i].Name
	}
	refused, err := t.ensurer.EnsureTopics(ctx, wanted)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range described {
		if err := refused[bySource[d.Name]]; err != nil {
			failed[d.Name] = fmt.Errorf("target topic %s: %w", bySource[d.Name], err)
			continue
		}
		t.ensured[d.Name] = d.Partitions
	}
	return failed, nil
}
