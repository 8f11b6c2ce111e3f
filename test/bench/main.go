// SPDX-License-Identifier: Apache-2.0

// Command bench measures what mirroring costs: Klamm and a hand-tuned franz-go
// consume-produce loop copy the same topic between two real Kafka brokers, each
// in a process of its own, in turns. What counts is the ratio of their CPU
// seconds per GiB of keys, values and headers in one run on one machine.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

type options struct {
	klamm      string // path of the binary
	size       int64  // logical bytes to copy
	runs       int
	partitions int
	batch      int // uncompressed bytes of a batch at the source
	codecs     []string
	json       bool
	limit      float64 // exit with 1 if a ratio is above
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "loop" {
		exit(runLoop(context.Background(), os.Args[2:]))
	}
	var o options
	size := flag.Int64("mib", 1024, "MiB of records to copy in each run")
	codecs := flag.String("codecs", "none,lz4,zstd", "codecs to measure, at the source and at the target")
	flag.StringVar(&o.klamm, "klamm", "bin/klamm", "the binary to measure")
	flag.IntVar(&o.runs, "runs", 5, "runs of each engine, in turns; the median counts")
	flag.IntVar(&o.partitions, "partitions", 12, "partitions of the topic")
	flag.IntVar(&o.batch, "batch", 256<<10, "uncompressed bytes of the batches at the source")
	flag.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	flag.Float64Var(&o.limit, "limit", 1.10, "fail if Klamm needs more than so many times the loop's CPU")
	flag.Parse()
	o.size, o.codecs = *size<<20, strings.Split(*codecs, ",")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(run(ctx, o))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, o options) error {
	results, err := measure(ctx, o)
	if err != nil {
		return err
	}
	if o.json {
		if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
			return err
		}
	} else {
		printTable(os.Stdout, results)
	}
	for _, r := range results {
		if r.Ratio > o.limit {
			return fmt.Errorf("%s: Klamm needs %.2f times the CPU of the tuned loop; the limit is %.2f", r.Codec, r.Ratio, o.limit)
		}
	}
	return nil
}
