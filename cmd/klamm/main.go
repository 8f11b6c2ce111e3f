// SPDX-License-Identifier: Apache-2.0

// Klamm moves Kafka streams that are declared in HCL files.
package main

import (
	"os"

	"github.com/klamm-io/klamm/cmd/command"
)

// Set by the linker (see the Makefile). A plain `go build` leaves them empty,
// and the build information of the binary is used.
var version, commit string

func main() {
	ctx, stop := withSignals(os.Stderr)
	program := command.Program{Version: version, Commit: commit, Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv, Reloads: hangups}
	code := program.Execute(ctx, os.Args[1:])
	stop()
	os.Exit(int(code))
}
