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

// hangups asks for a reload with each SIGHUP, until ctx ends; one that comes while
// another waits is the same. Where SIGHUP is ignored, as under nohup, it stays so.
func hangups(ctx context.Context) <-chan struct{} {
	reloads := make(chan struct{}, 1)
	if signal.Ignored(syscall.SIGHUP) {
		return reloads
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		defer signal.Stop(signals)
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
			}
			select {
			case reloads <- struct{}{}:
			default:
			}
		}
	}()
	return reloads
}
