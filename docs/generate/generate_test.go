// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
				_, err := load(twoClusters + fmt.Sprintf(`
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

// TestMirrorWords writes every attribute of a mirror that the reference names.
func TestMirrorWords(t *testing.T) {
	values := map[string]string{
		"from": "cluster.a", "to": "cluster.b", "topics": `["*"]`,
		"since": `"earliest"`, "until": `"latest"`, "compression": `"zstd"`,
	}
	var body strings.Builder
	for _, w := range mirrorWords() {
		value, ok := values[w.word]
		if !ok {
			t.Fatalf("no value to try %s with", w.word)
		}
		fmt.Fprintf(&body, "  %s = %s\n", w.word, value)
	}
	if _, err := load(twoClusters + "mirror \"m\" {\n" + body.String() + "}\n"); err != nil {
		t.Error(err)
	}
}
