// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/core/operator"
	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/sdk"
)

// moveFlags are what the commands that move positions have in common.
type moveFlags struct {
	target
	scopeFlags
	dryRun, asJSON bool
}

func (f *moveFlags) flags(cmd *cobra.Command) {
	f.target.flags(cmd)
	f.scopeFlags.flags(cmd)
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what would be done, and do nothing")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print one JSON object")
}

// plan makes the changes that a command stands for.
type plan func(ctx context.Context, d *operator.Desk) ([]*operator.Change, error)

func (p *Program) positionsSetCommand() *cobra.Command {
	var f moveFlags
	var offset int64
	cmd := &cobra.Command{
		Use:   "set [PATH...]",
		Short: "Moves a position to an offset",
		Long: `Lets a partition go on at an offset of its log, forward or back. What lies between is passed
over and written down as a gap, or copied again.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			tp, err := f.one(cmd)
			if err == nil && !cmd.Flags().Changed("offset") {
				err = usageError{errors.New("where to? write --offset OFFSET")}
			}
			return p.move(cmd.Context(), "positions set", paths, f, err, func(ctx context.Context, d *operator.Desk) ([]*operator.Change, error) {
				return one(d.Set(ctx, tp, offset))
			})
		},
	}
	f.flags(cmd)
	cmd.Flags().Int64Var(&offset, "offset", 0, "the source `OFFSET` that is read next")
	return cmd
}

func (p *Program) positionsResetCommand() *cobra.Command {
	var f moveFlags
	var where string
	var all bool
	cmd := &cobra.Command{
		Use:   "reset [PATH...]",
		Short: "Moves positions to the beginning, the end or a time",
		Long: `Lets a partition, a topic or all topics go on at a place named as in since: "earliest",
"latest", an RFC 3339 time, or an offset. A place outside a log is its nearer end. What lies
between is passed over and written down as gaps, or copied again.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			err := f.check(cmd)
			switch {
			case err != nil:
			case all == (f.topic != ""):
				err = usageError{errors.New("of what? write either --topic TOPIC or --all-topics")}
			case where == "":
				err = usageError{errors.New("where to? write --to earliest, --to latest, or --to with a time or an offset")}
			}
			scope := ledger.Scope{Topic: f.topic, Partition: f.partition}
			return p.move(cmd.Context(), "positions reset", paths, f, err, func(ctx context.Context, d *operator.Desk) ([]*operator.Change, error) {
				return d.Reset(ctx, scope, where)
			})
		},
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&where, "to", "", "`WHERE` to: earliest, latest, an RFC 3339 time or an offset")
	cmd.Flags().BoolVar(&all, "all-topics", false, "all partitions that have a position")
	return cmd
}

func (p *Program) positionsSkipCommand() *cobra.Command {
	var f moveFlags
	var to int64
	var all bool
	cmd := &cobra.Command{
		Use:   "skip [PATH...]",
		Short: "Lets a stopped partition go on",
		Long: `Lets a stopped partition go on behind what stopped it: past the records that are lost, or the
one that is refused. What is passed over is written down as a gap. With --to any partition
goes on at an offset further on.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if all {
				return p.skipAll(cmd, paths, f)
			}
			tp, err := f.one(cmd)
			if err == nil && cmd.Flags().Changed("to") && to < 0 {
				err = usageError{fmt.Errorf("--to %d: offsets count from 0", to)}
			}
			return p.move(cmd.Context(), "positions skip", paths, f, err, func(ctx context.Context, d *operator.Desk) ([]*operator.Change, error) {
				return one(d.Skip(ctx, tp, to))
			})
		},
	}
	f.flags(cmd)
	cmd.Flags().Int64Var(&to, "to", -1, "the source `OFFSET` that is read next; without it, the one behind what stopped the partition")
	cmd.Flags().BoolVar(&all, "all-stopped", false, "every stopped partition that has a place to go on")
	return cmd
}

// skipAll skips what can be skipped without an offset. It fails if something else
// is stopped too, and names it.
func (p *Program) skipAll(cmd *cobra.Command, paths []string, f moveFlags) error {
	var err error
	if f.topic != "" || cmd.Flags().Changed("to") {
		err = usageError{errors.New("--all-stopped goes with neither --topic nor --to")}
	}
	var left []error
	err = p.move(cmd.Context(), "positions skip", paths, f, err, func(ctx context.Context, d *operator.Desk) ([]*operator.Change, error) {
		r, err := d.Report(ctx)
		if err != nil {
			return nil, err
		}
		var changes []*operator.Change
		for _, part := range r.Partitions {
			switch {
			case part.State != runner.Stopped:
			case !part.CanSkip:
				left = append(left, fmt.Errorf("not skipped, as there is no place to go on: %s", part.LastError))
			default:
				c, err := d.Skip(ctx, sdk.TopicPartition{Topic: part.Topic, Partition: part.Partition}, -1)
				if err != nil {
					return nil, err
				}
				changes = append(changes, c)
			}
		}
		return changes, nil
	})
	return errors.Join(err, errors.Join(left...))
}

func one(c *operator.Change, err error) ([]*operator.Change, error) {
	if err != nil {
		return nil, err
	}
	return []*operator.Change{c}, nil
}

// move plans and carries out changes, unless the command line is wrong already.
func (p *Program) move(ctx context.Context, command string, paths []string, f moveFlags, wrong error, plan plan) error {
	if wrong != nil {
		return p.reply(command, f.asJSON, answer{}, wrong)
	}
	a, err := p.carryOut(ctx, paths, f, plan)
	return p.reply(command, f.asJSON, a, err)
}

func (p *Program) carryOut(ctx context.Context, paths []string, f moveFlags, plan plan) (answer, error) {
	desk, err := p.desk(ctx, paths, f.target)
	if err != nil {
		return answer{}, err
	}
	defer desk.Close()
	changes, err := plan(ctx, desk)
	if err != nil {
		return answer{}, err
	}
	if !f.dryRun {
		if err := desk.Apply(ctx, changes); err != nil {
			return answer{}, err
		}
	}
	m := moves{Pipeline: desk.Pipeline(), DryRun: f.dryRun, Changes: []moveResult{}}
	for _, c := range changes {
		m.Changes = append(m.Changes, moveOf(c))
	}
	return answer{m.summary(), m, m.write}, nil
}

// moves is the result of the commands that move positions.
type moves struct {
	Pipeline string       `json:"pipeline"`
	DryRun   bool         `json:"dry_run"`
	Changes  []moveResult `json:"changes"`
}

type moveResult struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	From      int64  `json:"from"`
	To        int64  `json:"to"`
	// PassedOver is null if nothing is; RepeatedOffsets are copied again.
	PassedOver      *gapRange `json:"passed_over"`
	RepeatedOffsets int64     `json:"repeated_offsets"`
}

func moveOf(c *operator.Change) moveResult {
	m := moveResult{Topic: c.Topic, Partition: c.Partition, From: c.From.Offset, To: c.To.Offset, RepeatedOffsets: c.Repeats}
	if c.Gap != nil {
		r := rangeOf(c.Gap.Offsets)
		m.PassedOver = &r
	}
	return m
}

func (m moves) summary() string {
	if m.DryRun {
		return plural(len(m.Changes), "position") + " would be moved"
	}
	return plural(len(m.Changes), "position") + " moved"
}

func (m moves) write(w io.Writer) error {
	for _, c := range m.Changes {
		cost := "nothing is passed over or copied again"
		switch {
		case c.PassedOver != nil:
			cost = "passed over: " + c.PassedOver.String()
		case c.RepeatedOffsets > 0:
			cost = "copied again: " + plural(int(c.RepeatedOffsets), "offset")
		}
		if _, err := fmt.Fprintf(w, "topic %s partition %d: %d -> %d, %s\n", c.Topic, c.Partition, c.From, c.To, cost); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "Pipeline %s: %s.\n", m.Pipeline, m.summary())
	return err
}
