// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/config"
)

// input is which files are read, and with what variables.
type input struct{ vars []config.Assignment }

func (in *input) flags(cmd *cobra.Command) {
	one := assignments{&in.vars, func(text string) config.Assignment { return config.Assignment{Var: text} }}
	file := assignments{&in.vars, func(text string) config.Assignment { return config.Assignment{File: text} }}
	cmd.Flags().Var(one, "var", "set a variable: `NAME=VALUE`; may be repeated, and written -var")
	cmd.Flags().Var(file, "var-file", "set the variables of a `FILE`: NAME = VALUE, or a JSON object if it ends in .json; may be repeated, and written -var-file")
}

// assignments is a flag that adds to a list it shares with another flag, so
// that of --var and --var-file the later one wins.
type assignments struct {
	all  *[]config.Assignment
	make func(text string) config.Assignment
}

func (a assignments) Set(text string) error {
	*a.all = append(*a.all, a.make(text))
	return nil
}

func (a assignments) Type() string   { return "string" }
func (a assignments) String() string { return "" }

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
	c, err := p.catalog()
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
