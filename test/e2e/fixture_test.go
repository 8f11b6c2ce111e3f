// SPDX-License-Identifier: Apache-2.0

// Package e2e runs the real binary between real clusters and compares what
// arrives with what was sent.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
)

func TestMain(m *testing.M) { kafka.Main(m) }

// builtBinary builds klamm once.
var builtBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "klamm-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "klamm")
	out, err := exec.Command("go", "build", "-o", path, "github.com/klamm-io/klamm/cmd/klamm").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building klamm: %w\n%s", err, out)
	}
	return path, nil
})

// process is a running klamm.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	listen string
	output *syncBuffer
	ended  chan struct{}
}

// syncBuffer takes a process's output while a test reads it.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start runs klamm on a pipeline file, with its API on a port of its own.
func start(t testing.TB, file string, args ...string) *process {
	t.Helper()
	path, err := builtBinary()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, listen: listener.Addr().String(), output: &syncBuffer{}, ended: make(chan struct{})}
	listener.Close()
	p.cmd = exec.Command(path, append([]string{"run", file, "--listen", p.listen}, args...)...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("klamm %s printed:\n%s", strings.Join(p.cmd.Args[1:], " "), p.output)
		}
	})
	return p
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// stop asks klamm to stop and returns its exit code.
func (p *process) stop() int {
	p.t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	return p.wait(time.Minute)
}

// wait returns the exit code.
func (p *process) wait(limit time.Duration) int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		p.t.Fatalf("klamm still runs after %s", limit)
		return -1
	}
}

// get asks the API; it returns no body if klamm does not answer.
func (p *process) get(path string) (status int, body []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.listen+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	b.ReadFrom(resp.Body)
	return resp.StatusCode, b.Bytes()
}

// status returns the first pipeline's; false if klamm does not answer.
func (p *process) status() (runner.Status, bool) {
	code, body := p.get("/api/v1/status")
	var answer struct {
		Pipelines []runner.Status `json:"pipelines"`
	}
	if code != http.StatusOK || json.Unmarshal(body, &answer) != nil || len(answer.Pipelines) == 0 {
		return runner.Status{}, false
	}
	return answer.Pipelines[0], true
}

// eventually waits until the condition holds. It fails the test after limit,
// with what the condition said last.
func eventually(t testing.TB, limit time.Duration, condition func() (bool, string)) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, state := condition()
		if ok {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not so after %s: %s", limit, state)
		}
	}
}

// write puts a pipeline file into a folder of the test's.
func write(t testing.TB, text string, args ...any) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pipeline.hcl")
	if err := os.WriteFile(file, fmt.Appendf(nil, text, args...), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// mirrorOf is a file that mirrors one topic and puts "east." before its name.
func mirrorOf(t testing.TB, from, to, topic string) string {
	t.Helper()
	return write(t, `
cluster "east" { brokers = [%q] }
cluster "west" { brokers = [%q] }
mirror %q {
  from   = cluster.east
  to     = cluster.west
  topics = [%[3]q]
  rename { prefix = "east." }
}
`, from, to, topic)
}

func read(t testing.TB, c *kafka.Cluster, topic string) compare.Content {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	content, err := compare.Read(ctx, topic, kgo.SeedBrokers(c.Bootstrap()...))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// equal fails the test unless the target topic holds what the source topic does.
func equal(t testing.TB, from *kafka.Cluster, source string, to *kafka.Cluster, target string, o compare.Options) {
	t.Helper()
	if d := compare.Diff(read(t, from, source), read(t, to, target), o); len(d) > 0 {
		t.Errorf("%s is not what %s is:\n%s", target, source, compare.Report(d))
	}
}
