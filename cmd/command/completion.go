// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/klamm-io/klamm/core/config"
)

// shells are what scripts can be made for.
func shells(root *cobra.Command) map[string]func(io.Writer) error {
	return map[string]func(io.Writer) error{
		"bash":       func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"zsh":        root.GenZshCompletion,
		"fish":       func(w io.Writer) error { return root.GenFishCompletion(w, true) },
		"powershell": root.GenPowerShellCompletionWithDesc,
	}
}

func (p *Program) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Prints a script that completes klamm's command lines",
		Long: `Prints a script for a shell that completes klamm's commands, flags, files and pipelines.
To have it in the current session: source <(klamm completion bash)`,
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || shells(cmd.Root())[args[0]] == nil {
				return usageError{fmt.Errorf("name one shell: bash, zsh, fish or powershell")}
			}
			return shells(cmd.Root())[args[0]](p.Stdout)
		},
	}
}

// complete says how arguments and flags are completed, going by what commands
// say about them: PATH is a file, --pipeline one of those in the files, and a
// flag of the value a|b one of these.
func (p *Program) complete(parent *cobra.Command) {
	for _, cmd := range parent.Commands() {
		if strings.Contains(cmd.Use, "PATH") {
			cmd.ValidArgsFunction = completeFiles
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			value, _ := pflag.UnquoteUsage(f)
			var how cobra.CompletionFunc
			switch {
			case f.Name == "pipeline":
				how = p.completePipelines
			case strings.Contains(value, "|"):
				how = cobra.FixedCompletions(strings.Split(value, "|"), cobra.ShellCompDirectiveNoFileComp)
			case f.Name == "var-file", f.Value.Type() == "bool":
				return
			default:
				how = cobra.NoFileCompletions
			}
			// It fails for a flag that the command does not have, and it has.
			_ = cmd.RegisterFlagCompletionFunc(f.Name, how)
		})
		p.complete(cmd)
	}
}

// completeFiles completes directories too.
func completeFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"hcl", "hcl.json"}, cobra.ShellCompDirectiveFilterFileExt
}

// completePipelines names the pipelines of the files on the command line; files
// that are wrong have none.
func (p *Program) completePipelines(cmd *cobra.Command, paths []string, _ string) ([]string, cobra.ShellCompDirective) {
	var in input
	if f := cmd.Flags().Lookup("var"); f != nil {
		if given, is := f.Value.(assignments); is {
			in.vars = *given.all
		}
	}
	cfg, _, err := p.read(paths, in)
	if err != nil || cfg == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return pipelineNames(cfg), cobra.ShellCompDirectiveNoFileComp
}

func pipelineNames(cfg *config.Config) []string {
	names := []string{}
	for _, pl := range cfg.Pipelines {
		names = append(names, pl.Name)
	}
	return names
}
