// SPDX-License-Identifier: Apache-2.0

package command

import (
	"encoding/json"
	"io"
)

// envelope is what --json prints, whatever the command. All five names are
// always there.
type envelope struct {
	Command string   `json:"command"`
	OK      bool     `json:"ok"`
	Summary string   `json:"summary"`
	Result  any      `json:"result"`
	Error   *failure `json:"error"`
}

type failure struct {
	ExitCode ExitCode `json:"exit_code"`
	Message  string   `json:"message"`
}

func (e envelope) write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(e)
}
