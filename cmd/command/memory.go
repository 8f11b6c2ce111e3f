// SPDX-License-Identifier: Apache-2.0

package command

import (
	"runtime/debug"

	"github.com/klamm-io/klamm/core/config"
)

// outside is what a process takes that the Go runtime does not count: its code,
// above all.
const outside = 40 << 20

// limitMemory lets the garbage collector keep the process within what its
// pipelines may take together. Whoever sets GOMEMLIMIT knows better.
func (p *Program) limitMemory(pipelines []*config.Pipeline) {
	if set, _ := p.LookupEnv("GOMEMLIMIT"); set != "" {
		return
	}
	var sum int64
	for _, pl := range pipelines {
		sum += int64(pl.Settings.Memory)
	}
	debug.SetMemoryLimit(max(sum-outside, sum/3))
}
