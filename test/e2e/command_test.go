// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/klamm-io/klamm/core/status"
	"github.com/klamm-io/klamm/test/kafka"
)

// klamm runs a command to its end.
func klamm(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	path, err := builtBinary()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		failed, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			t.Fatalf("running klamm %s: %v", strings.Join(args, " "), err)
		}
		code = failed.ExitCode()
	}
	return code, out.String(), errs.String()
}

// ask runs a command that has to succeed, with --json, and decodes its result.
func ask(t testing.TB, into any, args ...string) {
	t.Helper()
	code, stdout, stderr := klamm(t, append(args, "--json")...)
	var answer struct {
		OK     bool            `json:"ok"`
		Result json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || code != 0 || !answer.OK {
		t.Fatalf("klamm %s: exit code %d, %v\n%s\n%s", strings.Join(args, " "), code, err, stdout, stderr)
	}
	if err := json.Unmarshal(answer.Result, into); err != nil {
		t.Fatalf("klamm %s: %v\n%s", strings.Join(args, " "), err, stdout)
	}
}

// refuses runs a command that has to fail with an exit code, and words.
func refuses(t testing.TB, code int, words []string, args ...string) {
	t.Helper()
	got, _, stderr := klamm(t, args...)
	if got != code {
		t.Errorf("klamm %s: exit code %d, not %d: %s", strings.Join(args, " "), got, code, stderr)
	}
	mentions(t, stderr, words...)
}

// succeeds runs a command that has to succeed, and returns what it prints.
func succeeds(t testing.TB, args ...string) string {
	t.Helper()
	code, out, stderr := klamm(t, args...)
	if code != 0 {
		t.Fatalf("klamm %s: exit code %d: %s", strings.Join(args, " "), code, stderr)
	}
	return out
}

// gaps asks klamm for the gap records of a file.
func gaps(t testing.TB, file string, args ...string) []status.Gap {
	t.Helper()
	var result struct {
		Gaps []status.Gap `json:"gaps"`
	}
	ask(t, &result, append([]string{"gaps", file}, args...)...)
	return result.Gaps
}

// gapsLeft are the gap records of a file, of which there have to be so many.
func gapsLeft(t testing.TB, want int, file string, args ...string) []status.Gap {
	t.Helper()
	found := gaps(t, file, args...)
	if len(found) != want {
		t.Fatalf("there are %d gaps, not %d: %+v", len(found), want, found)
	}
	return found
}

// moved is what the commands that move positions answer.
type moved struct {
	DryRun  bool `json:"dry_run"`
	Changes []struct {
		Topic      string `json:"topic"`
		Partition  int32  `json:"partition"`
		From       int64  `json:"from"`
		To         int64  `json:"to"`
		PassedOver *struct {
			From, To, Count *int64
		} `json:"passed_over"`
		Repeated int64 `json:"repeated_offsets"`
	} `json:"changes"`
}

// mirrorWith is the file of a mirror with an attribute more.
func mirrorWith(t testing.TB, east, west *kafka.Cluster, name, attribute string) string {
	t.Helper()
	return write(t, `
cluster "east" { brokers = [%q] }
cluster "west" { brokers = [%q] }

mirror %q {
  from   = cluster.east
  to     = cluster.west
  topics = ["%[3]s*"]
  rename { prefix = "east." }
  %[4]s
}
`, east.Bootstrap()[0], west.Bootstrap()[0], name, attribute)
}
