// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
)

// linkCodec is what topics have that go over the link, and all else besides
// the measure of codecs.
const linkCodec = "lz4"

// linkCell is one place of the link, one number of partitions, and one size of
// batches.
type linkCell struct {
	Before     string               `json:"link_before"` // target or source
	Partitions int                  `json:"partitions"`
	BatchKiB   int                  `json:"batch_kib"`
	Runs       map[string][]figures `json:"runs"`
}

func (b *bench) measureLink(ctx context.Context) error {
	for _, partitions := range []int{b.partitions, 1} {
		for _, batch := range b.batches {
			l, err := b.load(ctx, fmt.Sprintf("link-%d-%d", partitions, batch>>10), linkCodec, batch, partitions, b.mib<<20)
			if err != nil {
				return err
			}
			for _, before := range []string{"target", "source"} {
				cell, err := b.linkCell(ctx, before, batch, l)
				if err != nil {
					return fmt.Errorf("before the %s, %d partitions, %d KiB: %w", before, partitions, batch>>10, err)
				}
				b.results.Link = append(b.results.Link, cell)
			}
			if err := b.east.clear(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) linkCell(ctx context.Context, before string, batch int, l *loaded) (linkCell, error) {
	cell := linkCell{Before: before, Partitions: len(l.ends), BatchKiB: batch >> 10, Runs: map[string][]figures{}}
	engines := b.chosen(klammEngine, loopEngine)
	if len(l.ends) > 1 {
		engines = b.chosen(klammEngine, loopEngine, tunedEngine, defaultEngine)
	}
	for run := range b.runs {
		for _, engine := range engines {
			if isMirrorMaker(engine) && run >= b.mirrorMakerRuns {
				continue
			}
			f, err := b.linkRun(ctx, before, engine, l)
			if err != nil {
				return cell, err
			}
			cell.Runs[engine] = append(cell.Runs[engine], f)
			say("link before the %s, %d partitions, %d KiB, run %d/%d: %-19s %5.0f MiB/s", before, cell.Partitions, cell.BatchKiB, run+1, b.runs, engine, f.MiBPerSec)
		}
	}
	return cell, nil
}

func (b *bench) linkRun(ctx context.Context, before, engine string, l *loaded) (figures, error) {
	j := b.newJob(engine, l)
	j.far = true
	if before == "target" {
		j.to = b.west.delayed()
	} else {
		j.from = b.east.delayed()
	}
	c, err := b.copy(ctx, engine, j, l, b.window)
	if err != nil {
		return figures{}, err
	}
	if c.all {
		if err := b.checkCounts(ctx, j.target(l.topic), l); err != nil {
			return figures{}, fmt.Errorf("%s: %w", engine, err)
		}
	}
	return c.figures(engine, l), b.west.clear(ctx)
}
