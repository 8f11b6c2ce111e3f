// SPDX-License-Identifier: Apache-2.0

// Package command is klamm's command line: commands, flags, exit codes and
// what goes to which stream. It has no logic of its own. It stands beside
// cmd/klamm, and not in it, so that the reference in docs/ can be generated
// from the commands themselves.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/plugin"
	"github.com/klamm-io/klamm/plugins"
	"github.com/klamm-io/klamm/sdk"
)

// Program is klamm with what surrounds it.
type Program struct {
	// Version is what the binary was built as, Commit from what; empty asks
	// its build information.
	Version, Commit string
	// Stdout takes results, Stderr logs, progress and errors.
	Stdout, Stderr io.Writer
	LookupEnv      func(string) (string, bool)
	// Plugins are those that files can name; nil is the built-in ones.
	Plugins []sdk.Plugin
	// Reloads begins to listen for requests to read the files again, such as
	// SIGHUP, until ctx ends; nil is none.
	Reloads func(ctx context.Context) <-chan struct{}
}

// Execute runs one command line. When ctx ends, what runs is drained.
func (p *Program) Execute(ctx context.Context, args []string) ExitCode {
	root := p.Root()
	root.SetArgs(doubleDashed(args))
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return OK
	}
	p.report(cmd, err)
	return exitCode(err)
}

// Root makes the tree of commands.
func (p *Program) Root() *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use:   "klamm",
		Short: "Moves Kafka streams that are declared in HCL files",
		Long: `Klamm moves Kafka topics between clusters, as HCL files say.

Results go to standard output; logs, progress and errors to standard error.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		// How many letters of a command may be wrong for it to be suggested.
		SuggestionsMinimumDistance: 2,
		Args:                       refuseUnknown,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !version {
				return cmd.Help()
			}
			sub := p.versionCommand()
			return sub.RunE(sub, nil)
		},
	}
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.Flags().BoolVar(&version, "version", false, "print the version, as the command version does")
	root.AddCommand(p.validateCommand(), p.fmtCommand(), p.expandCommand(), p.runCommand(), p.demoCommand())
	root.AddCommand(p.versionCommand(), p.completionCommand())
	root.AddCommand(p.statusCommand(), p.positionsCommand(), p.gapsCommand(), p.pauseCommand(), p.resumeCommand())
	root.AddCommand(laterCommands()...)
	p.complete(root)
	return root
}

// laterCommands come with later versions; they are refused by name.
func laterCommands() []*cobra.Command {
	names := []string{
		"plan", "apply", "lag", "verify", "translate",
		"failover", "failback", "plugin", "import", "bench",
	}
	var all []*cobra.Command
	for _, name := range names {
		err := usageError{fmt.Errorf("the command %q is not part of this version", name)}
		all = append(all, &cobra.Command{
			Use: name, Short: "Not part of this version", Hidden: true, DisableFlagParsing: true,
			RunE: func(*cobra.Command, []string) error { return err },
		})
	}
	return all
}

// refuseUnknown is reached with arguments only if they name no command.
func refuseUnknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usageError{fmt.Errorf("there is no command %q; did you mean %q?", args[0], near[0])}
	}
	return usageError{fmt.Errorf("there is no command %q", args[0])}
}

func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", args[0])}
	}
	return nil
}

// doubleDashed lets -var and -var-file be written as in Terraform.
func doubleDashed(args []string) []string {
	out := make([]string, 0, len(args))
	for i, a := range args {
		if a == "--" {
			return append(out, args[i:]...)
		}
		if name, _, _ := strings.Cut(a, "="); name == "-var" || name == "-var-file" {
			a = "-" + a
		}
		out = append(out, a)
	}
	return out
}

// report tells an error to whoever typed the command.
func (p *Program) report(cmd *cobra.Command, err error) {
	if _, told := errors.AsType[toldError](err); told {
		return
	}
	if _, usage := errors.AsType[usageError](err); usage {
		if cmd.Hidden {
			cmd = cmd.Root()
		}
		fmt.Fprintf(p.Stderr, "klamm: %v\nSee `%s --help`.\n", err, cmd.CommandPath())
		return
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(p.Stderr, "klamm: %s\n", strings.TrimRight(line, "\n"))
	}
}

func (p *Program) catalog() (*plugin.Catalog, error) {
	if p.Plugins == nil {
		return plugin.NewCatalog(plugins.All())
	}
	return plugin.NewCatalog(p.Plugins)
}
