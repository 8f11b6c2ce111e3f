// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"
)

// sample is how far an engine was at one time.
type sample struct {
	at      time.Time
	records int64 // at the target
	cpu     time.Duration
}

// copied is what was seen of an engine that copied one topic.
type copied struct {
	began   time.Time
	first   sample   // the first with a record
	samples []sample // from first on
	cpu     time.Duration
	peakMiB float64
	all     bool // nothing is missing
}

// mostTime bounds a run that does not end.
const mostTime = 10 * time.Minute

// copy runs an engine on one topic and watches the copy grow, until it is
// complete, or for no more than window after its first record, if there is
// one. The copy is left for checks.
func (b *bench) copy(ctx context.Context, engine string, j *job, l *loaded, window time.Duration) (c copied, err error) {
	cmd, err := b.command(ctx, engine, j)
	if err != nil {
		return c, err
	}
	if !isMirrorMaker(engine) {
		cmd.Env = append(cmd.Environ(), allocationsEnv+"="+b.allocationsFile(j))
	}
	c.began = time.Now()
	p, err := launch(cmd)
	if err != nil {
		return c, err
	}
	defer func() {
		if p.running() {
			p.end()
		}
	}()
	err = b.watch(ctx, p, j.target(l.topic), l.records, window, &c)
	if err != nil {
		return c, fmt.Errorf("%s: %w", engine, err)
	}
	// What ends by itself is waited for: its end is part of its costs.
	if c.all && !isMirrorMaker(engine) {
		if err := p.wait(ctx, time.Minute); err != nil {
			return c, fmt.Errorf("%s: %w", engine, err)
		}
	}
	c.cpu, c.peakMiB = p.cpu(), p.peakMiB()
	return c, nil
}

func (b *bench) watch(ctx context.Context, p *process, target string, records int64, window time.Duration, c *copied) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		p.look()
		running := p.running() // before the copy is looked at, which may be complete by then
		s := sample{cpu: p.cpu()}
		ends, err := b.west.ends(ctx, target)
		if err != nil {
			return err
		}
		s.at = time.Now()
		for _, end := range ends {
			s.records += end
		}
		if s.records > 0 {
			c.samples = append(c.samples, s)
			c.first = c.samples[0]
		}
		c.all = s.records >= records
		switch {
		case c.all, window > 0 && s.records > 0 && s.at.Sub(c.first.at) > window:
			return nil
		case !running:
			return fmt.Errorf("it ended with %d of %d records copied: %w\n%s", s.records, records, errorOr(p.err), p.out)
		case s.at.Sub(c.began) > mostTime:
			return fmt.Errorf("%d of %d records after %s\n%s", s.records, records, mostTime, p.out)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func errorOr(err error) error {
	if err == nil {
		return fmt.Errorf("exit code 0")
	}
	return err
}

// halfway is when half of what arrived had arrived: then a virtual machine is
// warm.
func (c *copied) halfway() sample {
	last := c.last()
	for _, s := range c.samples {
		if s.records >= last.records/2 {
			return s
		}
	}
	return last
}

func (c *copied) last() sample { return c.samples[len(c.samples)-1] }

// rate is in records per second, between two samples.
func rate(from, to sample) float64 {
	took := to.at.Sub(from.at).Seconds()
	if took <= 0 {
		return 0
	}
	return float64(to.records-from.records) / took
}
