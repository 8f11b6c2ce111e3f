// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/core/operator"
	"github.com/klamm-io/klamm/core/status"
	"github.com/klamm-io/klamm/sdk"
)

type gapsFlags struct {
	target
	topic, since string
	asJSON       bool
}

func (p *Program) gapsCommand() *cobra.Command {
	var f gapsFlags
	cmd := &cobra.Command{
		Use:   "gaps [PATH...]",
		Short: "Lists what was passed over",
		Long: `Lists the gap records of pipelines: every range of source offsets that was passed over because
a setting (on_gap, on_truncate, on_recreate) or a person (positions) let a partition go on
behind it. Klamm never removes them.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			a, err := p.gaps(cmd.Context(), paths, f)
			return p.reply("gaps", f.asJSON, a, err)
		},
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&f.topic, "topic", "", "only topics that match this `GLOB`, or /regular expression/")
	cmd.Flags().StringVar(&f.since, "since", "", "only gaps made within a `DURATION` (24h), or since an RFC 3339 time")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print one JSON object")
	return cmd
}

// gapRange is [from, to); without an end it is the rest of a topic that is gone.
type gapRange struct {
	From  int64  `json:"from"`
	To    *int64 `json:"to"`
	Count *int64 `json:"count"`
}

func rangeOf(o sdk.Offsets) gapRange {
	if o.To == ledger.OpenEnd {
		return gapRange{From: o.From}
	}
	n := o.Count()
	return gapRange{o.From, &o.To, &n}
}

func (r gapRange) String() string {
	if r.To == nil {
		return fmt.Sprintf("[%d, end of the old topic)", r.From)
	}
	return fmt.Sprintf("[%d, %d), %s", r.From, *r.To, plural(int(*r.Count), "offset"))
}

// gapsList is the result of `klamm gaps --json`.
type gapsList struct {
	Gaps []status.Gap `json:"gaps"`
}

// gaps asks one pipeline after the other; one that fails does not hide the others.
func (p *Program) gaps(ctx context.Context, paths []string, f gapsFlags) (answer, error) {
	wanted, err := selection(f.topic)
	if err != nil {
		return answer{}, err
	}
	since, err := sinceFlag(f.since, time.Now())
	if err != nil {
		return answer{}, err
	}
	chosen, err := p.pipelinesOf(paths, f.target)
	if err != nil {
		return answer{}, err
	}
	list := gapsList{Gaps: []status.Gap{}}
	var failed []error
	for _, pl := range chosen {
		gaps, err := gapsOf(ctx, pl)
		if err != nil && !errors.Is(err, sdk.ErrNoStore) {
			failed = append(failed, err)
		}
		for _, g := range gaps {
			if wanted.Match(g.Topic) && !g.At.Before(since) {
				list.Gaps = append(list.Gaps, status.GapOf(pl.Name, g))
			}
		}
	}
	return answer{plural(len(list.Gaps), "gap"), list, list.write}, errors.Join(failed...)
}

func gapsOf(ctx context.Context, pl *config.Pipeline) ([]ledger.Gap, error) {
	desk, err := operator.Open(ctx, pl, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer desk.Close()
	return desk.Gaps(ctx)
}

func sinceFlag(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, usageError{fmt.Errorf("--since %q: write a duration such as 24h, or a time such as 2026-11-23T08:00:00Z", text)}
	}
	return t, nil
}

func (l gapsList) write(w io.Writer) error {
	if len(l.Gaps) == 0 {
		_, err := fmt.Fprintln(w, "No gaps.")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TIME\tPIPELINE\tTOPIC\tPARTITION\tFROM\tTO\tCOUNT\tREASON\tCAUSE")
	for _, g := range l.Gaps {
		to, count := "end of the old topic", "?"
		if g.To != nil {
			to, count = fmt.Sprint(*g.To), fmt.Sprint(*g.Count)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\n", g.At.UTC().Format(time.RFC3339), g.Pipeline,
			g.Topic, g.Partition, g.From, to, count, g.Reason, g.Cause)
	}
	return t.Flush()
}
