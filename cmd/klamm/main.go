// SPDX-License-Identifier: Apache-2.0

// Klamm moves Kafka streams that are declared in HCL files.
package main

import (
	"os"

	"github.com/klamm-io/klamm/cmd/command"
)

// version is set by the linker (see the Makefile); a plain `go build` leaves
// it empty and the build information of the binary is used.
var version string

func main() {
	ctx, stop := withSignals(os.Stderr)
	program := command.Program{Version: version, Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv}
	code := program.Execute(ctx, os.Args[1:])
	stop()
	os.Exit(int(code))
}
