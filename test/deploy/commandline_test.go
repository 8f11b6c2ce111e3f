// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/klamm-io/klamm/cmd/command"
	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/plugin"
	"github.com/klamm-io/klamm/plugins"
)

// configDir is where every way to deploy has its files.
const configDir = "/etc/klamm"

// program is klamm in an empty environment.
func program(stdout, stderr io.Writer) *command.Program {
	return &command.Program{Stdout: stdout, Stderr: stderr, LookupEnv: func(string) (string, bool) { return "", false }}
}

// checkRun wants a command line that `klamm` understands as running configDir,
// and returns the port that it serves on, or "".
func checkRun(t *testing.T, args []string) string {
	t.Helper()
	p := program(io.Discard, io.Discard)
	cmd, rest, err := p.Root().Find(args)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Fatalf("klamm %q: %v", args, err)
	}
	if cmd.CommandPath() != "klamm run" || !slices.Equal(cmd.Flags().Args(), []string{configDir}) {
		t.Errorf("klamm %q does not run %s", args, configDir)
	}
	listen, err := cmd.Flags().GetString("listen")
	if err != nil || listen == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil || host != "0.0.0.0" {
		t.Errorf("--listen %s: want a port on 0.0.0.0", listen)
	}
	return port
}

// completion is what `klamm completion` prints.
func completion(t *testing.T, shell string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := program(&stdout, &stderr)
	if code := p.Execute(t.Context(), []string{"completion", shell}); code != command.OK {
		t.Fatalf("klamm completion %s ends with %d: %s", shell, code, stderr.String())
	}
	return stdout.String()
}

// load reads files as one configuration, in an environment that has only env.
func load(t *testing.T, files, env map[string]string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	catalog, err := plugin.NewCatalog(plugins.All())
	if err != nil {
		t.Fatal(err)
	}
	cfg, diags := config.Load([]string{dir}, config.Options{
		Catalog:   catalog,
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	return cfg
}
