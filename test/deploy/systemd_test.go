// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klamm-io/klamm/cmd/command"
)

const unitFile = "deploy/klamm.service"

// directives are those that systemd.unit, systemd.service, systemd.exec and
// systemd.kill know and that the unit may need, by section.
func directives() map[string]string {
	return map[string]string{
		"Unit": "Description Documentation Wants After StartLimitIntervalSec",
		"Service": "Type ExecStart ExecReload Restart RestartSec RestartPreventExitStatus TimeoutStopSec EnvironmentFile " +
			"LoadCredential DynamicUser NoNewPrivileges CapabilityBoundingSet AmbientCapabilities ProtectSystem ProtectHome " +
			"ProtectProc ProtectClock ProtectHostname ProtectKernelTunables ProtectKernelModules ProtectKernelLogs " +
			"ProtectControlGroups PrivateTmp PrivateDevices RestrictAddressFamilies RestrictNamespaces RestrictRealtime " +
			"RestrictSUIDSGID LockPersonality MemoryDenyWriteExecute SystemCallArchitectures SystemCallFilter " +
			"SystemCallErrorNumber UMask",
		"Install": "WantedBy",
	}
}

// unit reads the unit; what is commented out as `#Directive=value` is held to
// the same rules.
func unit(t *testing.T) map[string][]string {
	t.Helper()
	values := map[string][]string{}
	section := ""
	for i, line := range strings.Split(read(t, unitFile), "\n") {
		line = strings.TrimPrefix(line, "#")
		switch {
		case line == "" || strings.HasPrefix(line, " "):
			continue
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || !slices.Contains(strings.Fields(directives()[section]), name) {
			t.Errorf("%s:%d: section %q knows no %q", unitFile, i+1, section, line)
		}
		values[name] = append(values[name], value)
	}
	return values
}

func TestUnit(t *testing.T) {
	u := unit(t)
	line := strings.Fields(u["ExecStart"][0])
	if line[0] != "/usr/local/bin/klamm" {
		t.Errorf("it starts %s", line[0])
	}
	checkRun(t, line[1:])
	want := map[string][]string{
		"Type":                     {"exec"},
		"ExecReload":               {"/bin/kill -HUP $MAINPID"},
		"Restart":                  {"on-failure"},
		"RestartPreventExitStatus": {strconv.Itoa(int(command.Usage))},
		"EnvironmentFile":          {"-" + configDir + "/env"},
		"DynamicUser":              {"yes"},
		"NoNewPrivileges":          {"yes"},
		"ProtectSystem":            {"strict"},
	}
	for name, values := range want {
		if !slices.Equal(u[name], values) {
			t.Errorf("%s is %q, want %q", name, u[name], values)
		}
	}
	seconds, err := strconv.Atoi(u["TimeoutStopSec"][0])
	if stop := time.Duration(seconds) * time.Second; err != nil || stop <= shutdownTimeout(t) {
		t.Errorf("a stop gets %s, and a drain may take %s", stop, shutdownTimeout(t))
	}
	page := read(t, "docs/how-to/systemd.md")
	for _, path := range []string{unitFile, line[0], configDir + "/env", u["LoadCredential"][0]} {
		if !strings.Contains(page, path) {
			t.Errorf("docs/how-to/systemd.md does not name %s", path)
		}
	}
}

// shutdownTimeout is how long a pipeline may drain that says nothing about it.
func shutdownTimeout(t *testing.T) time.Duration {
	t.Helper()
	cfg := load(t, map[string]string{"a.hcl": `
cluster "a" { embedded = true }
cluster "b" { embedded = true }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["*"]
}
`}, nil)
	return time.Duration(cfg.Pipelines[0].Settings.ShutdownTimeout)
}

// TestUnitVerifies asks systemd itself, where it is installed. The program is
// one that exists; whether it is klamm does not matter to it.
func TestUnitVerifies(t *testing.T) {
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not installed; TestUnit is what holds the unit here")
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "klamm.service")
	text := strings.Replace(read(t, unitFile), "/usr/local/bin/klamm", self, 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), verify, "verify", "--man=no", path).CombinedOutput(); err != nil || strings.Contains(string(out), "klamm.service:") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
