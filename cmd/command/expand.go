// SPDX-License-Identifier: Apache-2.0

package command

import (
	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/config"
)

func (p *Program) expandCommand() *cobra.Command {
	var in input
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "expand [PATH...]",
		Short: "Prints the pipelines that files amount to",
		Long: `Prints the pipelines that files amount to, as HCL: mirrors and for_each written out,
variables and functions evaluated, defaults filled in. Secrets are printed as "***". The
result of --json is the same in HCL's JSON syntax: as a *.hcl.json file it loads again.`,
		RunE: func(_ *cobra.Command, paths []string) error {
			if asJSON {
				return p.expandJSON(paths, in)
			}
			cfg, err := p.load(paths, in)
			if err != nil {
				return err
			}
			return config.Expand(p.Stdout, cfg)
		},
	}
	in.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func (p *Program) expandJSON(paths []string, in input) error {
	cfg, diags, err := p.read(paths, in)
	switch {
	case err != nil:
		return err
	case diags.HasErrors():
		e := envelope{Command: "expand", Summary: unsound(diags), Error: &failure{Usage, unsound(diags)}}
		if err := e.write(p.Stdout); err != nil {
			return err
		}
		if err := config.WriteDiagnostics(p.Stderr, diags, p.screen(p.Stderr) != nil && p.colour()); err != nil {
			return err
		}
		return toldError{Usage, diags}
	}
	summary := plural(len(cfg.Clusters), "cluster") + ", " + plural(len(cfg.Pipelines), "pipeline") + "."
	return envelope{Command: "expand", OK: true, Summary: summary, Result: config.ExpandJSON(cfg)}.write(p.Stdout)
}
