// SPDX-License-Identifier: Apache-2.0

package status

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/sdk"
)

// Route describes one path of the server. Where Method is POST, something is
// changed.
type Route struct{ Method, Path, Query, Doc string }

// Routes lists what the server answers, for the reference.
func Routes() []Route {
	var all []Route
	for _, r := range (&handler{}).routes() {
		all = append(all, r.Route)
	}
	return all
}

type route struct {
	Route
	serve http.HandlerFunc
}

func (h *handler) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{Route{get, "/metrics", "", "Metrics in Prometheus' text format."}, h.metrics},
		{Route{get, "/healthz", "", "200 as long as the process answers."}, h.health},
		{Route{get, "/readyz", "pipeline", "200 if every pipeline does all that its file asks of it, else 503 and which does not, with the partitions that stopped."}, h.ready},
		{Route{get, "/api/v1/status", "pipeline", "Pipelines, lanes and partitions of this process with state, positions, lag and last error; by topic what was delivered, and how many batches went encoded, how many decoded and why."}, h.status},
		{Route{get, "/api/v1/pipelines", "pipeline", "The same over all processes of each pipeline, as klamm status shows it; a pipeline that cannot tell has an error."}, h.pipelines},
		{Route{get, "/api/v1/gaps", "pipeline", "What was passed over, as klamm gaps shows it."}, h.gaps},
		{Route{post, "/api/v1/pause", "", `Pauses in all processes: {"pipeline": NAME}, with "topic" and "partition" if less is meant.`}, h.pause},
		{Route{post, "/api/v1/resume", "", "Ends such a pause; the body is the same."}, h.resume},
		{Route{post, "/api/v1/reload", "", "Reads the files again; the body is {}. 409 if that cannot be followed, with the diagnostics: everything then goes on as before."}, h.reload},
	}
}

type handler struct {
	snapshot Snapshot
	control  Control
	token    func() sdk.Secret
	log      *slog.Logger
	metrics  http.HandlerFunc
}

func newHandler(o ServerOptions) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		newCollector(o.Snapshot, o.Reloads, o.Version),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	h := &handler{
		snapshot: o.Snapshot, control: o.Control, token: o.Token, log: o.Log,
		metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP,
	}
	mux := http.NewServeMux()
	for _, r := range h.routes() {
		mux.HandleFunc(r.Path, h.only(r))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h.answer(w, http.StatusNotFound, problem{fmt.Sprintf("there is nothing at %s", r.URL.Path)})
	})
	return mux
}

// problem is the body of every answer that is an error.
type problem struct {
	Error string `json:"error"`
}

// only lets a path's own method through, and who may use it.
func (h *handler) only(route route) http.HandlerFunc {
	serve, allow := route.serve, "GET, HEAD"
	if route.Method == http.MethodPost {
		serve, allow = h.guarded(route.serve), "POST"
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(strings.Split(allow, ", "), r.Method) {
			w.Header().Set("Allow", allow)
			h.answer(w, http.StatusMethodNotAllowed, problem{fmt.Sprintf("%s is not allowed here; %s is", r.Method, allow)})
			return
		}
		serve(w, r)
	}
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
	h.unknownPipeline(w, name)
	return nil, false
}

// runs reports whether this process has a pipeline.
func (h *handler) runs(pipeline string) bool {
	return slices.ContainsFunc(h.snapshot(), func(s runner.Status) bool { return s.Pipeline == pipeline })
}

func (h *handler) unknownPipeline(w http.ResponseWriter, name string) {
	var names []string
	for _, s := range h.snapshot() {
		names = append(names, s.Pipeline)
	}
	h.answer(w, http.StatusNotFound, problem{fmt.Sprintf("this process runs no pipeline %q; it runs %q", name, names)})
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
