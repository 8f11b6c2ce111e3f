// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// figures are what one run of one engine took, or the medians of several.
type figures struct {
	CPUPerGiB    float64 `json:"cpu_seconds_per_gib,omitempty"`
	MiBPerSec    float64 `json:"mib_per_second,omitempty"`
	RSSMiB       float64 `json:"peak_rss_mib,omitempty"`
	FirstRecord  float64 `json:"seconds_to_first_record,omitempty"`
	Mallocs      float64 `json:"mallocs,omitempty"`
	AllocatedMiB float64 `json:"allocated_mib,omitempty"`
}

// cpuCell is one codec and one size of batches.
type cpuCell struct {
	Codec    string `json:"codec"`
	BatchKiB int    `json:"batch_kib"`
	// WireMiB is what the batches have as stored; MeanBatchKiB is before
	// compression.
	WireMiB      float64              `json:"wire_mib"`
	MeanBatchKiB float64              `json:"mean_batch_kib"`
	Runs         map[string][]figures `json:"runs"`
}

func (b *bench) measureCPU(ctx context.Context) error {
	for _, batch := range b.batches {
		for _, codec := range b.codecs {
			cell, err := b.cpuCell(ctx, codec, batch)
			if err != nil {
				return fmt.Errorf("%s, batches of %d KiB: %w", codec, batch>>10, err)
			}
			b.results.CPU = append(b.results.CPU, cell)
		}
	}
	return nil
}

func (b *bench) cpuCell(ctx context.Context, codec string, batch int) (cpuCell, error) {
	l, err := b.load(ctx, fmt.Sprintf("cpu-%s-%d", codec, batch>>10), codec, batch, b.partitions, b.mib<<20)
	if err != nil {
		return cpuCell{}, err
	}
	cell := cpuCell{
		Codec: codec, BatchKiB: batch >> 10, WireMiB: mib(l.wire),
		MeanBatchKiB: float64(l.bytes) / float64(l.batches) / 1024, Runs: map[string][]figures{},
	}
	engines := b.chosen(klammEngine, decodedEngine, loopEngine, floorEngine, tunedEngine, defaultEngine)
	for run := range b.runs {
		for _, engine := range engines {
			if isMirrorMaker(engine) && !b.mirrorMakerTurn(codec, batch, run) {
				continue
			}
			f, err := b.cpuRun(ctx, engine, l, run)
			if err != nil {
				return cell, err
			}
			cell.Runs[engine] = append(cell.Runs[engine], f)
			say("cpu, %s, %d KiB, run %d/%d: %-19s %6.2f CPU-s/GiB %5.0f MiB/s %5.0f MiB", codec, batch>>10, run+1, b.runs, engine, f.CPUPerGiB, f.MiBPerSec, f.RSSMiB)
		}
	}
	return cell, b.east.clear(ctx)
}

// mirrorMakerTurn: it takes so long to start that not every cell has it.
func (b *bench) mirrorMakerTurn(codec string, batch, run int) bool {
	return run < b.mirrorMakerRuns && batch == slices.Max(b.batches) && slices.Contains(b.mirrorMakerOn, codec)
}

// cpuRun is one run of one engine; what it wrote is checked and removed.
func (b *bench) cpuRun(ctx context.Context, engine string, l *loaded, run int) (figures, error) {
	if engine == floorEngine {
		return b.measureFloor(ctx, l.wire, l.bytes)
	}
	j := b.newJob(engine, l)
	c, err := b.copy(ctx, engine, j, l, 0)
	if err != nil {
		return figures{}, err
	}
	check := b.checkCounts
	if run == 0 {
		check = b.checkContent
	}
	if err := check(ctx, j.target(l.topic), l); err != nil {
		return figures{}, fmt.Errorf("%s: %w", engine, err)
	}
	f := c.figures(engine, l)
	if err := b.west.clear(ctx); err != nil {
		return f, err
	}
	if run == 0 && !isMirrorMaker(engine) {
		a, err := b.allocated(ctx, engine, j, l)
		if err != nil {
			return f, fmt.Errorf("%s: %w", engine, err)
		}
		f.Mallocs, f.AllocatedMiB = float64(a.Mallocs), float64(a.Bytes)/(1<<20)
	}
	return f, nil
}

// figures of MirrorMaker 2 are those of its second half, when it is warm.
func (c *copied) figures(engine string, l *loaded) figures {
	f := figures{RSSMiB: c.peakMiB, FirstRecord: c.first.at.Sub(c.began).Seconds()}
	perRecord := float64(l.bytes) / float64(l.records)
	from, to, cpu := c.first, c.last(), c.cpu
	records := to.records
	if isMirrorMaker(engine) {
		from = c.halfway()
		cpu = to.cpu - from.cpu
		records -= from.records
	}
	f.CPUPerGiB = cpu.Seconds() / (float64(records) * perRecord / (1 << 30))
	f.MiBPerSec = rate(from, to) * perRecord / (1 << 20)
	return f
}

func (b *bench) allocationsFile(j *job) string { return filepath.Join(b.dir, j.name+".allocations") }

// allocated is what an engine allocates in a run. Klamm's binary does not tell,
// so that the bench itself runs the same code once more.
func (b *bench) allocated(ctx context.Context, engine string, j *job, l *loaded) (allocations, error) {
	if engine == klammEngine {
		file, err := b.pipeline(j, "")
		if err != nil {
			return allocations{}, err
		}
		cmd := b.owned(ctx, "klamm", "run", file)
		cmd.Env = append(cmd.Environ(), allocationsEnv+"="+b.allocationsFile(j))
		p, err := launch(cmd)
		if err != nil {
			return allocations{}, err
		}
		if err := p.wait(ctx, 2*time.Minute); err != nil {
			return allocations{}, err
		}
		if err := b.checkCounts(ctx, j.target(l.topic), l); err != nil {
			return allocations{}, err
		}
		if err := b.west.clear(ctx); err != nil {
			return allocations{}, err
		}
	}
	return readAllocations(b.allocationsFile(j))
}
