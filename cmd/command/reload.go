// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/core/status"
	"github.com/klamm-io/klamm/plugins/kafka/embedded"
	"github.com/klamm-io/klamm/sdk"
)

// reloader reads the files of a run again and lets the fleet follow them. It is a
// [status.Control].
type reloader struct {
	*fleet
	program  *Program
	paths    []string
	flags    runFlags
	clusters *embedded.Clusters
	log      *slog.Logger

	mu     sync.Mutex
	server *config.Server // of the files as they were last taken over
	counts status.Reloads
}

func (r *reloader) token() sdk.Secret {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server == nil {
		return ""
	}
	return r.server.Token
}

func (r *reloader) reloads() status.Reloads {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// follow reloads with every request, until ctx ends.
func (r *reloader) follow(ctx context.Context) {
	if r.program.Reloads == nil {
		return
	}
	requests := r.program.Reloads(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-requests:
			r.Reload()
		}
	}
}

// Reload implements [status.Control]: it checks and opens everything before it
// stops the first pipeline, so that whatever does not fit leaves all as it was.
func (r *reloader) Reload() status.Reload {
	if err := r.beginReload(); err != nil {
		return status.Reload{Error: err.Error(), Diagnostics: []config.Diagnostic{}, Pipelines: []status.Reloaded{}}
	}
	defer r.endReload()
	cfg, diags, err := r.load()
	done := status.Reload{Diagnostics: config.Describe(diags), Pipelines: []status.Reloaded{}}
	if err == nil {
		done.Pipelines, err = r.fleet.takeOver(r.chosen(cfg), runner.Options{Log: r.log})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		done.Error = err.Error()
		r.counts.Failed++
		r.counts.LastFailed = true
		r.log.Error("not reloaded: everything goes on as before", "error", err)
		return done
	}
	done.OK, r.server = true, cfg.Server
	r.program.limitMemory(r.chosen(cfg))
	r.counts.Succeeded++
	r.counts.LastFailed, r.counts.LastSuccess = false, time.Now()
	for _, p := range done.Pipelines {
		r.log.Info("reloaded", "pipeline", p.Pipeline, "outcome", p.Outcome)
	}
	return done
}

// load reads the files and checks what is not about a single pipeline.
func (r *reloader) load() (*config.Config, hcl.Diagnostics, error) {
	cfg, diags, err := r.program.read(r.paths, r.flags.input)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range config.Describe(diags) {
		level, attrs := slog.LevelError, []any{"detail", d.Detail}
		if d.Severity == "warning" {
			level = slog.LevelWarn
		}
		if d.Range != nil {
			attrs = append(attrs, "at", fmt.Sprintf("%s:%d:%d", d.Range.Filename, d.Range.Start.Line, d.Range.Start.Column))
		}
		r.log.Log(context.Background(), level, "the files as they are now: "+d.Summary, attrs...)
	}
	if diags.HasErrors() {
		return nil, diags, fmt.Errorf("the files have %s", plural(countErrors(diags), "error"))
	}
	if _, err := choose(cfg.Pipelines, r.flags.pipelines); err != nil {
		return nil, diags, err
	}
	if before, now := r.listens(r.server), r.listens(cfg.Server); before != now {
		return nil, diags, fmt.Errorf("the server block has another listen, %q instead of %q: that needs a restart", now, before)
	}
	return cfg, diags, r.clusters.Extend(cfg.Clusters, r.log)
}

func (r *reloader) chosen(cfg *config.Config) []*config.Pipeline {
	chosen, _ := choose(cfg.Pipelines, r.flags.pipelines) // load has checked it
	return chosen
}

// listens is the address that is served.
func (r *reloader) listens(block *config.Server) string {
	switch {
	case r.flags.listen != "":
		return r.flags.listen
	case block != nil:
		return block.Listen
	}
	return ""
}

// beginReload lets one reload at a time be under way, and none when all has ended.
func (f *fleet) beginReload() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.over || f.ctx.Err() != nil:
		return errors.New("not reloaded: this process is stopping")
	case f.reloading:
		return errors.New("not reloaded: a reload is under way; try again when it is done")
	}
	f.reloading = true
	return nil
}

func (f *fleet) endReload() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reloading = false
	f.notify()
}

// step is what a reload does with a pipeline.
type step struct {
	file    *config.Pipeline
	outcome status.Outcome
	old     *member        // nil if it is new
	opened  *runner.Runner // nil if nothing changes
}

// takeOver lets the pipelines follow the files: it opens whatever changes, and only
// then changes the first.
func (f *fleet) takeOver(files []*config.Pipeline, o runner.Options) ([]status.Reloaded, error) {
	old := f.current()
	var steps []*step
	for _, p := range files {
		s, err := f.prepare(p, old, o)
		if err != nil {
			for _, s := range steps {
				if s.opened != nil {
					s.opened.Close()
				}
			}
			return []status.Reloaded{}, err
		}
		steps = append(steps, s)
	}
	return f.carryOut(steps, old), nil
}

// prepare says what becomes of a pipeline, and opens its new run beside the old
// one, which takes no notice: that joins the group of lanes only when it runs.
func (f *fleet) prepare(p *config.Pipeline, old []*member, o runner.Options) (*step, error) {
	s := &step{file: p, outcome: status.Started}
	if i := slices.IndexFunc(old, func(m *member) bool { return m.pipeline == p.Name }); i >= 0 {
		s.old, s.outcome = old[i], status.Restarted
		switch {
		case s.old.runner.Same(p) && (!s.old.hasEnded() || s.old.err == nil):
			s.outcome = status.Unchanged
			return s, nil
		case s.old.hasEnded():
			s.outcome = status.Started
		}
	}
	o.Resumes = s.old != nil && s.old.isOpen()
	s.opened = runner.New(p, o)
	err := s.opened.Open(f.ctx)
	if err == nil && s.old != nil {
		err = sameEnds(p.Name, s.old.runner, s.opened)
	}
	if err != nil {
		s.opened.Close()
		return nil, err
	}
	return s, nil
}

// sameEnds refuses a pipeline that would go on between other clusters, both of which
// know it.
func sameEnds(pipeline string, before, now *runner.Runner) error {
	a, b := before.Status(), now.Status()
	if a.Sink.ID == "" || a.Source.ID == b.Source.ID && a.Sink.ID == b.Sink.ID {
		return nil
	}
	return fmt.Errorf("pipeline %s: it runs from %s to %s, and would from %s to %s; give it another name", pipeline, a.Source.ID, a.Sink.ID, b.Source.ID, b.Sink.ID)
}

// carryOut does what was prepared; pipelines do not wait for each other.
func (f *fleet) carryOut(steps []*step, old []*member) []status.Reloaded {
	members := make([]*member, len(steps))
	done := make([]status.Reloaded, len(steps))
	var stopped []status.Reloaded
	var working sync.WaitGroup
	for i, s := range steps {
		working.Go(func() {
			members[i] = f.change(s)
			done[i] = status.Reloaded{Pipeline: s.file.Name, Outcome: s.outcome}
		})
	}
	for _, m := range old {
		if !slices.ContainsFunc(steps, func(s *step) bool { return s.old == m }) {
			working.Go(m.stop)
			stopped = append(stopped, status.Reloaded{Pipeline: m.pipeline, Outcome: status.Stopped})
		}
	}
	working.Wait()
	f.mu.Lock()
	f.members = members
	f.mu.Unlock()
	done = append(done, stopped...)
	slices.SortFunc(done, func(a, b status.Reloaded) int { return strings.Compare(a.Pipeline, b.Pipeline) })
	return done
}

// change returns the member that runs from now on.
func (f *fleet) change(s *step) *member {
	switch {
	case s.opened == nil:
		return s.old
	case s.old == nil || s.old.hasEnded():
	case s.old.isOpen() && s.old.runner.Update(s.file):
		s.opened.Close()
		s.outcome = status.Updated
		return s.old
	default:
		s.old.stop()
	}
	m := newMember(s.file.Name, s.opened)
	f.start(m)
	return m
}

// isOpen reports whether a member is connected; before that it cannot be updated.
func (m *member) isOpen() bool {
	_, _, _, ok := m.runner.Ends()
	return ok
}
