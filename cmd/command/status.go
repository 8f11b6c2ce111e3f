// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/operator"
	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/core/status"
)

type statusFlags struct {
	target
	remote
	asJSON, watch, partitions bool
	interval                  time.Duration
}

func (p *Program) statusCommand() *cobra.Command {
	var f statusFlags
	cmd := &cobra.Command{
		Use:   "status [PATH...]",
		Short: "Shows how pipelines are doing, over all their processes",
		Long: `Shows how pipelines are doing, over all their processes: from what they keep at their target,
whether a process runs or not, or with --server from a running process. Partitions are
listed that are stopped, paused or most behind. Batches are counted lane by lane, since its process
has it: untouched are those that were written as they were read, without being decoded.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if f.interval < 100*time.Millisecond {
				return usageError{fmt.Errorf("--interval %s: it is at least 100ms", f.interval)}
			}
			return p.status(cmd.Context(), paths, f)
		},
	}
	f.target.flags(cmd)
	f.remote.flags(cmd, p)
	cmd.Flags().BoolVar(&f.partitions, "partitions", false, "list all partitions")
	cmd.Flags().BoolVar(&f.watch, "watch", false, "show it again and again, until a signal")
	cmd.Flags().DurationVar(&f.interval, "interval", 2*time.Second, "how often --watch shows it")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print one JSON object; with --watch one a line")
	return cmd
}

// statusList is the result of `klamm status --json`.
type statusList struct {
	Pipelines []*operator.Report `json:"pipelines"`
}

func (p *Program) status(ctx context.Context, paths []string, f statusFlags) error {
	ask, done, err := p.asker(paths, f)
	if err != nil {
		return p.reply("status", f.asJSON, answer{}, err)
	}
	defer done()
	if f.watch {
		return p.watch(ctx, ask, f)
	}
	reports, err := ask(ctx)
	if reports == nil {
		return p.reply("status", f.asJSON, answer{}, err)
	}
	a := statusAnswer(reports)
	a.text = func(w io.Writer) error {
		for _, line := range reportLines(reports, status.ReportStyle{Partitions: f.partitions, Colour: p.screen(p.Stdout) != nil && p.colour()}) {
			if _, err := fmt.Fprintln(w, line); err != nil {
				return err
			}
		}
		return nil
	}
	if replied := p.reply("status", f.asJSON, a, err); replied == nil || err == nil {
		return replied
	}
	return toldError{exitCode(err), err} // it stands beside the pipeline's name
}

// ask returns a report of each pipeline, and with it why some say nothing.
type ask func(ctx context.Context) ([]*operator.Report, error)

// asker asks the targets, or a running process.
func (p *Program) asker(paths []string, f statusFlags) (ask, func(), error) {
	if f.server == "" {
		chosen, err := p.pipelinesOf(paths, f.target)
		if err != nil {
			return nil, nil, err
		}
		s := &survey{pipelines: chosen, desks: map[string]*operator.Desk{}}
		return s.reports, s.close, nil
	}
	if err := f.refuseFiles(paths, f.target); err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context) ([]*operator.Report, error) { return f.reports(ctx, f.pipelines) }, func() {}, nil
}

// survey asks the targets of pipelines, and keeps the connections.
type survey struct {
	pipelines []*config.Pipeline
	desks     map[string]*operator.Desk
}

func (s *survey) reports(ctx context.Context) ([]*operator.Report, error) {
	all := []*operator.Report{}
	var failed []error
	for _, pl := range s.pipelines {
		r, err := s.report(ctx, pl)
		if err != nil {
			r = operator.Without(pl.Name, err)
			r.Source = runner.EndpointOf(pl.Source.Plugin, pl.Source.Config)
			r.Sink = runner.EndpointOf(pl.Sink.Plugin, pl.Sink.Config)
			if r.State != operator.New {
				failed = append(failed, err)
			}
		}
		all = append(all, r)
	}
	return all, errors.Join(failed...)
}

func (s *survey) report(ctx context.Context, pl *config.Pipeline) (*operator.Report, error) {
	desk := s.desks[pl.Name]
	if desk == nil {
		var err error
		if desk, err = operator.Open(ctx, pl, slog.New(slog.DiscardHandler)); err != nil {
			return nil, err
		}
		s.desks[pl.Name] = desk
	}
	r, err := desk.Report(ctx)
	if err != nil {
		delete(s.desks, pl.Name) // connected anew the next time
		return nil, errors.Join(fmt.Errorf("pipeline %s: %w", pl.Name, err), desk.Close())
	}
	return r, nil
}

func (s *survey) close() {
	for _, desk := range s.desks {
		_ = desk.Close() // it only read
	}
}

func statusAnswer(reports []*operator.Report) answer {
	return answer{summary: plural(len(reports), "pipeline"), result: statusList{reports}}
}

func reportLines(reports []*operator.Report, o status.ReportStyle) []string {
	var lines []string
	for _, r := range reports {
		lines = append(lines, status.ReportLines(r, o)...)
	}
	return lines
}

// watch shows reports until ctx ends. An error is shown like everything else: what
// is watched may come back.
func (p *Program) watch(ctx context.Context, ask ask, f statusFlags) error {
	screen := p.screen(p.Stdout)
	tick := time.NewTicker(f.interval)
	defer tick.Stop()
	for {
		reports, err := ask(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := p.show(reports, err, f, screen); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if screen != nil {
				screen.Leave()
			}
			return nil
		}
	}
}

func (p *Program) show(reports []*operator.Report, err error, f statusFlags, screen *status.Screen) error {
	if f.asJSON {
		return envelopeOf("status", statusAnswer(reports), err).writeLine(p.Stdout)
	}
	lines := reportLines(reports, status.ReportStyle{Partitions: f.partitions, Colour: screen != nil && p.colour()})
	if reports == nil && err != nil {
		lines = []string{err.Error()}
	}
	if screen != nil {
		screen.Draw(p.fit(lines))
		return nil
	}
	lines = append([]string{time.Now().UTC().Format(time.RFC3339)}, lines...)
	for _, line := range lines {
		if _, err := fmt.Fprintln(p.Stdout, line); err != nil {
			return err
		}
	}
	return nil
}
