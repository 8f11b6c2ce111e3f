// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/klamm-io/klamm/sdk"
)

// selected is which topics a source reads.
type selected struct {
	*sdk.Selection
	patterns []string
	named    []string    // topics that were not named before
	warned   atomic.Bool // of those of them that do not exist
}

func newSelected(patterns []string, before ...string) (*selected, error) {
	selection, err := sdk.NewSelection(patterns)
	if err != nil {
		return nil, err
	}
	named := slices.DeleteFunc(selection.Literals(), func(name string) bool { return slices.Contains(before, name) })
	return &selected{Selection: selection, patterns: patterns, named: named}, nil
}

// choose makes it what the source selects from now on. Topics that were selected
// until now stay part of the metadata: they are read until somebody removes them.
func (s *source) choose(now *selected) {
	literals := now.Literals()
	s.metadata.add(literals...)
	if len(literals) != len(now.patterns) {
		s.metadata.addAll()
	}
	s.selected.Store(now)
}

// Adjust implements [sdk.Adjuster]: other topics are all that can be taken over,
// and not by a source whose ends are resolved.
func (s *source) Adjust(config sdk.SourceConfig) bool {
	now, ok := config.(*SourceConfig)
	if !ok || s.Bounded() {
		return false
	}
	before := s.selected.Load()
	same := *s.config
	same.Topics = now.Topics
	if !reflect.DeepEqual(&same, now) {
		return false
	}
	next, err := newSelected(now.Topics, before.Literals()...)
	if err != nil {
		return false
	}
	s.choose(next)
	return true
}

// warnOfMissing says once what of a selection there is nothing of: it may be
// meant to come into being later, or be misspelt.
func (s *source) warnOfMissing(of *selected, found int) {
	if !of.warned.CompareAndSwap(false, true) {
		return
	}
	for _, name := range of.named {
		if _, ok := s.metadata.topic(name); !ok {
			s.env.Log.Warn("a topic that the file names does not exist", "topic", name, "cluster", s.client.name)
		}
	}
	if found == 0 {
		s.env.Log.Warn("no topic is selected", "topics", of.patterns, "cluster", s.client.name)
	}
}
