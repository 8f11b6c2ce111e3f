// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/config"
)

// validation is the result of `klamm validate --json`: the document that
// Terraform prints, and what was found beside it.
type validation struct {
	FormatVersion string              `json:"format_version"`
	Valid         bool                `json:"valid"`
	ErrorCount    int                 `json:"error_count"`
	WarningCount  int                 `json:"warning_count"`
	Diagnostics   []config.Diagnostic `json:"diagnostics"`
	Clusters      []string            `json:"clusters"`
	Pipelines     []string            `json:"pipelines"`
}

func (p *Program) validateCommand() *cobra.Command {
	var in input
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "validate [PATH...]",
		Short: "Checks files without connecting to anything",
		Long: `Checks the configuration that the given files and directories make up together, without
connecting to anything. What is wrong is told with its place, all at once.`,
		RunE: func(_ *cobra.Command, paths []string) error {
			if asJSON {
				return p.validateJSON(paths, in)
			}
			cfg, err := p.load(paths, in)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(p.Stdout, sound(cfg))
			return err
		},
	}
	in.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func sound(cfg *config.Config) string {
	return fmt.Sprintf("The configuration is valid: %s, %s.",
		plural(len(cfg.Clusters), "cluster"), plural(len(cfg.Pipelines), "pipeline"))
}

func (p *Program) validateJSON(paths []string, in input) error {
	cfg, diags, err := p.read(paths, in)
	if err != nil {
		return err
	}
	errs := countErrors(diags)
	result := validation{
		FormatVersion: "1.0", Valid: errs == 0, ErrorCount: errs, WarningCount: len(diags) - errs,
		Diagnostics: config.Describe(diags), Clusters: []string{}, Pipelines: []string{},
	}
	if errs > 0 {
		e := envelope{Command: "validate", Summary: unsound(diags), Result: result, Error: &failure{Usage, unsound(diags)}}
		if err := e.write(p.Stdout); err != nil {
			return err
		}
		return toldError{Usage, diags}
	}
	for _, c := range cfg.Clusters {
		result.Clusters = append(result.Clusters, c.Name)
	}
	result.Pipelines = pipelineNames(cfg)
	return envelope{Command: "validate", OK: true, Summary: sound(cfg), Result: result}.write(p.Stdout)
}

func unsound(diags hcl.Diagnostics) string {
	return fmt.Sprintf("The configuration is not valid: %s.", plural(countErrors(diags), "error"))
}

func countErrors(diags hcl.Diagnostics) int {
	n := 0
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			n++
		}
	}
	return n
}
