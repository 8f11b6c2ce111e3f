// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"time"

	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/core/status"
)

// table shows per topic what was written to east and what is at west: on a
// terminal it moves, elsewhere it is a line now and then and a table at the end.
type table struct {
	o       Options
	writers []*writer // of the topics that are mirrored
	began   time.Time
	told    time.Time
	meters  map[string]*status.Meter
}

func newTable(o Options, t *traffic) *table {
	now := time.Now()
	tb := &table{o: o, began: now, told: now, meters: map[string]*status.Meter{}}
	for _, w := range t.writers {
		if !w.excluded {
			tb.writers = append(tb.writers, w)
			tb.meters[w.topic] = status.NewMeter(2 * time.Second)
		}
	}
	return tb
}

// targets are the names the topics have at west.
func (t *table) targets() []string {
	var names []string
	for _, w := range t.writers {
		names = append(names, prefix+w.topic)
	}
	return names
}

// arrived reports whether everything that was written is at west.
func (t *table) arrived(at map[string]int64) bool {
	for _, w := range t.writers {
		if at[prefix+w.topic] < w.committed.Load() {
			return false
		}
	}
	return true
}

func (t *table) show(now time.Time, at map[string]int64, last bool) {
	lines, written, arrived := t.lines(now, at)
	switch {
	case t.o.Screen != nil:
		t.o.Screen.Draw(lines)
		if last {
			t.o.Screen.Leave()
		}
	case last:
		for _, line := range lines {
			fmt.Fprintln(t.o.Out, line)
		}
	case now.Sub(t.told) >= tell:
		t.told = t.told.Add(tell)
		fmt.Fprintf(t.o.Out, "  %3.0fs  %8s records written  %8s mirrored\n",
			now.Sub(t.began).Seconds(), status.Count(written), status.Count(arrived))
	}
}

func (t *table) lines(now time.Time, at map[string]int64) (lines []string, written, arrived int64) {
	const row = "  %-10s %10s  ->  %-15s %10s %8s %11s"
	lines = append(lines, fmt.Sprintf(row, "east", "records", "west", "records", "behind", "records/s"))
	for _, w := range t.writers {
		source, target := w.committed.Load(), at[prefix+w.topic]
		rate := t.meters[w.topic].Observe(now, &runner.Status{Started: t.began, Records: target})
		lines = append(lines, fmt.Sprintf(row, w.topic, status.Count(source), prefix+w.topic, status.Count(target),
			status.Count(max(0, source-target)), status.Count(int64(rate.Records))))
		written, arrived = written+source, arrived+target
	}
	return lines, written, arrived
}
