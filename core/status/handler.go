// SPDX-License-Identifier: Apache-2.0

package status

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/klamm-io/klamm/core/runner"
)

// Route describes one path of the server.
type Route struct{ Path, Query, Doc string }

// Routes lists what the server answers, for the reference.
func Routes() []Route {
	return []Route{
		{"/metrics", "", "Metrics in Prometheus' text format."},
		{"/healthz", "", "200 as long as the process answers."},
		{"/readyz", "pipeline", "200 if every pipeline does all that its file asks of it, else 503 and which does not, with the partitions that stopped."},
		{"/api/v1/status", "pipeline", "Pipelines, lanes and partitions with state, positions, lag and last error."},
	}
}

type handler struct {
	snapshot Snapshot
	log      *slog.Logger
}

func newHandler(o ServerOptions) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		newCollector(o.Snapshot, o.Version),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	h := &handler{snapshot: o.Snapshot, log: o.Log}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/healthz", h.health)
	mux.HandleFunc("/readyz", h.ready)
	mux.HandleFunc("/api/v1/status", h.status)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h.answer(w, http.StatusNotFound, problem{fmt.Sprintf("there is nothing at %s", r.URL.Path)})
	})
	return h.readOnly(mux)
}

// problem is the body of every answer that is an error.
type problem struct {
	Error string `json:"error"`
}

func (h *handler) readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			h.answer(w, http.StatusMethodNotAllowed, problem{r.Method + " is not allowed; this server only reads"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (h *handler) health(w http.ResponseWriter, _ *http.Request) {
	h.answer(w, http.StatusOK, struct {
		Status string `json:"status"`
	}{"alive"})
}

func (h *handler) ready(w http.ResponseWriter, r *http.Request) {
	all, ok := h.selected(w, r)
	if !ok {
		return
	}
	body := readinessOf(all)
	code := http.StatusOK
	if !body.Ready {
		code = http.StatusServiceUnavailable
	}
	h.answer(w, code, body)
}

func (h *handler) status(w http.ResponseWriter, r *http.Request) {
	all, ok := h.selected(w, r)
	if !ok {
		return
	}
	for i := range all {
		order(&all[i])
	}
	h.answer(w, http.StatusOK, struct {
		Pipelines []runner.Status `json:"pipelines"`
	}{all})
}

// selected returns the pipelines a request is about; it answers a request for
// one that does not exist.
func (h *handler) selected(w http.ResponseWriter, r *http.Request) ([]runner.Status, bool) {
	all := h.snapshot()
	if !r.URL.Query().Has("pipeline") {
		return append([]runner.Status{}, all...), true
	}
	name := r.URL.Query().Get("pipeline")
	for _, s := range all {
		if s.Pipeline == name {
			return []runner.Status{s}, true
		}
	}
	h.answer(w, http.StatusNotFound, problem{fmt.Sprintf("this process runs no pipeline %q", name)})
	return nil, false
}

// order makes answers comparable: lists are sorted, and empty instead of null.
func order(s *runner.Status) {
	if s.Topics == nil {
		s.Topics = map[string]runner.Total{}
	}
	s.Lanes = append([]runner.LaneStatus{}, s.Lanes...)
	slices.SortFunc(s.Lanes, func(a, b runner.LaneStatus) int { return cmp.Compare(a.Lane, b.Lane) })
	s.Partitions = append([]runner.PartitionStatus{}, s.Partitions...)
	slices.SortFunc(s.Partitions, func(a, b runner.PartitionStatus) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
}

func (h *handler) answer(w http.ResponseWriter, code int, body any) {
	raw, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		h.log.Error("encoding an answer", "error", err)
		http.Error(w, `{"error": "encoding the answer failed"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = w.Write(append(raw, '\n'))
}
