// SPDX-License-Identifier: Apache-2.0

package sdk_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/klamm-io/klamm/sdk"
)

func compile(t rapid.TB, m sdk.TopicMapping) *sdk.TopicMap {
	t.Helper()
	c, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTopicMap(t *testing.T) {
	exact := func(from, to string) sdk.TopicRule { return sdk.TopicRule{Kind: sdk.RuleExact, From: from, To: to} }
	replace := func(from, to string) sdk.TopicRule {
		return sdk.TopicRule{Kind: sdk.RuleReplace, From: from, To: to}
	}
	prefix := sdk.TopicRule{Kind: sdk.RulePrefix, To: "east."}
	suffix := sdk.TopicRule{Kind: sdk.RuleSuffix, To: ".v2"}
	tests := []struct {
		name    string
		mapping sdk.TopicMapping
		topic   string
		want    string
	}{
		{"no rules", nil, "a", "a"},
		{"prefix", sdk.TopicMapping{{prefix}}, "a", "east.a"},
		{"suffix", sdk.TopicMapping{{suffix}}, "a", "a.v2"},
		{"in the order written", sdk.TopicMapping{{prefix, suffix, replace("t[.]a", "X")}}, "a", "easX.v2"},
		{"every match, with groups", sdk.TopicMapping{{replace("([a-z])([0-9])", "$2$1")}}, "a1-b2", "1a-2b"},
		{"exact ends its list", sdk.TopicMapping{{exact("a", "b"), prefix}}, "a", "b"},
		{"exact does not end the next list", sdk.TopicMapping{{exact("a", "b"), suffix}, {prefix}}, "a", "east.b"},
		{"exact is the whole name", sdk.TopicMapping{{exact("a", "b")}}, "aa", "aa"},
		{"exact sees the rules before it", sdk.TopicMapping{{prefix, exact("east.a", "b")}}, "a", "b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := compile(t, tt.mapping).Map(tt.topic); got != tt.want {
				t.Errorf("Map(%q) = %q, want %q", tt.topic, got, tt.want)
			}
		})
	}
}

func TestCompileNamesTheExpression(t *testing.T) {
	_, err := sdk.TopicMapping{{{Kind: sdk.RuleReplace, From: "a("}}}.Compile()
	if err == nil || !strings.Contains(err.Error(), `"a("`) {
		t.Errorf("got %v", err)
	}
}

func TestMapPrefix(t *testing.T) {
	east := sdk.TopicRule{Kind: sdk.RulePrefix, To: "east."}
	tests := []struct {
		name    string
		mapping sdk.TopicMapping
		prefix  string
		want    string // "-": none
	}{
		{"no rules", nil, "a", "a"},
		{"prefix", sdk.TopicMapping{{east}, {{Kind: sdk.RulePrefix, To: "x."}}}, "a", "x.east.a"},
		{"empty prefix", sdk.TopicMapping{{east}}, "", "east."},
		{"suffix", sdk.TopicMapping{{{Kind: sdk.RuleSuffix, To: "x"}}}, "a", "-"},
		{"replace", sdk.TopicMapping{{{Kind: sdk.RuleReplace, From: "x"}}}, "a", "-"},
		{"exact out of it", sdk.TopicMapping{{{Kind: sdk.RuleExact, From: "ab", To: "c"}, east}}, "a", "-"},
		{"exact elsewhere", sdk.TopicMapping{{{Kind: sdk.RuleExact, From: "b", To: "c"}, east}}, "a", "east.a"},
		{"exact into it", sdk.TopicMapping{{{Kind: sdk.RuleExact, From: "b", To: "east.ab"}, east}}, "a", "-"},
		{"exact into it by the next list", sdk.TopicMapping{{{Kind: sdk.RuleExact, From: "b", To: "ab"}}, {east}}, "a", "-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := compile(t, tt.mapping).MapPrefix(tt.prefix)
			if !ok {
				got = "-"
			}
			if got != tt.want {
				t.Errorf("MapPrefix(%q) = %q, want %q", tt.prefix, got, tt.want)
			}
		})
	}
}

// shortNames are all names of up to n letters of a small alphabet.
func shortNames(n int) []string {
	names := []string{""}
	for from := 0; n > 0; n-- {
		to := len(names)
		for _, name := range names[from:to] {
			names = append(names, name+"a", name+"b")
		}
		from = to
	}
	return names
}

// Whatever the mapping: the topics with the prefix, and no others, have targets
// with the mapped prefix.
func TestMapPrefixSelectsTheSameTopics(t *testing.T) {
	names := shortNames(5)
	word := rapid.StringMatching(`[ab]{0,3}`)
	rule := rapid.Custom(func(t *rapid.T) sdk.TopicRule {
		kinds := []sdk.RuleKind{sdk.RuleExact, sdk.RuleExact, sdk.RulePrefix, sdk.RulePrefix, sdk.RuleSuffix, sdk.RuleReplace}
		return sdk.TopicRule{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), From: word.Draw(t, "from"), To: word.Draw(t, "to")}
	})
	rapid.Check(t, func(t *rapid.T) {
		rules := rapid.SliceOfN(rule, 0, 3)
		mapping := sdk.TopicMapping(rapid.SliceOfN(rules, 0, 3).Draw(t, "mapping"))
		m, prefix := compile(t, mapping), word.Draw(t, "prefix")
		mapped, ok := m.MapPrefix(prefix)
		if !ok {
			return
		}
		for _, name := range names {
			target := m.Map(name)
			if strings.HasPrefix(name, prefix) != strings.HasPrefix(target, mapped) {
				t.Fatalf("prefix %q becomes %q, but topic %q becomes %q", prefix, mapped, name, target)
			}
		}
	})
}
