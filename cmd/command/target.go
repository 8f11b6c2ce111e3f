// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/operator"
	"github.com/klamm-io/klamm/sdk"
)

// target is which pipelines a command asks about, at the clusters they write to.
type target struct {
	input
	pipelines []string
}

func (t *target) flags(cmd *cobra.Command) {
	t.input.flags(cmd)
	cmd.Flags().StringArrayVar(&t.pipelines, "pipeline", nil, "only the pipeline of this `NAME`; may be repeated")
}

// pipelinesOf loads files and picks pipelines that can be asked about.
func (p *Program) pipelinesOf(paths []string, t target) ([]*config.Pipeline, error) {
	cfg, err := p.load(paths, t.input)
	if err != nil {
		return nil, err
	}
	chosen, err := choose(cfg.Pipelines, t.pipelines)
	if err != nil {
		return nil, err
	}
	for _, pl := range chosen {
		for _, end := range []any{pl.Source.Config, pl.Sink.Config} {
			if c, ok := end.(sdk.Clustered); ok && c.UsesCluster() != nil && c.UsesCluster().Embedded {
				return nil, usageError{fmt.Errorf("pipeline %s: cluster %s is embedded: it exists only inside the process that runs it; ask that one with --server (status, pause and resume have it)", pl.Name, c.UsesCluster().Name)}
			}
		}
	}
	return chosen, nil
}

// desk opens the desk of the one pipeline that is meant. The caller closes it.
func (p *Program) desk(ctx context.Context, paths []string, t target) (*operator.Desk, error) {
	chosen, err := p.pipelinesOf(paths, t)
	if err != nil {
		return nil, err
	}
	if len(chosen) != 1 {
		var names []string
		for _, pl := range chosen {
			names = append(names, pl.Name)
		}
		return nil, usageError{fmt.Errorf("this is about one pipeline, and there are %q: choose one with --pipeline NAME", names)}
	}
	return operator.Open(ctx, chosen[0], slog.New(slog.DiscardHandler))
}

// scopeFlags say which part of a pipeline is meant.
type scopeFlags struct {
	topic     string
	partition int32
}

func (s *scopeFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.topic, "topic", "", "the source `TOPIC`")
	cmd.Flags().Int32Var(&s.partition, "partition", -1, "the partition `NUMBER`; needs --topic")
}

// check refuses flags that do not go together.
func (s *scopeFlags) check(cmd *cobra.Command) error {
	switch {
	case cmd.Flags().Changed("topic") && s.topic == "":
		return usageError{fmt.Errorf("--topic is empty")}
	case cmd.Flags().Changed("partition") && s.topic == "":
		return usageError{fmt.Errorf("--partition needs --topic")}
	case cmd.Flags().Changed("partition") && s.partition < 0:
		return usageError{fmt.Errorf("--partition %d: partitions count from 0", s.partition)}
	}
	return nil
}

// one is the partition that is meant.
func (s *scopeFlags) one(cmd *cobra.Command) (sdk.TopicPartition, error) {
	if err := s.check(cmd); err != nil {
		return sdk.TopicPartition{}, err
	}
	if s.topic == "" || s.partition < 0 {
		return sdk.TopicPartition{}, usageError{fmt.Errorf("which partition? write --topic TOPIC --partition NUMBER")}
	}
	return sdk.TopicPartition{Topic: s.topic, Partition: s.partition}, nil
}

// selection is what a --topic GLOB selects; empty is everything.
func selection(glob string) (*sdk.Selection, error) {
	if glob == "" {
		glob = "*"
	}
	s, err := sdk.NewSelection([]string{glob})
	if err != nil {
		return nil, usageError{fmt.Errorf("--topic: %w", err)}
	}
	return s, nil
}
