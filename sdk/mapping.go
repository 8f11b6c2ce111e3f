// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"fmt"
	"regexp"
	"strings"
)

// TopicMapper is a transform config that renames topics by a static mapping.
// Whatever follows names (data, syncs, collision checks, translation) reads it
// from here, so they cannot disagree.
type TopicMapper interface {
	TopicMapping() TopicMapping
}

// RecordRouter is a transform config that sends records to topics by what is in
// them. Which topics these are is known when records come: what goes by names in
// the file (collisions, loops, topics made before the first record) does not know
// of them, and is checked or done then.
type RecordRouter interface {
	RoutesRecords()
}

// RuleKind says what a TopicRule does.
type RuleKind string

// The kinds of topic rules.
const (
	RuleExact   RuleKind = "exact"   // the name From becomes To, and no later rule of the list applies
	RuleReplace RuleKind = "replace" // every match of the regular expression From (RE2) is expanded to To
	RulePrefix  RuleKind = "prefix"  // To is put before the name
	RuleSuffix  RuleKind = "suffix"  // To is put after the name
)

// TopicRule is one step of a mapping. It is data, not a function, so that it
// can be written down, sent to another process and applied to prefixes.
type TopicRule struct {
	Kind RuleKind `json:"kind"`
	From string   `json:"from,omitempty"`
	To   string   `json:"to"`
}

// TopicMapping is a list of rule lists, one per transform, applied in order.
type TopicMapping [][]TopicRule

// TopicMap is a compiled TopicMapping; it is safe for concurrent use.
type TopicMap struct {
	lists [][]compiledRule
}

type compiledRule struct {
	TopicRule
	re *regexp.Regexp
}

// Compile checks the mapping's regular expressions.
func (m TopicMapping) Compile() (*TopicMap, error) {
	t := &TopicMap{}
	for _, rules := range m {
		var list []compiledRule
		for _, r := range rules {
			c := compiledRule{TopicRule: r}
			if r.Kind == RuleReplace {
				re, err := regexp.Compile(r.From)
				if err != nil {
					return nil, fmt.Errorf("compiling topic rule %q: %w", r.From, err)
				}
				c.re = re
			}
			list = append(list, c)
		}
		t.lists = append(t.lists, list)
	}
	return t, nil
}

// Map returns the name a topic has at the target.
func (t *TopicMap) Map(topic string) string {
	for _, rules := range t.lists {
		topic = mapOnce(rules, topic)
	}
	return topic
}

func mapOnce(rules []compiledRule, topic string) string {
	for _, r := range rules {
		switch r.Kind {
		case RuleExact:
			if topic == r.From {
				return r.To
			}
		case RuleReplace:
			topic = r.re.ReplaceAllString(topic, r.To)
		case RulePrefix:
			topic = r.To + topic
		case RuleSuffix:
			topic += r.To
		}
	}
	return topic
}

// MapPrefix returns the prefix that the targets of all topics beginning with
// prefix have in common and no others need, and false if the mapping has rules
// for which there is no such thing.
func (t *TopicMap) MapPrefix(prefix string) (string, bool) {
	var strays []string // targets of topics that do not begin with prefix
	for _, rules := range t.lists {
		for i, name := range strays {
			strays[i] = mapOnce(rules, name)
		}
		for _, r := range rules {
			switch r.Kind {
			case RuleExact:
				if strings.HasPrefix(r.From, prefix) {
					return "", false
				}
				strays = append(strays, r.To)
			case RulePrefix:
				prefix = r.To + prefix
			case RuleReplace, RuleSuffix:
				return "", false
			}
		}
	}
	for _, name := range strays {
		if strings.HasPrefix(name, prefix) {
			return "", false
		}
	}
	return prefix, true
}
