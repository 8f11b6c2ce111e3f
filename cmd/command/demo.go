// SPDX-License-Identifier: Apache-2.0

package command

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/cmd/demo"
)

func (p *Program) demoCommand() *cobra.Command {
	var duration time.Duration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Shows a live mirror between two clusters inside this process",
		Long: `Starts two embedded clusters, writes to one of them, mirrors it to the other with a real
pipeline, and then compares both sides record by record. It needs nothing installed and
leaves nothing behind. It fails if the two sides differ.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.catalog()
			if err != nil {
				return err
			}
			return demo.Run(cmd.Context(), demo.Options{
				Catalog: c, Duration: duration, Out: p.Stdout, Screen: p.screen(p.Stdout),
			})
		},
	}
	cmd.Flags().DurationVar(&duration, "duration", 8*time.Second, "how long to write to the source")
	return cmd
}
