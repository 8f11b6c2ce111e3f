// SPDX-License-Identifier: Apache-2.0

// Command with-kafka runs a command beside the two Kafka clusters that tests
// share, and exits as the command does:
//
//	go run ./test/kafka/cmd/with-kafka -- go test ./...
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/klamm-io/klamm/test/kafka"
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: with-kafka -- command [argument...]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := run(ctx, args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "with-kafka:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// run returns the exit code of the command. When ctx ends, the command is told
// so and waited for.
func run(ctx context.Context, args []string) (code int, err error) {
	shared, err := kafka.StartShared(ctx, kafka.Config{})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, shared.Stop()) }()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Env = append(os.Environ(), kafka.SharedEnv+"="+shared.Env())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}
