// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/core/config"
)

// TestExamples loads every file of pipelines/ as it is, with an empty
// environment.
func TestExamples(t *testing.T) {
	dir := filepath.Join("..", "..", "pipelines")
	files, err := filepath.Glob(filepath.Join(dir, "*.hcl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if _, diags := config.Load([]string{file}, config.Options{Catalog: testCatalog(t)}); len(diags) > 0 {
				t.Error(text(t, diags))
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			formatted, diags := config.Format(file, source, testCatalog(t))
			if diags.HasErrors() || string(formatted) != string(source) {
				t.Errorf("the file is not formatted: %s\n%s", text(t, diags), cmp.Diff(string(source), string(formatted)))
			}
			first, _ := bufio.NewReader(strings.NewReader(string(source))).ReadString('\n')
			if !strings.HasPrefix(first, "# ") {
				t.Errorf("the first line says not what the file is for: %q", first)
			}
			if !strings.Contains(string(readme), "]("+filepath.Base(file)+")") {
				t.Error("the README does not list the file")
			}
		})
	}
}
