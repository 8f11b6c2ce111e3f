// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"fmt"
	"time"

	"github.com/klamm-io/klamm/core/runner"
)

const (
	redrawInterval  = 500 * time.Millisecond
	consoleWindow   = 5 * time.Second
	consolePipeline = 12 // at most so many are shown
)

// Console draws progress on a terminal: a line or two per pipeline.
type Console struct {
	screen *Screen
	style  style
	meters map[string]*Meter
}

// NewConsole makes a console on a screen.
func NewConsole(screen *Screen, colour bool) *Console {
	return &Console{screen: screen, style: style{colour}, meters: map[string]*Meter{}}
}

// Run draws until ctx ends, and leaves the last state on the screen.
func (c *Console) Run(ctx context.Context, snapshot Snapshot) {
	tick := time.NewTicker(redrawInterval)
	defer tick.Stop()
	for {
		c.screen.Draw(c.lines(time.Now(), snapshot()))
		select {
		case <-ctx.Done():
			c.screen.Draw(c.lines(time.Now(), snapshot()))
			c.screen.Leave()
			return
		case <-tick.C:
		}
	}
}

func (c *Console) lines(now time.Time, all []runner.Status) []string {
	width := 0
	for i := range all {
		width = max(width, len(all[i].Pipeline))
	}
	var lines []string
	for i := range all {
		s := &all[i]
		m := c.meters[s.Pipeline]
		if m == nil {
			m = NewMeter(consoleWindow)
			c.meters[s.Pipeline] = m
		}
		rate := m.Observe(now, s)
		if i < consolePipeline {
			lines = append(lines, pipelineLines(s, rate, width, c.style)...)
		}
	}
	if hidden := len(all) - consolePipeline; hidden > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", hidden))
	}
	return lines
}
