// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/operator"
)

func (p *Program) positionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "positions",
		Short: "Lists positions and moves them by hand",
		Long: `Lists how far the partitions of a pipeline were read, and moves positions by hand. It works
beside running processes and without any: a process that owns the partition carries the
change out itself, without interrupting any other partition. What is passed over is written
down as a gap (see klamm gaps).`,
		Args:                       refuseUnknown,
		SuggestionsMinimumDistance: 2,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.positionsListCommand(), p.positionsSetCommand(), p.positionsResetCommand(), p.positionsSkipCommand())
	return cmd
}

// positionsList is the result of `klamm positions list --json`.
type positionsList struct {
	Pipeline    string               `json:"pipeline"`
	SourceError string               `json:"source_error,omitempty"`
	Partitions  []operator.Partition `json:"partitions"`
}

func (p *Program) positionsListCommand() *cobra.Command {
	var t target
	var glob string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [PATH...]",
		Short: "Lists the positions of a pipeline",
		Long: `Lists the positions of a pipeline as its target has them; a running process stores them once
a second.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			a, err := p.listPositions(cmd.Context(), paths, t, glob)
			return p.reply("positions list", asJSON, a, err)
		},
	}
	t.flags(cmd)
	cmd.Flags().StringVar(&glob, "topic", "", "only topics that match this `GLOB`, or /regular expression/")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func (p *Program) listPositions(ctx context.Context, paths []string, t target, glob string) (answer, error) {
	wanted, err := selection(glob)
	if err != nil {
		return answer{}, err
	}
	desk, err := p.desk(ctx, paths, t)
	if err != nil {
		return answer{}, err
	}
	defer desk.Close()
	r, err := desk.Report(ctx)
	if err != nil {
		return answer{}, err
	}
	list := positionsList{Pipeline: r.Pipeline, SourceError: r.SourceError, Partitions: []operator.Partition{}}
	for _, part := range r.Partitions {
		if wanted.Match(part.Topic) {
			list.Partitions = append(list.Partitions, part)
		}
	}
	return answer{plural(len(list.Partitions), "position"), list, list.write}, nil
}

func (l positionsList) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TOPIC\tPARTITION\tPOSITION\tEND\tLAG\tSTATE\tLANE\tTARGET")
	for _, part := range l.Partitions {
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\t%s\t%d\t%s\n", part.Topic, part.Partition, part.Offset,
			known(part.End), known(part.LagRecords), part.State, part.Lane, part.Target)
	}
	if err := t.Flush(); err != nil || l.SourceError == "" {
		return err
	}
	_, err := fmt.Fprintf(w, "The ends are not known: %s\n", l.SourceError)
	return err
}

// known writes a number that may be unknown.
func known(n int64) string {
	if n < 0 {
		return "?"
	}
	return fmt.Sprint(n)
}
