// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/test/kafka"
)

// result is one codec's figures.
type result struct {
	Codec string `json:"codec"`
	Klamm cost   `json:"klamm"` // medians
	Loop  cost   `json:"loop"`
	// Ratio is the median of Klamm's CPU over the loop's, run by run.
	Ratio float64 `json:"ratio"`
}

type cost struct {
	CPUPerGiB float64 `json:"cpu_seconds_per_gib"`
	MiBPerSec float64 `json:"mib_per_second"`
	RSSMiB    float64 `json:"peak_rss_mib"`
}

type bench struct {
	options
	east, west string
	dir        string
	admin      *kadm.Client // of west
	bytes      int64
	records    int64
}

func measure(ctx context.Context, o options) ([]result, error) {
	shared, err := kafka.StartShared(ctx, kafka.Config{})
	if err != nil {
		return nil, err
	}
	defer shared.Stop()
	dir, err := os.MkdirTemp("", "klamm-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	east, west := shared.East().Bootstrap()[0], shared.West().Bootstrap()[0]
	client, err := kgo.NewClient(kgo.SeedBrokers(west))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	b := &bench{options: o, east: east, west: west, dir: dir, admin: kadm.NewClient(client)}
	var results []result
	for _, codec := range o.codecs {
		r, err := b.codec(ctx, codec)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", codec, err)
		}
		results = append(results, r)
	}
	return results, nil
}

func (b *bench) codec(ctx context.Context, codec string) (result, error) {
	topic := "bench-" + codec
	var err error
	if b.records, b.bytes, err = load(ctx, b.east, topic, codec, b.options); err != nil {
		return result{}, err
	}
	var klamm, loop []cost
	var ratios []float64
	for i := range b.runs {
		k, err := b.runKlamm(ctx, topic, codec, i)
		if err != nil {
			return result{}, err
		}
		l, err := b.runPeer(ctx, topic, codec, i)
		if err != nil {
			return result{}, err
		}
		klamm, loop, ratios = append(klamm, k), append(loop, l), append(ratios, k.CPUPerGiB/l.CPUPerGiB)
		fmt.Fprintf(os.Stderr, "%s run %d/%d: klamm %.2f, loop %.2f CPU-s/GiB\n", codec, i+1, b.runs, k.CPUPerGiB, l.CPUPerGiB)
	}
	slices.Sort(ratios)
	return result{Codec: codec, Klamm: medianCost(klamm), Loop: medianCost(loop), Ratio: ratios[len(ratios)/2]}, nil
}

func (b *bench) runKlamm(ctx context.Context, topic, codec string, i int) (cost, error) {
	target := fmt.Sprintf("klamm-%s-%d", codec, i)
	file := filepath.Join(b.dir, "bench.hcl")
	text := fmt.Sprintf(`
cluster "east" { brokers = [%q] }
cluster "west" { brokers = [%q] }

pipeline "bench-%s-%d" {
  source "kafka" {
    cluster = cluster.east
    topics  = [%q]
    until   = "latest"
  }
  transform "rename" { map = { %q = %q } }
  sink "kafka" {
    cluster     = cluster.west
    compression = %q
  }
}
`, b.east, b.west, codec, i, topic, topic, target, codec)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return cost{}, err
	}
	return b.run(ctx, target, exec.CommandContext(ctx, b.klamm, "run", file))
}

func (b *bench) runPeer(ctx context.Context, topic, codec string, i int) (cost, error) {
	self, err := os.Executable()
	if err != nil {
		return cost{}, err
	}
	target := fmt.Sprintf("loop-%s-%d", codec, i)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.west))
	if err != nil {
		return cost{}, err
	}
	defer client.Close()
	if err := createTopic(ctx, client, target, b.partitions); err != nil {
		return cost{}, err
	}
	return b.run(ctx, target, exec.CommandContext(ctx, self, "loop", "-from", b.east, "-to", b.west, "-source", topic,
		"-target", target, "-codec", codec, "-records", fmt.Sprint(b.records), "-partitions", fmt.Sprint(b.partitions)))
}

// run runs one engine, checks that all records have arrived, and removes them.
func (b *bench) run(ctx context.Context, target string, cmd *exec.Cmd) (cost, error) {
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	if err != nil {
		return cost{}, fmt.Errorf("%s: %w\n%s", cmd.Path, err, out)
	}
	ends, err := b.admin.ListEndOffsets(ctx, target)
	if err != nil {
		return cost{}, err
	}
	var arrived int64
	ends.Each(func(o kadm.ListedOffset) { arrived += o.Offset })
	if arrived != b.records {
		return cost{}, fmt.Errorf("%s: %d of %d records arrived", target, arrived, b.records)
	}
	if _, err := b.admin.DeleteTopics(ctx, target); err != nil {
		return cost{}, err
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return cost{
		CPUPerGiB: cpu.Seconds() / (float64(b.bytes) / (1 << 30)),
		MiBPerSec: float64(b.bytes) / (1 << 20) / took.Seconds(),
		RSSMiB:    float64(usage.Maxrss) / 1024,
	}, nil
}

func medianCost(costs []cost) cost {
	median := func(of func(cost) float64) float64 {
		values := make([]float64, len(costs))
		for i, c := range costs {
			values[i] = of(c)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return cost{
		CPUPerGiB: median(func(c cost) float64 { return c.CPUPerGiB }),
		MiBPerSec: median(func(c cost) float64 { return c.MiBPerSec }),
		RSSMiB:    median(func(c cost) float64 { return c.RSSMiB }),
	}
}

func printTable(w io.Writer, results []result) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "codec\tCPU-s/GiB klamm\tloop\tratio\tMiB/s klamm\tloop\tRSS MiB klamm\tloop\t")
	for _, r := range results {
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%.0f\t%.0f\t%.0f\t%.0f\t\n", r.Codec,
			r.Klamm.CPUPerGiB, r.Loop.CPUPerGiB, r.Ratio, r.Klamm.MiBPerSec, r.Loop.MiBPerSec, r.Klamm.RSSMiB, r.Loop.RSSMiB)
	}
	t.Flush()
}
