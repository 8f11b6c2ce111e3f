// SPDX-License-Identifier: Apache-2.0

package command

import (
	"encoding/json"
	"errors"
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

// answer is what a command found out or did.
type answer struct {
	summary string
	result  any
	text    func(io.Writer) error // for people
}

// reply prints an answer, or with --json the envelope, also of an error.
func (p *Program) reply(command string, asJSON bool, a answer, err error) error {
	if !asJSON {
		if a.text != nil {
			err = errors.Join(a.text(p.Stdout), err)
		}
		return err
	}
	e := envelopeOf(command, a, err)
	if writeErr := e.write(p.Stdout); writeErr != nil {
		return writeErr
	}
	if err != nil {
		return toldError{e.Error.ExitCode, err}
	}
	return nil
}

func envelopeOf(command string, a answer, err error) envelope {
	e := envelope{Command: command, OK: err == nil, Summary: a.summary, Result: a.result}
	if err != nil {
		e.Error = &failure{exitCode(err), err.Error()}
		if e.Summary == "" {
			e.Summary = err.Error()
		}
	}
	return e
}

// writeLine writes the envelope as one line, for answers that follow each other.
func (e envelope) writeLine(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(e)
}
