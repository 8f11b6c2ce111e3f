// SPDX-License-Identifier: Apache-2.0

// Package rename renames topics by a static mapping. It sets a batch's topic,
// and that of records which a transform before it has sent elsewhere; of the others
// it looks at nothing, so what passes stays as it was read.
package rename

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/klamm-io/klamm/sdk"
)

// Config is the block `transform "rename"`.
type Config struct {
	Map     map[string]string `hcl:"map,optional" doc:"Exact names: a topic in this map gets the name it maps to, and nothing else of the block applies to it."`
	Replace []Replace         `hcl:"replace,block" doc:"Replaces every match of a regular expression; several apply in order."`
	Prefix  string            `hcl:"prefix,optional" doc:"Put before every name."`
	Suffix  string            `hcl:"suffix,optional" doc:"Put after every name."`
}

// Replace is the block `replace`.
type Replace struct {
	Pattern string `hcl:"pattern" doc:"A regular expression (RE2) to look for in the name."`
	With    string `hcl:"with" doc:"What to put in its place; $${1} or $${name} stand for groups of the pattern (in a file a dollar before a brace is written twice)."`
}

// Plugin is the plugin "rename".
func Plugin() sdk.Plugin {
	return sdk.Plugin{
		Name:      "rename",
		Summary:   "Renames topics by a static mapping.",
		Transform: func() sdk.TransformConfig { return &Config{} },
	}
}

var legal = regexp.MustCompile(`^[a-zA-Z0-9._-]*$`)

// Validate implements [sdk.Validator].
func (c *Config) Validate() []sdk.Invalid {
	var bad []sdk.Invalid
	add := func(path, summary, detail string) {
		bad = append(bad, sdk.Invalid{Path: path, Summary: summary, Detail: detail})
	}
	if len(c.Map) == 0 && len(c.Replace) == 0 && c.Prefix == "" && c.Suffix == "" {
		add("", "Nothing to rename", "Give a prefix, a suffix, a map or a replace block.")
	}
	const chars = "Topic names are made of letters, digits, dots, underscores and hyphens."
	if !legal.MatchString(c.Prefix) {
		add("prefix", "Invalid prefix", chars)
	}
	if !legal.MatchString(c.Suffix) {
		add("suffix", "Invalid suffix", chars)
	}
	taken := map[string]string{}
	for _, from := range slices.Sorted(maps.Keys(c.Map)) {
		to := c.Map[from]
		path := fmt.Sprintf("map[%q]", from)
		if to == "" || to == "." || to == ".." || len(to) > 249 || !legal.MatchString(to) {
			add(path, "Invalid topic name", fmt.Sprintf("%q cannot be the name of a topic. %s", to, chars))
		}
		if other, ok := taken[to]; ok {
			add(path, "Two topics, one name", fmt.Sprintf("%q and %q would both become %q; their records would be mixed.", other, from, to))
		}
		taken[to] = from
	}
	for i, r := range c.Replace {
		if _, err := regexp.Compile(r.Pattern); err != nil {
			add(fmt.Sprintf("replace[%d].pattern", i), "Invalid regular expression", err.Error()+".")
		}
	}
	return bad
}

// TopicMapping implements [sdk.TopicMapper].
func (c *Config) TopicMapping() sdk.TopicMapping {
	var rules []sdk.TopicRule
	for _, from := range slices.Sorted(maps.Keys(c.Map)) {
		rules = append(rules, sdk.TopicRule{Kind: sdk.RuleExact, From: from, To: c.Map[from]})
	}
	for _, r := range c.Replace {
		rules = append(rules, sdk.TopicRule{Kind: sdk.RuleReplace, From: r.Pattern, To: r.With})
	}
	if c.Prefix != "" {
		rules = append(rules, sdk.TopicRule{Kind: sdk.RulePrefix, To: c.Prefix})
	}
	if c.Suffix != "" {
		rules = append(rules, sdk.TopicRule{Kind: sdk.RuleSuffix, To: c.Suffix})
	}
	return sdk.TopicMapping{rules}
}

// NewTransform implements [sdk.TransformConfig].
func (c *Config) NewTransform(context.Context, sdk.Env) (sdk.Transform, error) {
	m, err := c.TopicMapping().Compile()
	if err != nil {
		return nil, err
	}
	return renamer{m}, nil
}

type renamer struct{ topics *sdk.TopicMap }

// Apply implements [sdk.Transform].
func (r renamer) Apply(_ context.Context, b *sdk.Batch) error {
	b.Topic = r.topics.Map(b.Topic)
	if _, asRead := b.Encoded(); asRead {
		return nil // none of its records goes anywhere else
	}
	records, err := b.Records()
	if err != nil || !slices.ContainsFunc(records, routed) {
		return err
	}
	records = slices.Clone(records)
	for i := range records {
		if routed(records[i]) {
			records[i].Topic = r.topics.Map(records[i].Topic)
		}
	}
	b.SetRecords(records)
	return nil
}

// routed reports whether a record goes elsewhere than its batch.
func routed(r sdk.Record) bool { return r.Topic != "" }
