// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klamm-io/klamm/core/runner"
)

// serve starts a server and returns its address.
func serve(t *testing.T, snapshot Snapshot) string {
	t.Helper()
	s, err := Listen(t.Context(), "127.0.0.1:0", options(snapshot))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return "http://" + s.Addr()
}

func request(t *testing.T, method, url string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body), answer.Header
}

func TestAnswers(t *testing.T) {
	address := serve(t, fixture)
	tests := []struct {
		name, method, path string
		code               int
		holds              []string
	}{
		{"alive", "GET", "/healthz", 200, []string{`"status": "alive"`}},
		{"ready one", "GET", "/readyz?pipeline=dr", 200, []string{`"ready": true`, `"not_ready": []`}},
		{"not ready", "GET", "/readyz", 503, []string{
			`"ready": false`, `"pipeline": "central"`, `"topic": "b"`, `"partition": 3`, `"reason": "gap"`,
			`"error": "topic b partition 3 offsets [5, 9): gap"`, `"lane": 2`, `"last_error": "fenced"`,
		}},
		{"ready of none", "GET", "/readyz?pipeline=x", 404, []string{`no pipeline \"x\"`}},
		{"status", "GET", "/api/v1/status", 200, []string{`"pipelines": [`, `"pipeline": "dr"`, `"lanes": []`, `"target": "east.orders"`, `"encoded": 1982`, `"gap": 15`}},
		{"status of one", "GET", "/api/v1/status?pipeline=central", 200, []string{`"pipeline": "central"`}},
		{"nothing there", "GET", "/api/v2/status", 404, []string{`"error": "there is nothing at /api/v2/status"`}},
		{"pipelines", "GET", "/api/v1/pipelines", 200, []string{`"pipeline": "dr"`, `"error": "pipeline dr: it is just starting"`, `"state": "degraded"`}},
		{"gaps", "GET", "/api/v1/gaps?pipeline=dr", 200, []string{`"gaps": []`, `"error": "pipeline dr: it is just starting"`}},
		{"no writing", "POST", "/api/v1/status", 405, []string{`"error": "POST is not allowed`}},
		{"no deleting", "DELETE", "/metrics", 405, []string{`"error"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, body, header := request(t, tt.method, address+tt.path)
			if code != tt.code {
				t.Errorf("code %d, want %d\n%s", code, tt.code, body)
			}
			if got := header.Get("Content-Type"); got != "application/json" || !json.Valid([]byte(body)) {
				t.Errorf("not JSON: %s\n%s", got, body)
			}
			for _, want := range tt.holds {
				if !strings.Contains(body, want) {
					t.Errorf("the answer lacks %s\n%s", want, body)
				}
			}
		})
	}
}

func TestStatusIsOrdered(t *testing.T) {
	address := serve(t, fixture)
	_, body, _ := request(t, "GET", address+"/api/v1/status")
	var got struct{ Pipelines []runner.Status }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, p := range got.Pipelines[0].Partitions {
		order = append(order, p.Topic+string(rune('0'+p.Partition)))
	}
	if want := "new0 orders0 orders1"; strings.Join(order, " ") != want {
		t.Errorf("partitions in the order %v, want %s", order, want)
	}
}

func TestServeEndsWithARequestUnderWay(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s, err := Listen(t.Context(), "127.0.0.1:0", ServerOptions{Log: slog.New(slog.DiscardHandler), Snapshot: func() []runner.Status {
		close(entered)
		<-release
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	answered := make(chan int, 1)
	go func() {
		code, _, _ := request(t, "GET", "http://"+s.Addr()+"/readyz")
		answered <- code
	}()
	<-entered
	cancel()
	time.AfterFunc(50*time.Millisecond, func() { close(release) })
	if code := <-answered; code != http.StatusOK {
		t.Errorf("the request under way got %d", code)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestAddressTaken(t *testing.T) {
	o := ServerOptions{Snapshot: fixture, Log: slog.New(slog.DiscardHandler)}
	address := strings.TrimPrefix(serve(t, fixture), "http://")
	if _, err := Listen(t.Context(), address, o); err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("the error does not name the address: %v", err)
	}
}
