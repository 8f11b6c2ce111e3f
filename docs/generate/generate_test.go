// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/plugins"
	"github.com/klamm-io/klamm/sdk"
)

// TestReferenceIsInStep fails when the code has changed and docs/reference has
// not; `make docs` mends it.
func TestReferenceIsInStep(t *testing.T) {
	pages, err := reference()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("..", "reference")
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%v; run make docs", err)
			continue
		}
		if diff := cmp.Diff(string(got), want); diff != "" {
			t.Errorf("docs/reference/%s is not in step; run make docs\n%s", name, diff)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := pages[e.Name()]; !ok {
			t.Errorf("docs/reference/%s is not generated; it belongs elsewhere", e.Name())
		}
	}
}

const twoClusters = `
cluster "a" { embedded = true }
cluster "b" { embedded = true }
`

// TestFunctions evaluates every example of the reference.
func TestFunctions(t *testing.T) {
	for _, group := range functionGroups() {
		for _, f := range group.functions {
			t.Run(f.call, func(t *testing.T) {
				// JSON makes values comparable whose types differ in name only.
				_, err := load("example.hcl", twoClusters+fmt.Sprintf(`
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = jsonencode(%s) == jsonencode(%s) ? ["*"] : []
}
`, f.call, f.result))
				if err != nil {
					t.Errorf("%s does not give %s: %v", f.call, f.result, err)
				}
			})
		}
	}
}

// TestEveryFunctionIsThere: the page names all functions, and no other.
func TestEveryFunctionIsThere(t *testing.T) {
	var got []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9]+)\\(").FindAllStringSubmatch(functionsPage(), -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	if diff := cmp.Diff(config.FunctionNames(), slices.Compact(got)); diff != "" {
		t.Errorf("(-functions +page):\n%s", diff)
	}
}

// TestJSONExample loads what the page shows.
func TestJSONExample(t *testing.T) {
	if _, err := load("example.hcl.json", jsonExample); err != nil {
		t.Error(err)
	}
}

// TestReferenceFile: pipelines/reference.hcl has every block and every attribute
// of the language.
func TestReferenceFile(t *testing.T) {
	name := filepath.Join("..", "..", "pipelines", "reference.hcl")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	file, diags := hclsyntax.ParseConfig(text, name, hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	found := map[string]bool{}
	collectFound(found, "", file.Body.(*hclsyntax.Body))
	for _, path := range languagePaths(t) {
		if !found[path] {
			t.Errorf("%s does not occur", path)
		}
	}
}

// collectFound notes attributes and blocks by their path. Stages go with their
// plugin: pipeline.source.kafka.topics.
func collectFound(found map[string]bool, prefix string, body *hclsyntax.Body) {
	for name := range body.Attributes {
		found[prefix+name] = true
	}
	for _, b := range body.Blocks {
		path := prefix + b.Type
		if slices.Contains([]string{"source", "transform", "sink"}, b.Type) {
			path += "." + b.Labels[0]
		}
		found[path] = true
		if b.Type == "sasl" {
			found[path+"."+b.Labels[0]] = true
		}
		collectFound(found, path+".", b.Body)
	}
}

// languagePaths are all paths there are.
func languagePaths(t *testing.T) []string {
	t.Helper()
	settings, err := defaultSettings()
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{
		"locals", "cluster.for_each", "mirror.for_each", "variable.type", "variable.default", "variable.description", "variable.sensitive",
		"variable.nullable", "variable.validation.condition", "variable.validation.error_message",
	}
	add := func(prefix string, config any) {
		paths = append(paths, schemaPaths(prefix, sdk.SchemaOf(config))...)
	}
	add("cluster", &sdk.Cluster{})
	add("pipeline", settings)
	add("mirror", settings)
	add("server", &config.Server{})
	for _, w := range config.MirrorWords() {
		paths = append(paths, "mirror."+w.Word)
	}
	for _, pl := range plugins.All() {
		for _, s := range stages(pl) {
			add("pipeline."+string(s.kind)+"."+pl.Name, s.config)
		}
	}
	return append(paths, "mirror.rename.prefix", "cluster.sasl.scram-sha-512", "cluster.sasl.aws-msk-iam")
}

func schemaPaths(prefix string, s sdk.Schema) []string {
	paths := []string{prefix}
	for _, a := range s.Attributes {
		paths = append(paths, prefix+"."+a.Name)
	}
	for _, b := range s.Blocks {
		paths = append(paths, schemaPaths(prefix+"."+b.Name, b.Schema)...)
	}
	return paths
}
