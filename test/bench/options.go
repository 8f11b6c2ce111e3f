// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

type options struct {
	args    []string // as given
	klamm   string
	only    []string
	engines []string
	codecs  []string
	batches []int // uncompressed bytes

	mib             int64
	runs            int
	mirrorMakerRuns int
	mirrorMakerOn   []string // codecs
	partitions      int
	delay           time.Duration
	window          time.Duration
	latency         time.Duration
	idle            time.Duration
	idlePartitions  int

	json, write string
	limits      bool
}

func parse(args []string) (options, error) {
	o := options{args: args}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := f.String("only", "cpu,link,latency,idle", "what to measure")
	engines := f.String("engines", strings.Join(engineNames(), ","), "engines to measure, separated by commas")
	codecs := f.String("codecs", "none,gzip,snappy,lz4,zstd", "codecs to measure CPU with, the same on both sides")
	batches := f.String("batches", "16,256", "KiB of a batch at the source, before compression")
	mirrorMakerOn := f.String("mirrormaker-codecs", "none,lz4,zstd", "codecs to measure MirrorMaker 2's CPU with, at the largest batches")
	f.StringVar(&o.klamm, "klamm", "bin/klamm", "the `binary` to measure")
	f.Int64Var(&o.mib, "mib", 2048, "MiB of keys, values and headers in a topic")
	f.IntVar(&o.runs, "runs", 3, "runs of each engine, in turns; medians count")
	f.IntVar(&o.mirrorMakerRuns, "mirrormaker-runs", 1, "runs of MirrorMaker 2, which takes long to start")
	f.IntVar(&o.partitions, "partitions", 12, "partitions of a topic")
	f.DurationVar(&o.delay, "delay", 50*time.Millisecond, "delay of the link each way")
	f.DurationVar(&o.window, "window", 10*time.Second, "how long an engine that is slow over the link is watched")
	f.DurationVar(&o.latency, "latency", 15*time.Second, "how long latency is measured, after as long to get warm")
	f.DurationVar(&o.idle, "idle", 30*time.Second, "how long idle processes are watched")
	f.IntVar(&o.idlePartitions, "idle-partitions", 5000, "partitions of idle processes")
	f.StringVar(&o.json, "json", "", "write the results to this `FILE`")
	f.StringVar(&o.write, "write", "", "write the tables as a document to this `FILE`")
	f.BoolVar(&o.limits, "limits", true, "exit with 1 if a limit does not hold")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	o.only, o.engines, o.codecs = split(*only), split(*engines), split(*codecs)
	o.mirrorMakerOn = split(*mirrorMakerOn)
	for _, text := range split(*batches) {
		kib, err := strconv.Atoi(text)
		if err != nil || kib < 1 || kib > 900 {
			return o, fmt.Errorf("-batches %s: write KiB from 1 to 900, separated by commas", *batches)
		}
		o.batches = append(o.batches, kib<<10)
	}
	return o, o.validate()
}

func (o *options) validate() error {
	known := func(flag string, given, known []string) error {
		for _, g := range given {
			if !slices.Contains(known, g) {
				return fmt.Errorf("-%s: %q is none of %s", flag, g, strings.Join(known, ", "))
			}
		}
		return nil
	}
	codecs := []string{"none", "gzip", "snappy", "lz4", "zstd"}
	for _, err := range []error{
		known("only", o.only, []string{"cpu", "link", "latency", "idle"}),
		known("engines", o.engines, engineNames()),
		known("codecs", o.codecs, codecs),
		known("mirrormaker-codecs", o.mirrorMakerOn, codecs),
	} {
		if err != nil {
			return err
		}
	}
	if o.mib < 1 || o.runs < 1 || o.mirrorMakerRuns < 1 || o.partitions < 1 || o.idlePartitions < 100 {
		return fmt.Errorf("-mib, -runs, -mirrormaker-runs and -partitions are at least 1, -idle-partitions at least 100")
	}
	return nil
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

func (o *options) measures(what string) bool   { return slices.Contains(o.only, what) }
func (o *options) runsEngine(name string) bool { return slices.Contains(o.engines, name) }
