// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/status"
)

type logging struct {
	format, level string
	quiet         bool
}

func (l *logging) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.format, "log-format", "text", "format of the log: `text|json`")
	cmd.Flags().StringVar(&l.level, "log-level", "info", "least level that is logged: `debug|info|warn|error`")
	cmd.Flags().BoolVarP(&l.quiet, "quiet", "q", false, "no progress and no summary, and warnings and errors only in the log")
}

// watcher shows how pipelines are doing until ctx ends.
type watcher interface {
	Run(ctx context.Context, snapshot status.Snapshot)
}

// progress makes the log and what shows progress; the two share standard error.
func (p *Program) progress(l logging) (watcher, *slog.Logger, error) {
	var level slog.Level
	switch l.level {
	case "debug", "info", "warn", "error":
		_ = level.UnmarshalText([]byte(l.level)) // one of its four words
	default:
		return nil, nil, usageError{fmt.Errorf("--log-level %q: there are debug, info, warn and error", l.level)}
	}
	if l.quiet {
		level = max(level, slog.LevelWarn)
	}
	out, screen := p.Stderr, p.screen(p.Stderr)
	if screen != nil && !l.quiet {
		out = screen
	}
	log, err := newLog(out, l.format, level)
	switch {
	case err != nil:
		return nil, nil, err
	case l.quiet:
		return silent{}, log, nil
	case screen != nil:
		return status.NewConsole(screen, p.colour()), log, nil
	}
	return status.NewLines(log), log, nil
}

func newLog(w io.Writer, format string, level slog.Level) (*slog.Logger, error) {
	o := &slog.HandlerOptions{Level: level}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return nil, usageError{fmt.Errorf("--log-format %q: there are text and json", format)}
}

// silent shows nothing.
type silent struct{}

func (silent) Run(context.Context, status.Snapshot) {}
