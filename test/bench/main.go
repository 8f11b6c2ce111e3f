// SPDX-License-Identifier: Apache-2.0

// Command bench measures what mirroring costs, on real Kafka and on both sides
// of a mirror: Klamm, a hand-tuned franz-go loop, MirrorMaker 2, and the floor,
// a process that only moves the same bytes. Each runs in a process of its own,
// in turns. What counts is the ratio of two engines within one run of the
// command on one machine.
//
// The same executable is also some of those processes: its first argument
// names which.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

func main() {
	// The processes that are measured die with the thread that starts them.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := dispatch(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "loop":
			return errors.Join(runLoop(ctx, args[1:]), writeAllocations())
		case "klamm":
			return errors.Join(runKlamm(ctx, args[1:]), writeAllocations())
		case "floor":
			return runFloor(ctx, args[1:])
		}
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	return run(ctx, o)
}

func run(ctx context.Context, o options) error {
	b, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer b.stop()
	measurements := []struct {
		name    string
		measure func(context.Context) error
	}{
		{"cpu", b.measureCPU}, {"link", b.measureLink}, {"latency", b.measureLatency}, {"idle", b.measureIdle},
	}
	for _, m := range measurements {
		if !o.measures(m.name) {
			continue
		}
		if err := m.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	b.results.Limits = b.results.check()
	if err := b.results.publish(o); err != nil {
		return err
	}
	if broken := b.results.broken(); o.limits && len(broken) > 0 {
		return fmt.Errorf("%d of %d limits do not hold", len(broken), len(b.results.Limits))
	}
	return nil
}
