// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/plugin"
)

// file is what the demonstration prints, and what it runs.
const file = `cluster "east" { embedded = true } # yours: brokers = ["east-1:9092"]
cluster "west" { embedded = true }

mirror "demo" {
  from   = cluster.east
  to     = cluster.west
  topics = ["orders.*", "payments", "customers", "!*.internal"]
  rename { prefix = "` + prefix + `" }
}
`

const prefix = "east."

// load evaluates the file in the way of any other: from a directory.
func load(catalog *plugin.Catalog) (cfg *config.Config, err error) {
	dir, err := os.MkdirTemp("", "klamm-demo-")
	if err != nil {
		return nil, fmt.Errorf("making room for the demo's file: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "demo.hcl")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		return nil, err
	}
	cfg, diags := config.Load([]string{path}, config.Options{Catalog: catalog})
	if diags.HasErrors() {
		return nil, diags
	}
	return cfg, nil
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString("  ")
		}
		b.WriteString(line)
	}
	return b.String()
}
