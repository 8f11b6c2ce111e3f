// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

type versionInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (p *Program) versionInfo() versionInfo {
	v := versionInfo{Version: p.Version, Commit: p.Commit, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		if v.Version == "" {
			v.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && v.Commit == "" {
				v.Commit = s.Value
			}
		}
	}
	if v.Version == "" {
		v.Version = "(devel)"
	}
	return v
}

func (p *Program) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Prints the version",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			v := p.versionInfo()
			summary := "klamm " + v.Version
			if asJSON {
				return envelope{Command: "version", OK: true, Summary: summary, Result: v}.write(p.Stdout)
			}
			commit := ""
			if v.Commit != "" {
				commit = "commit " + v.Commit + " "
			}
			_, err := fmt.Fprintf(p.Stdout, "%s %s%s %s\n", summary, commit, v.Go, v.Platform)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
