// SPDX-License-Identifier: Apache-2.0

package architecture

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestTopLevel: `ls` answers what this is; a new name there is a decision.
func TestTopLevel(t *testing.T) {
	allowed := []string{
		"cmd", "core", "docs", "pipelines", "plugins", "sdk", "test", "deploy",
		"go.mod", "go.sum", "Makefile", "README.md", "LICENSE", "NOTICE", "CHANGELOG.md", "CONTRIBUTING.md",
		"bin", "dist", // built, and ignored by git
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".") && !slices.Contains(allowed, name) {
			t.Errorf("%s: nothing else belongs at the top level", name)
		}
	}
}

func TestGoFiles(t *testing.T) {
	const longest = 400
	for _, file := range files(t, ".go") {
		text := read(t, file)
		if n := strings.Count(text, "\n"); n > longest {
			t.Errorf("%s has %d lines; files stay below %d", file, n, longest)
		}
		if !strings.HasPrefix(text, "// SPDX-License-Identifier: Apache-2.0\n") {
			t.Errorf("%s does not begin with the licence", file)
		}
		for _, vague := range []string{"util", "utils", "helper", "helpers", "common", "misc"} {
			if strings.HasSuffix(file, "/"+vague+".go") || strings.Contains(file, "/"+vague+"/") {
				t.Errorf("%s: name it after what is in it", file)
			}
		}
	}
}
