// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"

	"github.com/klamm-io/klamm/sdk"
)

// Flow is what a pipeline does to topic names: which it reads, from where, and
// what they are called where. From and To identify clusters: what stands there
// matters only in being equal or not.
type Flow struct {
	Pipeline, From, To string
	Selects            func(topic string) bool
	Map                *sdk.TopicMap
}

// maxSteps bounds the search for a loop; what is not found within it would
// take a configuration of thousands of pipelines that feed each other.
const maxSteps = 10_000

// FindLoop follows a topic of start's source through the flows. If it comes
// back to a pipeline that has copied it already, its records would go round
// for ever: the names of the pipelines on the way are returned, the last one
// being the one it comes back to. Otherwise the result is nil.
func FindLoop(flows []Flow, start Flow, topic string) []string {
	return findLoop(bySource(flows), start, topic)
}

func findLoop(bySource map[string][]Flow, start Flow, topic string) []string {
	w := walk{bySource: bySource, seen: map[visit]bool{}}
	return w.follow(start, topic)
}

// bySource are flows by the cluster they read from.
func bySource(flows []Flow) map[string][]Flow {
	m := map[string][]Flow{}
	for _, f := range flows {
		m[f.From] = append(m[f.From], f)
	}
	return m
}

type walk struct {
	bySource map[string][]Flow
	path     []string
	seen     map[visit]bool
}

type visit struct{ pipeline, topic string }

func (w *walk) follow(f Flow, topic string) []string {
	if slices.Contains(w.path, f.Pipeline) {
		return append(slices.Clone(w.path), f.Pipeline)
	}
	v := visit{f.Pipeline, topic}
	if w.seen[v] || len(w.seen) >= maxSteps {
		return nil
	}
	w.seen[v] = true
	w.path = append(w.path, f.Pipeline)
	defer func() { w.path = w.path[:len(w.path)-1] }()

	topic = f.Map.Map(topic)
	for _, next := range w.bySource[f.To] {
		if next.Selects(topic) {
			if loop := w.follow(next, topic); loop != nil {
				return loop
			}
		}
	}
	return nil
}

// Collision is two topics that would become one, their records mixed.
type Collision struct{ First, Second, Target string }

// FindCollision returns the first two topics, in the order of their names,
// that a mapping gives the same name; nil if there are none.
func FindCollision(topics []string, m *sdk.TopicMap) *Collision {
	taken := map[string]string{}
	for _, topic := range slices.Compact(slices.Sorted(slices.Values(topics))) {
		target := m.Map(topic)
		if first, ok := taken[target]; ok {
			return &Collision{first, topic, target}
		}
		taken[target] = topic
	}
	return nil
}

// FlowOf returns what a pipeline does to topic names; false if its stages do
// not work on clusters, its mapping does not compile, or a transform routes
// records by what is in them: what these topics are, no file says. The function
// identify says which cluster is which. A flow belongs to one goroutine.
func FlowOf(p *Pipeline, identify func(*sdk.Cluster) string) (Flow, bool) {
	f, ok := flowOf(p, identify)
	return f, ok && !p.RoutesRecords()
}

func flowOf(p *Pipeline, identify func(*sdk.Cluster) string) (Flow, bool) {
	selecting, ok := p.Source.Config.(sdk.Selecting)
	from, ok2 := p.Source.Config.(sdk.Clustered)
	to, ok3 := p.Sink.Config.(sdk.Clustered)
	if !ok || !ok2 || !ok3 || from.UsesCluster() == nil || to.UsesCluster() == nil {
		return Flow{}, false
	}
	m, err := p.TopicMapping().Compile()
	if err != nil {
		return Flow{}, false
	}
	return Flow{
		Pipeline: p.Name,
		From:     identify(from.UsesCluster()),
		To:       identify(to.UsesCluster()),
		Selects:  remembered(selecting.SelectsTopic),
		Map:      m,
	}, true
}

// remembered asks for each topic once.
func remembered(selects func(string) bool) func(string) bool {
	answers := map[string]bool{}
	return func(topic string) bool {
		answer, ok := answers[topic]
		if !ok {
			answer = selects(topic)
			answers[topic] = answer
		}
		return answer
	}
}

// checkTopology looks for what is wrong between pipelines, going by the names
// in the file: with the names that really exist, the runner asks again.
func (l *loader) checkTopology(c *Config) {
	identify := identities(c.Clusters)
	var flows []Flow
	byName := map[string]*Pipeline{}
	for _, p := range c.Pipelines {
		byName[p.Name] = p
		if f, ok := FlowOf(p, identify); ok {
			flows = append(flows, f)
			l.checkCollision(p, f)
		}
		l.checkDeadLetter(p, identify)
	}
	l.checkTargets(flows, byName)
	next, reported := bySource(flows), map[string]bool{}
	for _, f := range flows {
		for _, topic := range samplesOf(byName[f.Pipeline]) {
			if !f.Selects(topic) {
				continue
			}
			loop := findLoop(next, f, topic)
			if loop == nil {
				continue
			}
			l.reportLoop(loop, topic, byName, reported)
			break
		}
	}
}

// checkDeadLetter refuses dead letters that the pipeline would read again, or mix
// with what it copies.
func (l *loader) checkDeadLetter(p *Pipeline, identify func(*sdk.Cluster) string) {
	f, ok := flowOf(p, identify)
	if p.Settings.DeadLetter == nil || !ok {
		return
	}
	topic := p.Settings.DeadLetter.Topic
	if f.From == f.To && f.Selects(topic) {
		l.errorf(&p.Range, "Dead letters would be read again", "%q writes its dead letters to topic %q, which it reads. Exclude it: \"!%s\" in topics.", p.Name, topic, topic)
		return
	}
	for _, pattern := range p.Source.Config.(sdk.Selecting).TopicPatterns() {
		if isLiteral(pattern) && f.Selects(pattern) && f.Map.Map(pattern) == topic {
			l.errorf(&p.Range, "Two topics, one name", "The dead letters of %q and topic %q would both be written to %q, and mixed. Name another topic for the dead letters.", p.Name, pattern, topic)
			return
		}
	}
}

// checkTargets refuses two pipelines that write to one topic, as far as the
// samples of each, tried on all, show it.
func (l *loader) checkTargets(flows []Flow, byName map[string]*Pipeline) {
	samples := map[string]map[string]bool{} // by the cluster written to
	for _, f := range flows {
		if samples[f.To] == nil {
			samples[f.To] = map[string]bool{}
		}
		for _, topic := range samplesOf(byName[f.Pipeline]) {
			samples[f.To][topic] = true
		}
	}
	writers := map[visit]string{} // pipeline by cluster and topic written to
	for _, f := range flows {
		for _, topic := range keysOf(samples[f.To]) {
			if !f.Selects(topic) {
				continue
			}
			target := visit{f.To, f.Map.Map(topic)}
			first, taken := writers[target]
			if !taken {
				writers[target] = f.Pipeline
			} else if first != f.Pipeline {
				l.errorf(&byName[f.Pipeline].Range, "Two pipelines, one topic", "%q and %q both write to topic %q of the same cluster, and their records would be mixed. Rename the topics of one of them, such as with a prefix.", first, f.Pipeline, target.topic)
				return
			}
		}
	}
}

// reportLoop reports a loop once, at the pipeline that closes it: the one that
// is declared last.
func (l *loader) reportLoop(loop []string, topic string, byName map[string]*Pipeline, reported map[string]bool) {
	last := loop[len(loop)-1]
	circle := loop[slices.Index(loop, last):]
	members := slices.Compact(slices.Sorted(slices.Values(circle)))
	closing := byName[members[0]]
	for _, name := range members[1:] {
		if p := byName[name]; compareRanges(p.Range, closing.Range) > 0 {
			closing = p
		}
	}
	if reported[closing.Name] {
		return
	}
	reported[closing.Name] = true
	if len(members) == 1 {
		l.errorf(&closing.Range, "Pipeline feeds itself", "%q writes to topics that it reads: a record of topic %q would be copied for ever. Rename the topics it writes, and exclude those names from its topics (such as \"!copy.*\").", closing.Name, topic)
		return
	}
	l.errorf(&closing.Range, "Pipelines form a loop", "A record of topic %q would go round for ever: %s. Exclude in each what the other writes (such as \"!west.*\"), giving those topics a prefix with rename.", topic, route(circle))
}

func route(pipelines []string) string {
	text := ""
	for i, p := range pipelines {
		if i > 0 {
			text += " → "
		}
		text += p
	}
	return text
}

func (l *loader) checkCollision(p *Pipeline, f Flow) {
	var names []string
	for _, pattern := range p.Source.Config.(sdk.Selecting).TopicPatterns() {
		if isLiteral(pattern) && f.Selects(pattern) {
			names = append(names, pattern)
		}
	}
	for _, rules := range p.TopicMapping() {
		for _, r := range rules {
			if r.Kind == sdk.RuleExact && f.Selects(r.From) {
				names = append(names, r.From)
			}
		}
	}
	if c := FindCollision(names, f.Map); c != nil {
		at := p.Range
		if len(p.Transforms) > 0 {
			at = p.Transforms[0].Range
		}
		l.errorf(&at, "Two topics, one name", "%q and %q would both become %q, and their records would be mixed. Rename one of them differently.", c.First, c.Second, c.Target)
	}
}

// identities tells clusters apart as far as a file can: two that share an
// address are one.
func identities(clusters []*sdk.Cluster) func(*sdk.Cluster) string {
	owner := map[string]string{} // by address
	identity := map[*sdk.Cluster]string{}
	for _, c := range clusters {
		id := c.Name
		for _, address := range c.Brokers {
			if other, ok := owner[address]; ok {
				id = other
				break
			}
		}
		for _, address := range c.Brokers {
			owner[address] = id
		}
		identity[c] = id
	}
	return func(c *sdk.Cluster) string { return identity[c] }
}

// samplesOf are names that the patterns of a pipeline could select.
func samplesOf(p *Pipeline) []string {
	var samples []string
	for _, filler := range []string{"x", "sample"} {
		for _, pattern := range p.Source.Config.(sdk.Selecting).TopicPatterns() {
			if s, ok := sample(pattern, filler); ok && !slices.Contains(samples, s) {
				samples = append(samples, s)
			}
		}
	}
	return samples
}
