// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/core/status"
	"github.com/klamm-io/klamm/plugins/kafka/embedded"
	"github.com/klamm-io/klamm/sdk"
)

type runFlags struct {
	input
	logging
	pipelines []string
	listen    string
	fresh     bool
}

func (p *Program) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [PATH...]",
		Short: "Runs pipelines",
		Long: `Runs the pipelines of the given files and directories until a signal stops them, or until
they have reached their end if they have one. The first SIGINT or SIGTERM finishes what is
in flight and ends with exit code 0; a second one ends at once. One pipeline that fails
does not stop the others. The same command on a second machine shares the work.

SIGHUP reads the files again, as does POST /api/v1/reload: what the new files select or
limit is followed without an interruption, other changes restart the pipeline concerned, and
files with an error, or that cannot be followed, change nothing.`,
		RunE: func(cmd *cobra.Command, paths []string) error { return p.run(cmd.Context(), paths, f) },
	}
	f.input.flags(cmd)
	f.logging.flags(cmd)
	cmd.Flags().StringArrayVar(&f.pipelines, "pipeline", nil, "run only the pipeline of this `NAME`; may be repeated")
	cmd.Flags().StringVar(&f.listen, "listen", "", "serve metrics, health and status on this `ADDRESS` (host:port), whatever the server block says")
	cmd.Flags().BoolVar(&f.fresh, "fresh", false, "start bounded pipelines over, whatever positions are stored; what is at the target already comes again (run it as one process)")
	return cmd
}

func (p *Program) run(ctx context.Context, paths []string, f runFlags) error {
	shown, log, err := p.progress(f.logging)
	if err != nil {
		return err
	}
	cfg, err := p.load(paths, f.input)
	if err != nil {
		return err
	}
	chosen, err := choose(cfg.Pipelines, f.pipelines)
	if err != nil {
		return err
	}
	clusters, err := embedded.Start(cfg.Clusters, log)
	if err != nil {
		return err
	}
	defer clusters.Close()

	p.limitMemory(chosen)
	r := &reloader{
		fleet:   newFleet(ctx, chosen, runner.Options{Log: log, Fresh: f.fresh}),
		program: p, paths: paths, flags: f, clusters: clusters, log: log,
		server: cfg.Server, counts: status.Reloads{LastSuccess: time.Now()},
	}
	listening, err := p.listen(ctx, cfg.Server, f.listen, status.ServerOptions{
		Snapshot: r.snapshot, Control: r, Reloads: r.reloads, Token: r.token, Log: log, Version: p.versionInfo().Version,
	})
	if err != nil {
		return err
	}
	r.begin()

	// What watches goes on until what runs has drained.
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	var watchers sync.WaitGroup
	watchers.Go(func() { shown.Run(watching, r.snapshot) })
	watchers.Go(func() { serve(watching, listening, log) })
	watchers.Go(func() { r.follow(watching) })
	err = r.wait()
	unwatch()
	watchers.Wait()

	if !f.quiet {
		err = errors.Join(err, status.Summary(p.Stdout, r.snapshot, time.Now()))
	}
	return err
}

// listen binds the address of --listen or of the server block; without both
// there is no server.
func (p *Program) listen(ctx context.Context, block *config.Server, flag string, o status.ServerOptions) (*status.Server, error) {
	address := flag
	if address == "" && block != nil {
		address = block.Listen
	}
	if address == "" {
		return nil, nil
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, usageError{fmt.Errorf("--listen %q: write host:port, such as 127.0.0.1:9644", address)}
	}
	server, err := status.Listen(ctx, address, o)
	if err != nil {
		return nil, &sdk.EnvironmentError{Err: err, Fix: "choose another address with --listen"}
	}
	o.Log.Info("serving metrics, health and status", "address", server.Addr())
	return server, nil
}

func serve(ctx context.Context, server *status.Server, log *slog.Logger) {
	if server == nil {
		return
	}
	if err := server.Serve(ctx); err != nil {
		log.Error("metrics, health and status are not served any more", "error", err)
	}
}
