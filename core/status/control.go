// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/core/operator"
	"github.com/klamm-io/klamm/core/runner"
)

// Control is what the API asks for and changes beside snapshots.
type Control interface {
	// Desk is the desk of a pipeline of this process. It needs no Close.
	Desk(pipeline string) (*operator.Desk, error)
	// Reload reads the files again and lets the pipelines follow them. It goes on
	// if the caller goes away.
	Reload() Reload
}

// Reload is how a reload went. It is all or nothing: with an error everything goes
// on as before.
type Reload struct {
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	// Diagnostics say what is wrong with the files, with places.
	Diagnostics []config.Diagnostic `json:"diagnostics"`
	Pipelines   []Reloaded          `json:"pipelines"`
}

// Reloaded is what a reload meant for a pipeline.
type Reloaded struct {
	Pipeline string  `json:"pipeline"`
	Outcome  Outcome `json:"outcome"`
}

// Outcome is what a reload does with a pipeline.
type Outcome string

// The outcomes.
const (
	Unchanged Outcome = "unchanged"
	Updated   Outcome = "updated"   // follows the file without an interruption
	Restarted Outcome = "restarted" // drained, then run anew from its positions
	Started   Outcome = "started"
	Stopped   Outcome = "stopped" // drained: the files have it no more
)

// Reloads counts reloads.
type Reloads struct {
	Succeeded, Failed int64
	LastFailed        bool
	LastSuccess       time.Time // that of the start, before the first one
}

// PauseRequest is the body of a request to pause or to resume. Without a topic it
// is about the pipeline, without a partition about the topic.
type PauseRequest struct {
	Pipeline  string `json:"pipeline"`
	Topic     string `json:"topic,omitempty"`
	Partition *int32 `json:"partition,omitempty"`
}

func (p PauseRequest) scope() (ledger.Scope, error) {
	s := ledger.Scope{Topic: p.Topic, Partition: ledger.AllPartitions}
	switch {
	case p.Pipeline == "":
		return s, errors.New("the body names no pipeline")
	case p.Partition == nil:
	case p.Topic == "":
		return s, errors.New("the body has a partition and no topic")
	case *p.Partition < 0:
		return s, fmt.Errorf("partition %d: partitions count from 0", *p.Partition)
	default:
		s.Partition = *p.Partition
	}
	return s, nil
}

// askTimeout bounds what a request may ask of clusters.
const askTimeout = 25 * time.Second

// pipelines answers with a report of each pipeline.
func (h *handler) pipelines(w http.ResponseWriter, r *http.Request) {
	all, ok := h.selected(w, r)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	reports := make([]*operator.Report, len(all))
	var asking sync.WaitGroup
	for i, s := range all {
		asking.Go(func() { reports[i] = h.report(ctx, s) })
	}
	asking.Wait()
	h.answer(w, http.StatusOK, struct {
		Pipelines []*operator.Report `json:"pipelines"`
	}{reports})
}

func (h *handler) report(ctx context.Context, s runner.Status) *operator.Report {
	desk, err := h.control.Desk(s.Pipeline)
	if err == nil {
		var report *operator.Report
		if report, err = desk.Report(ctx); err == nil {
			return report
		}
	}
	r := operator.Without(s.Pipeline, err)
	r.State, r.Error, r.Source, r.Sink = s.State, err.Error(), s.Source, s.Sink
	r.LastError, r.LastErrorAt = s.LastError, s.LastErrorAt
	return r
}

// gaps answers with the gap records of pipelines.
func (h *handler) gaps(w http.ResponseWriter, r *http.Request) {
	all, ok := h.selected(w, r)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	type failed struct {
		Pipeline string `json:"pipeline"`
		Error    string `json:"error"`
	}
	body := struct {
		Gaps   []Gap    `json:"gaps"`
		Errors []failed `json:"errors"`
	}{[]Gap{}, []failed{}}
	for _, s := range all {
		desk, err := h.control.Desk(s.Pipeline)
		var gaps []ledger.Gap
		if err == nil {
			gaps, err = desk.Gaps(ctx)
		}
		if err != nil {
			body.Errors = append(body.Errors, failed{s.Pipeline, err.Error()})
		}
		for _, g := range gaps {
			body.Gaps = append(body.Gaps, GapOf(s.Pipeline, g))
		}
	}
	h.answer(w, http.StatusOK, body)
}

func (h *handler) pause(w http.ResponseWriter, r *http.Request) {
	h.pausing(w, r, func(ctx context.Context, d *operator.Desk, s ledger.Scope) error {
		return d.Pause(ctx, s, "the API, from "+r.RemoteAddr)
	})
}

func (h *handler) resume(w http.ResponseWriter, r *http.Request) {
	h.pausing(w, r, func(ctx context.Context, d *operator.Desk, s ledger.Scope) error { return d.Resume(ctx, s) })
}

func (h *handler) pausing(w http.ResponseWriter, r *http.Request, do func(context.Context, *operator.Desk, ledger.Scope) error) {
	var body PauseRequest
	if !h.decode(w, r, &body) {
		return
	}
	scope, err := body.scope()
	if err != nil {
		h.answer(w, http.StatusBadRequest, problem{err.Error()})
		return
	}
	if !h.runs(body.Pipeline) {
		h.unknownPipeline(w, body.Pipeline)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	desk, err := h.control.Desk(body.Pipeline)
	if err == nil {
		err = do(ctx, desk, scope)
	}
	if err == nil {
		h.answer(w, http.StatusOK, body)
		return
	}
	code := http.StatusServiceUnavailable
	if _, wrong := errors.AsType[*operator.RequestError](err); wrong {
		code = http.StatusBadRequest
	}
	h.answer(w, code, problem{err.Error()})
}

// reload lasts as long as pipelines take to drain.
func (h *handler) reload(w http.ResponseWriter, r *http.Request) {
	if !h.decode(w, r, &struct{}{}) {
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	done := h.control.Reload()
	code := http.StatusOK
	if !done.OK {
		code = http.StatusConflict
	}
	h.answer(w, code, done)
}
