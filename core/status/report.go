// SPDX-License-Identifier: Apache-2.0

package status

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/klamm-io/klamm/core/operator"
	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/sdk"
)

// mostBehind is how many partitions are shown because they are behind.
const mostBehind = 5

// ReportStyle is how reports are shown.
type ReportStyle struct {
	Colour bool
	// Partitions shows all of them, and not only those that are worth a look.
	Partitions bool
}

// ReportLines writes a report for people.
func ReportLines(r *operator.Report, o ReportStyle) []string {
	st := style{o.Colour}
	if r.State == operator.New {
		return []string{fmt.Sprintf("%s  %s  it has never run: there are no positions of it", r.Pipeline, st.state(r.State))}
	}
	if r.Error != "" {
		return []string{fmt.Sprintf("%s  %s", r.Pipeline, st.state(r.State)), "  " + st.red(oneLine(r.Error))}
	}
	lag := "unknown"
	if r.LagRecords >= 0 {
		lag = Count(r.LagRecords)
	}
	lines := []string{fmt.Sprintf("%s  %s  %s -> %s  lag %s  gaps %d", r.Pipeline, st.state(r.State), end(r.Source), end(r.Sink), lag, r.Gaps)}
	if r.SourceError != "" {
		lines = append(lines, "  "+st.red("source: "+oneLine(r.SourceError)))
	}
	for _, p := range r.Pauses {
		lines = append(lines, fmt.Sprintf("  paused: %s, since %s%s", scopeWords(p), p.At, by(p.By)))
	}
	for _, p := range r.Processes {
		lines = append(lines, fmt.Sprintf("  process %s at %s: %s", p.ID, p.Host, laneWords(p.Lanes)))
	}
	if len(r.Processes) == 0 {
		lines = append(lines, "  no process runs it")
	}
	lines = append(lines, laneLines(r, st)...)
	if !r.Batches.IsZero() {
		lines = append(lines, "  batches: "+batchWords(r.Batches))
	}
	lines = append(lines, partitionLines(r, o)...)
	if r.LastErrorAt != nil {
		lines = append(lines, fmt.Sprintf("  last error, %s: %s", r.LastErrorAt.UTC().Format(time.RFC3339), oneLine(r.LastError)))
	}
	return lines
}

// end names one end of a pipeline.
func end(e runner.Endpoint) string { return cmp.Or(e.Cluster, e.Plugin) }

func by(who string) string {
	if who == "" {
		return ""
	}
	return ", by " + who
}

func scopeWords(p operator.Paused) string {
	switch {
	case p.Topic == "":
		return "the pipeline"
	case p.Partition < 0:
		return "topic " + p.Topic
	}
	return fmt.Sprintf("topic %s partition %d", p.Topic, p.Partition)
}

func laneWords(lanes []int) string {
	var words []string
	for _, n := range lanes {
		if n == sdk.ControlLane {
			words = append(words, "the control lane")
		} else {
			words = append(words, fmt.Sprint(n))
		}
	}
	return "lanes " + strings.Join(words, ", ")
}

// laneLines tells of lanes that do not run, where somebody should run them.
func laneLines(r *operator.Report, st style) []string {
	var lines []string
	for _, l := range r.Lanes {
		if l.State == runner.Running || len(r.Processes) == 0 {
			continue
		}
		line := fmt.Sprintf("  lane %d: %s", l.Lane, l.State)
		if l.LastError != "" {
			line += ": " + oneLine(l.LastError)
		}
		lines = append(lines, st.red(line))
	}
	return lines
}

// partitionLines is a table of partitions, and how many there are of each state.
func partitionLines(r *operator.Report, o ReportStyle) []string {
	shown := r.Partitions
	if !o.Partitions {
		shown = worthALook(r.Partitions)
	}
	counts := map[runner.State]int{}
	for _, p := range r.Partitions {
		counts[p.State]++
	}
	var words []string
	for _, s := range states() {
		if n := counts[s]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, s))
		}
	}
	lines := []string{"  partitions: " + cmp.Or(strings.Join(words, ", "), "none")}
	if len(shown) == 0 {
		return lines
	}
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "    TOPIC\tPARTITION\tSTATE\tPOSITION\tEND\tLAG\tLANE\tWHY")
	for _, p := range shown {
		fmt.Fprintf(t, "    %s\t%d\t%s\t%d\t%s\t%s\t%d\t%s\n", p.Topic, p.Partition, p.State, p.Offset, number(p.End), number(p.LagRecords), p.Lane, oneLine(p.LastError))
	}
	_ = t.Flush() // to memory
	for line := range strings.Lines(b.String()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return lines
}

// worthALook are the partitions that are not read, and those most behind.
func worthALook(all []operator.Partition) []operator.Partition {
	var shown, behind []operator.Partition
	for _, p := range all {
		switch {
		case p.State == runner.Stopped || p.State == runner.Paused:
			shown = append(shown, p)
		case p.LagRecords > 0:
			behind = append(behind, p)
		}
	}
	slices.SortStableFunc(behind, func(a, b operator.Partition) int { return cmp.Compare(b.LagRecords, a.LagRecords) })
	return append(shown, behind[:min(len(behind), mostBehind)]...)
}

func number(n int64) string {
	if n < 0 {
		return "?"
	}
	return fmt.Sprint(n)
}
