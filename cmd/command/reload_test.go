// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klamm-io/klamm/core/runner"
)

// running is `klamm run` inside the test, on embedded clusters.
type running struct {
	t       *testing.T
	file    string
	reloads chan struct{}
	ended   chan ExitCode
	stop    context.CancelFunc

	mu  sync.Mutex
	log bytes.Buffer
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *running) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

const (
	twoClusters = `
cluster "east" { embedded = true }
cluster "west" { embedded = true }
`
	oneMirror = `
mirror "dr" {
  from   = cluster.east
  to     = cluster.west
  topics = ["a*"]
}
`
	withToken = `
server {
  listen = "127.0.0.1:0"
  token  = "s3cret"
}
`
)

func runEmbedded(t *testing.T, text string, args ...string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &running{t: t, file: filepath.Join(t.TempDir(), "dr.hcl"), reloads: make(chan struct{}), ended: make(chan ExitCode, 1), stop: stop}
	r.edit(text)
	p := &Program{
		Stdout: io.Discard, Stderr: r, LookupEnv: func(string) (string, bool) { return "", false },
		Reloads: func(context.Context) <-chan struct{} { return r.reloads },
	}
	go func() { r.ended <- p.Execute(ctx, append([]string{"run", r.file}, args...)) }()
	t.Cleanup(func() {
		stop()
		if code := <-r.ended; code != OK {
			t.Errorf("exit code %d", code)
		}
		if strings.Contains(r.logged(), "s3cret") {
			t.Error("the token is in the log")
		}
		if t.Failed() {
			t.Log(r.logged())
		}
	})
	return r
}

func (r *running) edit(text string) {
	r.t.Helper()
	if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// hangup asks for a reload, as SIGHUP does, and waits until the log has words that
// were not there before.
func (r *running) hangup(words string) {
	r.t.Helper()
	before := strings.Count(r.logged(), words)
	r.reloads <- struct{}{}
	r.until(func() bool { return strings.Count(r.logged(), words) > before }, "the log says "+words)
}

func (r *running) until(condition func() bool, what string) {
	r.t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Fatalf("never: %s", what)
		}
	}
}

var servedAt = regexp.MustCompile(`serving metrics.* address=(\S+)`)

// send asks the API.
func (r *running) send(method, path, token, body string) (code int, answer string) {
	r.t.Helper()
	r.until(func() bool { return servedAt.MatchString(r.logged()) }, "it is served")
	req, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+servedAt.FindStringSubmatch(r.logged())[1]+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// settled waits until a pipeline runs and can tell how it is.
func (r *running) settled(pipeline string) {
	r.t.Helper()
	r.until(func() bool {
		code, body := r.send("GET", "/api/v1/pipelines?pipeline="+pipeline, "", "")
		return code == http.StatusOK && strings.Contains(body, `"state": "running"`) && !strings.Contains(body, `"error"`)
	}, pipeline+" runs")
}

// TestReload edits the file of a run: pipelines and embedded clusters come and go,
// and what cannot be followed changes nothing.
func TestReload(t *testing.T) {
	r := runEmbedded(t, twoClusters+oneMirror, "--listen", "127.0.0.1:0")
	r.settled("dr")
	r.hangup("reloaded pipeline=dr outcome=unchanged")
	r.edit(twoClusters + strings.Replace(oneMirror, "a*", "b*", 1))
	r.hangup("reloaded pipeline=dr outcome=updated")
	more := "cluster \"north\" { embedded = true }\n" + strings.NewReplacer("dr", "up", "west", "north").Replace(oneMirror)
	r.edit(twoClusters + oneMirror + more)
	r.hangup("reloaded pipeline=up outcome=started")
	r.settled("up")
	r.edit(twoClusters + oneMirror)
	r.hangup("reloaded pipeline=up outcome=stopped")
	if code, body := r.send("GET", "/api/v1/pipelines?pipeline=up", "", ""); code != http.StatusNotFound {
		t.Errorf("a pipeline that is gone: %d %s", code, body)
	}
	r.edit(twoClusters + oneMirror + more) // the cluster is the same one still
	r.hangup("reloaded pipeline=up outcome=started")
	if n := strings.Count(r.logged(), "embedded cluster started"); n != 3 {
		t.Errorf("%d embedded clusters were started", n)
	}
	r.settled("up")
	r.edit(twoClusters + strings.Replace(oneMirror, "a*", "b*", 1) + more + "x")
	r.hangup("not reloaded: everything goes on as before")
	r.edit(twoClusters + strings.Replace(oneMirror, "west", "north", 1) + "cluster \"north\" { embedded = true }\n")
	r.hangup("not reloaded: everything goes on as before")
	r.settled("up")
	_, metrics := r.send("GET", "/metrics", "", "")
	for _, want := range []string{
		`klamm_config_reloads_total{result="success"} 5`, `klamm_config_reloads_total{result="failure"} 2`, `klamm_config_last_reload_successful 0`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// TestReloadOfTheServer: a token holds from a reload on, and an address that moves
// is refused. So is a selection that has nothing left.
func TestReloadOfTheServer(t *testing.T) {
	r := runEmbedded(t, twoClusters+oneMirror+withToken, "--pipeline", "dr")
	r.settled("dr")
	for _, tt := range []struct {
		token string
		code  int
	}{{"", 401}, {"other", 401}, {"s3cret", 200}} {
		if code, body := r.send("POST", "/api/v1/pause", tt.token, `{"pipeline": "dr"}`); code != tt.code {
			t.Errorf("with the token %q: %d %s", tt.token, code, body)
		}
	}
	r.edit(twoClusters + oneMirror + strings.Replace(withToken, "127.0.0.1:0", "127.0.0.1:1", 1))
	if code, body := r.send("POST", "/api/v1/reload", "s3cret", "{}"); code != http.StatusConflict || !strings.Contains(body, "needs a restart") {
		t.Errorf("another address: %d %s", code, body)
	}
	r.edit(twoClusters + strings.Replace(oneMirror, "dr", "rd", 1) + withToken)
	if code, body := r.send("POST", "/api/v1/reload", "s3cret", "{}"); code != http.StatusConflict || !strings.Contains(body, "did you mean") {
		t.Errorf("nothing selected: %d %s", code, body)
	}
	r.edit(twoClusters + oneMirror + strings.Replace(withToken, "s3cret", "newer", 1))
	if code, body := r.send("POST", "/api/v1/reload", "s3cret", "{}"); code != http.StatusOK {
		t.Errorf("another token: %d %s", code, body)
	}
	if code, body := r.send("POST", "/api/v1/resume", "s3cret", `{"pipeline": "dr"}`); code != http.StatusUnauthorized {
		t.Errorf("with the old token: %d %s", code, body)
	}
	if code, body := r.send("POST", "/api/v1/resume", "newer", `{"pipeline": "dr"}`); code != http.StatusOK {
		t.Errorf("with the new token: %d %s", code, body)
	}
}

// TestReloadWhenAllHasEnded: what has ended is not brought to life.
func TestReloadWhenAllHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newFleet(ctx, nil, runner.Options{Log: slog.New(slog.DiscardHandler)})
	if err := f.wait(); err != nil {
		t.Fatal(err)
	}
	if err := f.beginReload(); err == nil || !strings.Contains(err.Error(), "stopping") {
		t.Errorf("after the end: %v", err)
	}
	f = newFleet(ctx, nil, runner.Options{Log: slog.New(slog.DiscardHandler)})
	if err := f.beginReload(); err != nil {
		t.Fatal(err)
	}
	if err := f.beginReload(); err == nil || !strings.Contains(err.Error(), "under way") {
		t.Errorf("a second one: %v", err)
	}
	over := make(chan error, 1)
	go func() { over <- f.wait() }()
	select {
	case <-over:
		t.Error("the run ended amid a reload")
	default:
	}
	f.endReload()
	if err := <-over; err != nil {
		t.Error(err)
	}
	cancel()
	if err := newFleet(ctx, nil, runner.Options{Log: slog.New(slog.DiscardHandler)}).beginReload(); err == nil {
		t.Error("a reload begins while all is stopping")
	}
}
