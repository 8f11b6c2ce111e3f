// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/sdk"
)

func flow(t *testing.T, name, from, to string, patterns []string, rules ...sdk.TopicRule) config.Flow {
	t.Helper()
	s, err := sdk.NewSelection(patterns)
	if err != nil {
		t.Fatal(err)
	}
	m, err := sdk.TopicMapping{rules}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return config.Flow{Pipeline: name, From: from, To: to, Selects: s.Match, Map: m}
}

func TestFindLoop(t *testing.T) {
	prefix := func(p string) sdk.TopicRule { return sdk.TopicRule{Kind: sdk.RulePrefix, To: p} }
	all := []string{"*"}
	tests := []struct {
		name  string
		flows []config.Flow
		topic string
		want  []string
	}{
		{"one way", []config.Flow{flow(t, "ab", "a", "b", all)}, "x", nil},
		{"there and back", []config.Flow{flow(t, "ab", "a", "b", all), flow(t, "ba", "b", "a", all)}, "x", []string{"ab", "ba", "ab"}},
		{"back under a longer name", []config.Flow{flow(t, "ab", "a", "b", all, prefix("a.")), flow(t, "ba", "b", "a", all)}, "x", []string{"ab", "ba", "ab"}},
		{"excluded", []config.Flow{flow(t, "ab", "a", "b", []string{"*", "!b.*"}, prefix("a.")), flow(t, "ba", "b", "a", []string{"*", "!a.*"}, prefix("b."))}, "x", nil},
		{"onto itself", []config.Flow{flow(t, "aa", "a", "a", all)}, "x", []string{"aa", "aa"}},
		{"beside itself", []config.Flow{flow(t, "aa", "a", "a", []string{"x"}, prefix("copy."))}, "x", nil},
		{"a loop downstream", []config.Flow{flow(t, "in", "z", "a", all), flow(t, "ab", "a", "b", all), flow(t, "ba", "b", "a", all)}, "x", []string{"in", "ab", "ba", "ab"}},
		{"two ways to one place", []config.Flow{flow(t, "ab", "a", "b", all), flow(t, "ac", "a", "c", all), flow(t, "bd", "b", "d", all), flow(t, "cd", "c", "d", all)}, "x", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, config.FindLoop(tt.flows, tt.flows[0], tt.topic)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFindCollision(t *testing.T) {
	m, err := sdk.TopicMapping{{{Kind: sdk.RuleReplace, From: "-v[0-9]$"}}}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	if c := config.FindCollision([]string{"b", "a-v1", "b"}, m); c != nil {
		t.Errorf("got %v", c)
	}
	want := &config.Collision{First: "a-v1", Second: "a-v2", Target: "a"}
	if diff := cmp.Diff(want, config.FindCollision([]string{"b", "a-v2", "a-v1"}, m)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLoopsInFiles checks which topic a loop is found with.
func TestLoopsInFiles(t *testing.T) {
	tests := []struct{ pattern, topic string }{
		{`orders`, "orders"},
		{`orders.*`, "orders.x"},
		{`a?c`, "axc"},
		{`v[0-9]`, "v0"},
		{`v[^x]`, "v0"},
		{`a\\*b`, "a*b"},
		{`/orders-[0-9]+/`, "orders-0"},
		{`/(eu|us)\\.(carts|orders)\\..*/`, "eu.carts.x"},
		{`/x{3}y?z*/`, "xxxyz"},
		{`*", "!x`, "sample"},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			source := twoClusters + strings.NewReplacer("PATTERN", tt.pattern).Replace(`
mirror "ab" {
  from   = cluster.a
  to     = cluster.b
  topics = ["PATTERN"]
}
mirror "ba" {
  from   = cluster.b
  to     = cluster.a
  topics = ["PATTERN"]
}
`)
			_, diags := config.Load([]string{write(t, map[string]string{"test.hcl": source})}, testOptions(t))
			if len(diags) != 1 || diags[0].Subject.Start.Line != 10 || !strings.Contains(diags[0].Detail, `"`+tt.topic+`"`) {
				t.Error(text(t, diags))
			}
		})
	}
}
