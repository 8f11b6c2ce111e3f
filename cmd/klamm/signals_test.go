// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stubborn is a program that does not end when it is asked to.
func stubborn() {
	ctx, stop := withSignals(os.Stderr)
	defer stop()
	fmt.Println("ready")
	<-ctx.Done()
	fmt.Println("asked to end")
	<-time.After(time.Minute)
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "stubborn")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	failed, ok := errors.AsType[*exec.ExitError](cmd.Wait())
	if !ok || failed.ExitCode() != 1 {
		t.Errorf("ended with %v, want exit code 1", failed)
	}
	if !strings.Contains(stderr.String(), "ended at once by a second signal") {
		t.Errorf("the message is missing: %q", stderr.String())
	}
}

const unbounded = `
cluster "east" { embedded = true }
cluster "west" { embedded = true }
mirror "dr" {
  from   = cluster.east
  to     = cluster.west
  topics = ["*"]
}
`

// TestSignalDrains runs a pipeline until it is ready, asks it over HTTP how it
// is, and stops it.
func TestSignalDrains(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dr.hcl")
	if err := os.WriteFile(file, []byte(unbounded), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "klamm", "run", file, "--listen", "127.0.0.1:0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stdout strings.Builder
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewReader(stderr)
	address := served(t, log)
	rest := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(log)
		rest <- string(all)
	}()
	until(t, address+"/readyz", http.StatusOK)
	until(t, address+"/metrics", http.StatusOK)
	until(t, address+"/api/v1/status?pipeline=dr", http.StatusOK)
	until(t, address+"/api/v1/status?pipeline=other", http.StatusNotFound)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	told := <-rest
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v\n%s", err, told)
	}
	if !strings.Contains(told, "stopping") || !strings.HasPrefix(stdout.String(), "dr: ") {
		t.Errorf("log:\n%s\noutput:\n%s", told, stdout.String())
	}
}

// served reads the log until it names the address of the server.
func served(t *testing.T, log *bufio.Reader) string {
	t.Helper()
	pattern := regexp.MustCompile(`serving metrics.* address=(\S+)`)
	for {
		line, err := log.ReadString('\n')
		if m := pattern.FindStringSubmatch(line); m != nil {
			return "http://" + m[1]
		}
		if err != nil {
			t.Fatalf("the log ended before the server was served: %v", err)
		}
	}
}

// until asks until the answer has a code.
func until(t *testing.T, url string, code int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for last := 0; last != code; {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatalf("%s answers %d, want %d", url, last, code)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		last = answer.StatusCode
		answer.Body.Close()
	}
}
