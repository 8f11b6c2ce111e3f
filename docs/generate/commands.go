// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/klamm-io/klamm/cmd/command"
)

func commandsPage() string {
	program := command.Program{
		Version: "reference", Stdout: io.Discard, Stderr: io.Discard,
		LookupEnv: func(string) (string, bool) { return "", false },
	}
	root := program.Root()
	p := newPage("Commands")
	p.text("%s\nPATH is a file or a directory, and the current directory if none is given.", root.Long)
	commandSections(p, root)
	p.heading(2, "Exit codes")
	var rows [][]string
	for _, e := range command.ExitCodes() {
		rows = append(rows, []string{strconv.Itoa(int(e.Code)), prose(e.Meaning)})
	}
	p.table([]string{"Code", "Meaning"}, rows)
	p.heading(2, "JSON")
	p.text("`--json` prints one object, whatever the command: `command`, `ok`, `summary` (a sentence), `result` and `error`, which is\n" +
		"null or has `exit_code` and `message`. The result of `validate` is the document of Terraform's `validate -json`, with `clusters`\n" +
		"and `pipelines` beside it.")
	p.heading(2, "Environment")
	p.table([]string{"Variable", "What it does"}, [][]string{
		{code("KLAMM_VAR_NAME"), "sets the variable NAME"},
		{code("KLAMM_TOKEN"), "the token that changes over --server need, unless --token is given"},
		{code("NO_COLOR"), "if not empty: no colours"},
		{code("CI"), "if not empty: nothing that moves on the terminal"},
	})
	return p.String()
}

// commandSections writes a section for each command, and for those below it.
func commandSections(p *page, parent *cobra.Command) {
	for _, cmd := range parent.Commands() {
		if !cmd.IsAvailableCommand() || cmd.Name() == "help" {
			continue
		}
		p.heading(2, cmd.CommandPath())
		p.text("```\n%s\n```", cmd.UseLine())
		description := cmd.Long
		if description == "" {
			description = cmd.Short + "."
		}
		p.text("%s", description)
		p.table([]string{"Flag", "Default", "What it does"}, flagRows(cmd))
		commandSections(p, cmd)
	}
}

func flagRows(cmd *cobra.Command) [][]string {
	var rows [][]string
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + value
		}
		byDefault := f.DefValue
		if byDefault == "[]" || byDefault == "false" {
			byDefault = ""
		}
		rows = append(rows, []string{code(name), code(byDefault), prose(usage)})
	})
	return rows
}
