// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// publish prints the document, and writes the files that were asked for.
func (r *results) publish(o options) error {
	document := r.document()
	if _, err := os.Stdout.WriteString(document); err != nil {
		return err
	}
	if o.json != "" {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if o.write == "" {
		return nil
	}
	return os.WriteFile(o.write, []byte(document), 0o644)
}

// document is docs/benchmarks.md.
func (r *results) document() string {
	var t strings.Builder
	t.WriteString(introduction)
	fmt.Fprintf(&t, "- Machine: %s; the brokers and what is measured share it.\n- Versions: ", r.Machine)
	for i, name := range slices.Sorted(maps.Keys(r.Versions)) {
		if i > 0 {
			t.WriteString(", ")
		}
		fmt.Fprintf(&t, "%s %s", name, r.Versions[name])
	}
	fmt.Fprintf(&t, ".\n- Command: `%s`\n- %s\n", r.Command, r.Settings)
	r.writeCPU(&t)
	r.writeLink(&t)
	r.writeLatency(&t)
	r.writeIdle(&t)
	r.writeLimits(&t)
	return t.String()
}

const introduction = `# Benchmarks

Written by ` + "`make bench`" + `; do not edit. All figures of a table come from one run on one machine, with real Kafka on both sides
and the engines in turns. Trust the ratios, not the figures: another machine has others.

- *klamm* is ` + "`bin/klamm`" + ` with ` + "`rename`" + ` between source and sink; *klamm decoded* is the same with a transform that replaces every record.
- *loop* consumes and produces with franz-go, tuned for it, with the codec of the source.
- *mirrormaker default* is MirrorMaker 2 as it comes (it does not compress), *mirrormaker tuned* has large batches and fetches, several
  tasks, five requests in flight and the codec of the source. Both keep topic names and do nothing but copy.
- *floor* reads the bytes of the batches from a socket, computes one CRC over them, and writes them to another.

`

const cpuText = `
## CPU, throughput, memory

CPU-seconds of the engine's process per GiB of keys, values and headers, the codec the same on both sides. MiB/s are of the same GiB, from the
first record that arrived to the last. Of MirrorMaker 2 both are of the second half of the topic, when its virtual machine is warm; of
the others the CPU is that of the whole process, its start and end included. Ratios are medians of ratios run by run. The number
of records in each partition of each copy was compared with the source, in the first run every record.

What it does not say: brokers share the cores, so MiB/s are of all of them together; there is no TLS.
`

func (r *results) writeCPU(t *strings.Builder) {
	if len(r.CPU) == 0 {
		return
	}
	t.WriteString(cpuText)
	for i := range r.CPU {
		c := &r.CPU[i]
		fmt.Fprintf(t, "\n### %s, batches of %d KiB\n\nOn the wire %.0f MiB, batches of %.0f KiB in the mean before compression.\n\n", c.Codec, c.BatchKiB, c.WireMiB, c.MeanBatchKiB)
		rows := [][]string{{"engine", "CPU-s/GiB", "of klamm's", "MiB/s", "peak MiB", "first record, s", "mallocs", "allocated MiB"}}
		for _, engine := range engineNames() {
			if len(c.Runs[engine]) == 0 {
				continue
			}
			f := medians(c.Runs[engine])
			rows = append(rows, []string{
				engine, number(f.CPUPerGiB, 2), number(ratio(c.Runs, engine, klammEngine, cpuOf), 2), number(f.MiBPerSec, 0),
				number(f.RSSMiB, 0), number(f.FirstRecord, 1), number(f.Mallocs, 0), number(f.AllocatedMiB, 0),
			})
		}
		writeTable(t, rows)
	}
}

const linkText = `
## A long link

MiB/s of keys, values and headers, lz4, with a link of that delay before the target or before the source. The link delays and limits nothing else:
no loss, no bandwidth, no window of a real long connection. An engine that does not get through is watched for a while and then stopped.
`

func (r *results) writeLink(t *strings.Builder) {
	if len(r.Link) == 0 {
		return
	}
	t.WriteString(linkText + "\n")
	engines := []string{klammEngine, loopEngine, defaultEngine, tunedEngine}
	rows := [][]string{append([]string{"link before", "partitions", "batch KiB"}, engines...)}
	for _, c := range r.Link {
		row := []string{c.Before, fmt.Sprint(c.Partitions), fmt.Sprint(c.BatchKiB)}
		for _, engine := range engines {
			f := medians(c.Runs[engine])
			row = append(row, number(f.MiBPerSec, precision(f.MiBPerSec)))
		}
		rows = append(rows, row)
	}
	writeTable(t, rows)
}

const latencyText = `
## Latency

Milliseconds from producing a record at the source until a consumer at the target sees it, both in one process, at 1,000 records a
second over all partitions. *no mirror* is produced and consumed at the source itself. The target is near; far away a round trip
comes on top.
`

func (r *results) writeLatency(t *strings.Builder) {
	if len(r.Latency) == 0 {
		return
	}
	t.WriteString(latencyText + "\n")
	rows := [][]string{{"engine", "p50 ms", "p99 ms", "records"}}
	for _, l := range r.Latency {
		rows = append(rows, []string{l.Engine, number(l.P50, 1), number(l.P99, 1), fmt.Sprint(l.Records)})
	}
	writeTable(t, rows)
}

const idleText = `
## Thousands of partitions

What a process costs while nothing is written, and its peak memory when there is a backlog in all partitions and the target takes
nothing. Then the target goes on, and so must the process.
`

func (r *results) writeIdle(t *strings.Builder) {
	if len(r.Idle) == 0 {
		return
	}
	t.WriteString(idleText + "\n")
	rows := [][]string{{"engine", "partitions", "CPU-s a minute, idle", "MiB, idle", "backlog MiB", "peak MiB, stalled"}}
	for _, i := range r.Idle {
		rows = append(rows, []string{
			i.Engine, fmt.Sprint(i.Partitions), number(i.CPUPerMinute, 2), number(i.RSSMiB, 0), number(i.BacklogMiB, 0), number(i.StalledRSSMiB, 0),
		})
	}
	writeTable(t, rows)
}

func (r *results) writeLimits(t *strings.Builder) {
	if len(r.Limits) == 0 {
		return
	}
	t.WriteString("\n## Limits\n\n`make bench` fails if one of them does not hold.\n\n")
	rows := [][]string{{"what", "limit", "measured", "holds"}}
	for _, l := range r.Limits {
		bound := "at least " + number(l.Least, precision(l.Least))
		if l.Most > 0 {
			bound = "at most " + number(l.Most, precision(l.Most))
		}
		holds := "yes"
		if !l.Holds {
			holds = "**no**"
		}
		rows = append(rows, []string{l.What, bound, number(l.Got, 2), holds})
	}
	writeTable(t, rows)
}

func precision(v float64) int {
	if v < 20 {
		return 1
	}
	return 0
}

// number writes what was measured; 0 is what was not.
func number(v float64, digits int) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.*f", digits, v)
}

// writeTable aligns the columns, so that it reads as text too.
func writeTable(t *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	line := func(row []string) {
		for i, cell := range row {
			fmt.Fprintf(t, "| %-*s ", widths[i], cell)
		}
		t.WriteString("|\n")
	}
	line(rows[0])
	for _, w := range widths {
		t.WriteString("|" + strings.Repeat("-", w+2))
	}
	t.WriteString("|\n")
	for _, row := range rows[1:] {
		line(row)
	}
}
