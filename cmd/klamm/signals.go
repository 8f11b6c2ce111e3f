// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/klamm-io/klamm/cmd/command"
)

// withSignals returns a context that the first SIGINT or SIGTERM ends, which
// drains; a second one ends the process at once.
func withSignals(stderr io.Writer) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		fmt.Fprintln(stderr, "klamm: ended at once by a second signal; what was in flight is copied again at the next start")
		os.Exit(int(command.RunTime))
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel()
	}
}
