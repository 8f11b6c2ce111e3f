// SPDX-License-Identifier: Apache-2.0

package command

import (
	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/config"
)

func (p *Program) expandCommand() *cobra.Command {
	var in input
	cmd := &cobra.Command{
		Use:   "expand [PATH...]",
		Short: "Prints the pipelines that files amount to",
		Long: `Prints the pipelines that files amount to, as HCL: mirrors and for_each written out,
variables and functions evaluated, defaults filled in. Secrets are printed as "***".`,
		RunE: func(_ *cobra.Command, paths []string) error {
			cfg, err := p.load(paths, in)
			if err != nil {
				return err
			}
			return config.Expand(p.Stdout, cfg)
		},
	}
	in.flags(cmd)
	return cmd
}
