// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"

	"github.com/klamm-io/klamm/core/operator"
	"github.com/klamm-io/klamm/sdk"
)

// ExitCode is what a command ends with.
type ExitCode int

// The exit codes.
const (
	OK          ExitCode = 0
	RunTime     ExitCode = 1
	Usage       ExitCode = 2
	Environment ExitCode = 3
	Gate        ExitCode = 4
)

// ExitMeaning documents an exit code.
type ExitMeaning struct {
	Code    ExitCode
	Meaning string
}

// ExitCodes is the one table of exit codes.
func ExitCodes() []ExitMeaning {
	return []ExitMeaning{
		{OK, "The command did what it was asked to. A run that a signal stops, and that drained, ends like this too."},
		{RunTime, "Something failed while running; a bounded run in which a partition stopped ends like this. If several pipelines fail, this code wins over 3."},
		{Usage, "The configuration or the command line is wrong. Nothing was started."},
		{Environment, "The surroundings do not fit: a cluster cannot be reached or refuses, an address is taken, a precondition is not met."},
		{Gate, "A gate is not met, or changes are pending: `fmt --check` found files that are not in their canonical form."},
	}
}

// exitCode finds the code of an error. Of several joined errors the one of the
// run counts most.
func exitCode(err error) ExitCode {
	if err == nil {
		return OK
	}
	if told, ok := errors.AsType[toldError](err); ok {
		return told.code
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		code := OK
		for _, e := range joined.Unwrap() {
			if c := exitCode(e); code == OK || c == RunTime {
				code = c
			}
		}
		return code
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return Usage
	}
	if _, ok := errors.AsType[*operator.RequestError](err); ok {
		return Usage
	}
	if _, ok := errors.AsType[*sdk.EnvironmentError](err); ok {
		return Environment
	}
	return RunTime
}

// usageError is a command line that cannot be meant.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// toldError is an error that the user has been told already.
type toldError struct {
	code ExitCode
	err  error
}

func (e toldError) Error() string { return e.err.Error() }
func (e toldError) Unwrap() error { return e.err }
