// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/core/status"
)

type pauseFlags struct {
	target
	remote
	scopeFlags
	asJSON bool
}

func (p *Program) pauseCommand() *cobra.Command {
	return p.pausing("pause", "Stops reading a pipeline, a topic or a partition", `Stops the reading of a pipeline, a topic or a partition, in all its processes and over restarts,
until klamm resume. What is in flight is finished; positions stay. It is written down at the
target; running processes follow within a second or two.`)
}

func (p *Program) resumeCommand() *cobra.Command {
	return p.pausing("resume", "Ends a pause", `Ends a pause. What was paused is what can be resumed: if a topic was, the topic, and not one of
its partitions.`)
}

func (p *Program) pausing(name, short, long string) *cobra.Command {
	var f pauseFlags
	cmd := &cobra.Command{
		Use: name + " [PATH...]", Short: short, Long: long,
		RunE: func(cmd *cobra.Command, paths []string) error {
			err := f.check(cmd)
			if err == nil {
				err = p.pause(cmd.Context(), name, paths, f)
			}
			scope := ledger.Scope{Topic: f.topic, Partition: f.partition}
			a := answer{result: pauseResult{f.topic, f.partition}}
			if err == nil {
				a.summary = fmt.Sprintf("%sd: %s", name, scope)
				a.text = func(w io.Writer) error {
					_, err := fmt.Fprintln(w, a.summary)
					return err
				}
			}
			return p.reply(name, f.asJSON, a, err)
		},
	}
	f.target.flags(cmd)
	f.remote.flags(cmd, p)
	f.scopeFlags.flags(cmd)
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print one JSON object")
	return cmd
}

// pauseResult is the result of `klamm pause --json` and `klamm resume --json`.
type pauseResult struct {
	Topic     string `json:"topic,omitempty"`
	Partition int32  `json:"partition"`
}

func (p *Program) pause(ctx context.Context, name string, paths []string, f pauseFlags) error {
	if f.server != "" {
		return p.pauseRemotely(ctx, name, paths, f)
	}
	desk, err := p.desk(ctx, paths, f.target)
	if err != nil {
		return err
	}
	defer desk.Close()
	scope := ledger.Scope{Topic: f.topic, Partition: f.partition}
	if name == "resume" {
		return desk.Resume(ctx, scope)
	}
	return desk.Pause(ctx, scope, whoami())
}

func (p *Program) pauseRemotely(ctx context.Context, name string, paths []string, f pauseFlags) error {
	if err := f.refuseFiles(paths, f.target); err != nil {
		return err
	}
	if len(f.pipelines) > 1 {
		return usageError{errors.New("this is about one pipeline: write --pipeline once")}
	}
	if len(f.pipelines) == 0 {
		reports, err := f.reports(ctx, nil)
		switch {
		case reports == nil:
			return err
		case len(reports) != 1:
			return usageError{fmt.Errorf("the process at %s runs %s: choose one with --pipeline NAME", f.server, plural(len(reports), "pipeline"))}
		}
		f.pipelines = []string{reports[0].Pipeline}
	}
	body := status.PauseRequest{Pipeline: f.pipelines[0], Topic: f.topic}
	if f.partition >= 0 {
		body.Partition = &f.partition
	}
	return f.call(ctx, http.MethodPost, "/api/v1/"+name, body, nil)
}

// whoami is who paused, for whoever wonders later.
func whoami() string {
	who := "klamm pause"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		who += "@" + host
	}
	return who
}
