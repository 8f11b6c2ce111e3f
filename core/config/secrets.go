// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/klamm-io/klamm/core/plugin"
	"github.com/klamm-io/klamm/sdk"
)

// mark is what a sensitive value carries, into everything made from it.
type mark string

const sensitive mark = "sensitive"

// secrets knows what must not be shown: lines of files that hold a secret
// literal (also of files that do not parse, so it goes by the text), and the
// values themselves.
type secrets struct {
	names  []string // of attributes that some schema declares secret
	values []string
}

// minScrubbed is the length from which a secret's value is looked for in
// messages; a shorter one would be found in every word.
const minScrubbed = 4

// add remembers the strings in a sensitive value.
func (s *secrets) add(v cty.Value) {
	v, _ = v.UnmarkDeep()
	_ = cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
			s.addText(v.AsString())
		}
		return true, nil
	})
}

// addText remembers a secret by its lines, since messages quote single lines.
func (s *secrets) addText(text string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); len(line) >= minScrubbed {
			s.values = append(s.values, line)
		}
	}
}

// scrub takes the values that are known to be secret out of a text, longer ones
// first, for one may be part of another.
func (s *secrets) scrub(text string) string {
	slices.SortFunc(s.values, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	s.values = slices.Compact(s.values)
	for _, v := range s.values {
		text = strings.ReplaceAll(text, v, "***")
	}
	return text
}

// secretNames are the names of all attributes that a schema declares secret.
func secretNames(catalog *plugin.Catalog) []string {
	var names []string
	collect := func(config any) { names = appendSecretNames(names, sdk.SchemaOf(config)) }
	collect(&sdk.Cluster{})
	collect(&Server{})
	for _, p := range catalog.All() {
		if p.Source != nil {
			collect(p.Source())
		}
		if p.Transform != nil {
			collect(p.Transform())
		}
		if p.Sink != nil {
			collect(p.Sink())
		}
		if p.Sync != nil {
			collect(p.Sync())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func appendSecretNames(names []string, schema sdk.Schema) []string {
	for _, a := range schema.Attributes {
		if a.Secret {
			names = append(names, a.Name)
		}
	}
	for _, b := range schema.Blocks {
		names = appendSecretNames(names, b.Schema)
	}
	return names
}
