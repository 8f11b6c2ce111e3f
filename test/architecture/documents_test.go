// SPDX-License-Identifier: Apache-2.0

package architecture

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/plugin"
	"github.com/klamm-io/klamm/plugins"
)

// validate loads a configuration in an environment where every variable is
// set, each to another address.
func validate(t *testing.T, path string) {
	t.Helper()
	catalog, err := plugin.NewCatalog(plugins.All())
	if err != nil {
		t.Fatal(err)
	}
	_, diags := config.Load([]string{path}, config.Options{
		Catalog: catalog,
		LookupEnv: func(name string) (string, bool) {
			return strings.ToLower(name) + ":9092", !strings.HasPrefix(name, config.EnvPrefix)
		},
	})
	if len(diags) > 0 {
		var b bytes.Buffer
		if err := config.WriteDiagnostics(&b, diags, false); err != nil {
			t.Fatal(err)
		}
		t.Error(b.String())
	}
}

// TestExamples: every file in pipelines is valid.
func TestExamples(t *testing.T) {
	found := 0
	for _, file := range files(t, ".hcl") {
		if !strings.HasPrefix(file, "pipelines/") {
			continue
		}
		found++
		t.Run(file, func(t *testing.T) { validate(t, filepath.Join(root, filepath.FromSlash(file))) })
	}
	if found == 0 {
		t.Error("there are no examples in pipelines/")
	}
}

// TestBlocks: every HCL block in a document is a whole configuration and
// valid. Fragments stand in blocks without a language.
func TestBlocks(t *testing.T) {
	fence := regexp.MustCompile("(?ms)^```hcl\n(.*?)^```")
	for _, file := range files(t, ".md") {
		for i, block := range fence.FindAllStringSubmatch(read(t, file), -1) {
			t.Run(fmt.Sprintf("%s/%d", file, i+1), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "block.hcl")
				if err := os.WriteFile(path, []byte(block[1]), 0o600); err != nil {
					t.Fatal(err)
				}
				validate(t, path)
			})
		}
	}
}

// TestLinks: links between documents lead somewhere.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)
	for _, file := range files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(read(t, file), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target := filepath.Join(root, filepath.Dir(filepath.FromSlash(file)), filepath.FromSlash(m[1]))
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", file, m[1])
			}
		}
	}
}
