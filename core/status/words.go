// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klamm-io/klamm/core/runner"
)

// lag is the pipeline's lag in records, as far as it is known.
func lag(s *runner.Status) string {
	if s.LagRecords < 0 {
		return "unknown"
	}
	return Count(s.LagRecords)
}

// pipelineLines says how a pipeline is doing: one line, and one more if
// something is wrong.
func pipelineLines(s *runner.Status, r Rate, nameWidth int, st style) []string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s  %s  %11s records/s  %9s/s  lag %s", nameWidth, s.Pipeline,
		st.state(s.State), Count(int64(r.Records)), Size(int64(r.Bytes)), lag(s))
	if s.LagSeconds >= 1 && s.State != runner.Done {
		fmt.Fprintf(&b, " (%s)", time.Duration(s.LagSeconds*float64(time.Second)).Round(time.Second))
	}
	if decoded(s.Batches) > 0 {
		fmt.Fprintf(&b, "  %s untouched", untouched(s.Batches))
	}
	if left, ok := eta(s, r); ok {
		fmt.Fprintf(&b, "  ETA %s", left)
	}
	lines := []string{b.String()}
	if n := stopped(s); n > 0 {
		lines = append(lines, st.red(fmt.Sprintf("  %d of %d partitions stopped: %s", n, len(s.Partitions), oneLine(s.LastError))))
	} else if s.LastError != "" && !s.Ready() {
		lines = append(lines, st.red("  "+oneLine(s.LastError)))
	}
	return lines
}

// style colours words, or not.
type style struct{ colour bool }

func (st style) paint(code, s string) string {
	if !st.colour {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (st style) red(s string) string { return st.paint("31", s) }

func (st style) state(s runner.State) string {
	word := fmt.Sprintf("%-8s", s)
	switch s {
	case runner.Running, runner.Done:
		return st.paint("32", word)
	case runner.Degraded, runner.Retrying, runner.Failed:
		return st.paint("31", word)
	}
	return st.paint("33", word)
}

// Count writes a number with its thousands apart.
func Count(n int64) string {
	digits, sign := strconv.FormatInt(n, 10), ""
	if n < 0 {
		digits, sign = digits[1:], "-"
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Size writes a number of bytes with the largest unit that leaves a whole part.
func Size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// clip cuts a line to a number of columns; escape sequences take none.
func clip(line string, width int) string {
	if width <= 0 {
		return line
	}
	var b strings.Builder
	columns, escape := 0, false
	for i, r := range line {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r != 'm'
		default:
			if columns++; columns > width {
				return b.String() + resetAfter(line[:i])
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

// resetAfter ends a colour that is still on at the end of s.
func resetAfter(s string) string {
	i := strings.LastIndexByte(s, '\x1b')
	if i < 0 || strings.HasPrefix(s[i:], "\x1b[0m") || !utf8.ValidString(s) {
		return ""
	}
	return "\x1b[0m"
}
