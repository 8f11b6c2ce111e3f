// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/klamm-io/klamm/cmd/command"
	"github.com/klamm-io/klamm/plugins"
	"github.com/klamm-io/klamm/sdk"
)

// runKlamm is klamm with one more plugin: `touch`, which makes a pipeline
// decode what it would pass on as read.
func runKlamm(ctx context.Context, args []string) error {
	program := command.Program{
		Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv,
		Plugins: append(plugins.All(), touchPlugin()),
	}
	if code := program.Execute(ctx, args); code != command.OK {
		return fmt.Errorf("klamm ended with exit code %d", code)
	}
	return nil
}

func touchPlugin() sdk.Plugin {
	return sdk.Plugin{
		Name:      "touch",
		Summary:   "Looks at every record and replaces it by its like.",
		Transform: func() sdk.TransformConfig { return &touch{} },
	}
}

type touch struct{}

// NewTransform implements [sdk.TransformConfig].
func (t *touch) NewTransform(context.Context, sdk.Env) (sdk.Transform, error) { return t, nil }

// Apply implements [sdk.Transform].
func (*touch) Apply(_ context.Context, b *sdk.Batch) error {
	records, err := b.Records()
	if err != nil {
		return err
	}
	b.SetRecords(slices.Clone(records))
	return nil
}

// allocationsEnv names the file in which a process that belongs to the bench
// leaves what it has allocated.
const allocationsEnv = "KLAMM_BENCH_ALLOCATIONS"

type allocations struct {
	Mallocs, Bytes uint64
}

func writeAllocations() error {
	path := os.Getenv(allocationsEnv)
	if path == "" {
		return nil
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	text, err := json.Marshal(allocations{Mallocs: stats.Mallocs, Bytes: stats.TotalAlloc})
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

func readAllocations(path string) (allocations, error) {
	var a allocations
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	return a, err
}
