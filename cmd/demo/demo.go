// SPDX-License-Identifier: Apache-2.0

// Package demo shows Klamm at work with nothing installed: two embedded
// clusters, live traffic, a real mirror between them, and then a comparison of
// everything on both sides. It stands under cmd because only there core and
// plugins may meet, and beside cmd/klamm because that holds no logic.
package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/klamm-io/klamm/core/plugin"
	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/core/status"
	"github.com/klamm-io/klamm/plugins/kafka/embedded"
)

const (
	startTimeout   = 15 * time.Second
	catchUpTimeout = 20 * time.Second
)

// Options are what a demonstration needs.
type Options struct {
	Catalog *plugin.Catalog
	// Duration is how long the source is written to.
	Duration time.Duration
	Out      io.Writer
	// Screen draws on the terminal behind Out; nil if it is none.
	Screen *status.Screen
}

// Run shows the demonstration. It fails if the mirror fails or if the two
// clusters do not hold the same in the end.
func Run(ctx context.Context, o Options) error {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	err := run(ctx, o, logger)
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(o.Out, "\nThe log of the run:\n%s", log.String())
	}
	return err
}

func run(ctx context.Context, o Options, log *slog.Logger) error {
	cfg, err := load(o.Catalog)
	if err != nil {
		return err
	}
	clusters, err := embedded.Start(cfg.Clusters, log)
	if err != nil {
		return err
	}
	defer clusters.Close()
	east, west, err := connect(cfg)
	if err != nil {
		return err
	}
	defer east.Close()
	defer west.Close()
	if err := east.createTopics(ctx, streams()); err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "Two clusters run in this process, east and west. This file mirrors one to the other:\n\n%s\n", indent(file))

	mirror := start(ctx, runner.New(cfg.Pipelines[0], runner.Options{Log: log}))
	defer mirror.stop()
	traffic, err := newTraffic(east.cluster)
	if err != nil {
		return err
	}
	defer traffic.close()
	if err := show(ctx, o, mirror, traffic, west); err != nil {
		return err
	}
	if err := mirror.stop(); err != nil {
		return err
	}
	return verdict(ctx, o.Out, east, west, traffic.aborted())
}

func verdict(ctx context.Context, out io.Writer, east, west *side, aborted int64) error {
	fmt.Fprintln(out, "\nThe traffic has ended and the lag is 0. Reading both clusters from the first record to the last ...")
	sum, differences, err := compare(ctx, east, west)
	if err != nil {
		return err
	}
	if len(differences) > 0 {
		for _, d := range differences {
			fmt.Fprintln(out, "  "+d)
		}
		return fmt.Errorf("the two clusters differ in at least %d places", len(differences))
	}
	fmt.Fprintf(out, `Equal: %d topics, %d partitions, %s records, %s. Compared were keys, values, headers in
order, timestamps, partitions and the order of records. %s records of aborted transactions
were written to east, and none of them arrived. The topic that the file excludes stayed there.

Next: put the addresses of two clusters of your own into the file above, save it as
mirror.hcl, and
  klamm validate mirror.hcl
  klamm run mirror.hcl --listen 127.0.0.1:9644
`, sum.topics, sum.partitions, status.Count(sum.records), status.Size(sum.bytes), status.Count(aborted))
	return nil
}
