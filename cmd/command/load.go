// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/config"
)

// input is which files are read, and with what variables.
type input struct{ vars []string }

func (in *input) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&in.vars, "var", nil, "set a variable: `NAME=VALUE`; may be repeated, and written -var")
}

// load reads a configuration and tells what is wrong with it.
func (p *Program) load(paths []string, in input) (*config.Config, error) {
	cfg, diags, err := p.read(paths, in)
	if err != nil {
		return nil, err
	}
	if err := config.WriteDiagnostics(p.Stderr, diags, p.screen(p.Stderr) != nil && p.colour()); err != nil {
		return nil, err
	}
	if diags.HasErrors() {
		return nil, toldError{Usage, diags}
	}
	return cfg, nil
}

func (p *Program) read(paths []string, in input) (*config.Config, hcl.Diagnostics, error) {
	c, err := catalog()
	if err != nil {
		return nil, nil, err
	}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	cfg, diags := config.Load(paths, config.Options{Catalog: c, Vars: in.vars, LookupEnv: p.LookupEnv})
	return cfg, diags, nil
}

// plural writes a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
