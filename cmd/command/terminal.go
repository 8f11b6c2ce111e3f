// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/klamm-io/klamm/core/status"
)

// screen returns nil if the stream is no terminal, or one where nothing should
// move.
func (p *Program) screen(w io.Writer) *status.Screen {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	if ci, _ := p.LookupEnv("CI"); ci != "" {
		return nil
	}
	if kind, _ := p.LookupEnv("TERM"); kind == "dumb" {
		return nil
	}
	return status.NewScreen(f, func() int {
		columns, _, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 80
		}
		return columns
	})
}

func (p *Program) colour() bool {
	no, _ := p.LookupEnv("NO_COLOR")
	return no == ""
}

// fit leaves out the lines that do not fit on the terminal: what has scrolled away
// could not be drawn over.
func (p *Program) fit(lines []string) []string {
	f, ok := p.Stdout.(*os.File)
	if !ok {
		return lines
	}
	_, rows, err := term.GetSize(int(f.Fd()))
	if err != nil || rows < 3 || len(lines) < rows {
		return lines
	}
	return append(lines[:rows-2:rows-2], fmt.Sprintf("... and %s", plural(len(lines)-rows+2, "more line")))
}
