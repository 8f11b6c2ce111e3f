// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/klamm-io/klamm/test/kafka"
)

// results are all that one run of the command found; its JSON is the file that
// -json writes.
type results struct {
	Machine  string            `json:"machine"`
	Versions map[string]string `json:"versions"`
	Command  string            `json:"command"`
	Settings string            `json:"settings"`
	CPU      []cpuCell         `json:"cpu,omitempty"`
	Link     []linkCell        `json:"link,omitempty"`
	Latency  []latencyRow      `json:"latency,omitempty"`
	Idle     []idleRow         `json:"idle,omitempty"`
	Limits   []limit           `json:"limits"`
}

// describe says what the figures belong to.
func describe(o options) (results, error) {
	r := results{
		Machine: machine(), Versions: map[string]string{"Kafka and MirrorMaker 2": kafka.DefaultVersion, "Go": runtime.Version()},
		Command: strings.Join(append([]string{"go run ./test/bench"}, o.args...), " "),
		Settings: fmt.Sprintf("Topics of %d MiB in %d partitions, %d runs of each engine in turns, %d of MirrorMaker 2; a link of %s each way.",
			o.mib, o.partitions, o.runs, o.mirrorMakerRuns, o.delay),
	}
	klamm, err := exec.Command(o.klamm, "version").Output()
	if err != nil {
		return r, fmt.Errorf("asking %s for its version (make build): %w", o.klamm, err)
	}
	r.Versions["Klamm"], _, _ = strings.Cut(strings.TrimPrefix(string(klamm), "klamm "), "\n")
	java, err := kafka.JavaVersion()
	if err != nil {
		return r, err
	}
	r.Versions["Java"] = java
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == "github.com/twmb/franz-go" {
				r.Versions["franz-go"] = d.Version
			}
		}
	}
	return r, nil
}

func machine() string {
	model, memory := "unknown CPU", int64(0)
	field := func(file, name string) string {
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == name {
				return strings.TrimSpace(value)
			}
		}
		return ""
	}
	if name := field("/proc/cpuinfo", "model name"); name != "" {
		model = name
	}
	if kib := strings.Fields(field("/proc/meminfo", "MemTotal")); len(kib) > 0 {
		memory, _ = strconv.ParseInt(kib[0], 10, 64)
	}
	return fmt.Sprintf("%s, %d cores, %d GiB, %s/%s", model, runtime.NumCPU(), memory>>20, runtime.GOOS, runtime.GOARCH)
}

// median of what several runs gave; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

func cpuOf(f figures) float64  { return f.CPUPerGiB }
func rateOf(f figures) float64 { return f.MiBPerSec }

// medians of one engine's runs, each figure by itself. What only one of the
// runs tells is taken from it.
func medians(runs []figures) figures {
	of := func(field func(figures) float64) float64 {
		var known []float64
		for _, f := range runs {
			if v := field(f); v != 0 {
				known = append(known, v)
			}
		}
		return median(known)
	}
	return figures{
		CPUPerGiB: of(cpuOf), MiBPerSec: of(rateOf),
		RSSMiB:       of(func(f figures) float64 { return f.RSSMiB }),
		FirstRecord:  of(func(f figures) float64 { return f.FirstRecord }),
		Mallocs:      of(func(f figures) float64 { return f.Mallocs }),
		AllocatedMiB: of(func(f figures) float64 { return f.AllocatedMiB }),
	}
}

// ratio of one engine's figure to another's: the median of the ratios run by
// run; 0 if one of them did not run.
func ratio(runs map[string][]figures, over, under string, of func(figures) float64) float64 {
	var all []float64
	for i := range min(len(runs[over]), len(runs[under])) {
		if below := of(runs[under][i]); below > 0 {
			all = append(all, of(runs[over][i])/below)
		}
	}
	return median(all)
}
