// SPDX-License-Identifier: Apache-2.0

package status

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/core/operator"
	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/sdk"
)

func TestReportLines(t *testing.T) {
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	r := &operator.Report{
		Pipeline: "dr", State: runner.Degraded, Source: runner.Endpoint{Plugin: "kafka", Cluster: "east"},
		Sink: runner.Endpoint{Plugin: "kafka", Cluster: "west"}, LagRecords: 1234, Gaps: 2,
		Batches:   ledger.Batches{Encoded: 12345, Decoded: map[string]int64{"cut": 3, "gap": 12}},
		LastError: "lane 2: fenced", LastErrorAt: &at,
		Pauses:    []operator.Paused{{Topic: "c", Partition: -1, At: "2026-11-23T08:00:00Z", By: "eva@desk"}},
		Processes: []operator.Process{{Owner: sdk.Owner{ID: "klamm-a-1", Host: "10.0.0.1"}, Lanes: []int{0, 1, 2}}},
		Lanes:     []operator.Lane{{Lane: 1, State: runner.Running}, {Lane: 2, State: runner.Retrying, LastError: "fenced"}},
		Partitions: []operator.Partition{
			{Topic: "a", Lane: 1, State: runner.Stopped, Offset: 5, End: 9, LagRecords: 4, LastError: "offsets [5, 7): gap"},
			{Topic: "c", Lane: 1, State: runner.Paused, Offset: 3, End: -1, LagRecords: -1},
			{Topic: "calm", Lane: 2, State: runner.Running, Offset: 3, End: 3},
		},
	}
	for n := range 7 {
		r.Partitions = append(r.Partitions, operator.Partition{Topic: "b", Partition: int32(n), Lane: 1, State: runner.Running, End: int64(n + 1), LagRecords: int64(n + 1)})
	}
	text := strings.Join(ReportLines(r, ReportStyle{}), "\n")
	for _, want := range []string{
		"dr  degraded  east -> west  lag 1,234  gaps 2", "paused: topic c, since 2026-11-23T08:00:00Z, by eva@desk",
		"process klamm-a-1 at 10.0.0.1: lanes the control lane, 1, 2", "lane 2: retrying: fenced",
		"8 running, 1 paused, 1 stopped", "  batches: 99.8% of 12,360 untouched; decoded: 12 gap, 3 cut\n", "offsets [5, 7): gap", "last error, 2026-11-23T08:00:00Z: lane 2: fenced",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
	for n, shown := range []bool{false, false, true, true, true, true, true} { // the five most behind
		if line := fmt.Sprintf("    b      %d  ", n); strings.Contains(text, line) != shown {
			t.Errorf("partition %d of b, shown: %t is wrong:\n%s", n, !shown, text)
		}
	}
	if strings.Contains(text, "calm") || !strings.Contains(strings.Join(ReportLines(r, ReportStyle{Partitions: true}), "\n"), "calm") {
		t.Errorf("a partition with nothing to tell is shown, or not shown on request:\n%s", text)
	}
}

func TestReportLinesOfOneThatCannotTell(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{fmt.Errorf("pipeline dr: %w", sdk.ErrNoStore), "dr  new       it has never run"},
		{errors.New("no route"), "dr  unknown "},
		{errors.New("no\nroute"), "\n  no route"},
	}
	for _, tt := range tests {
		if text := strings.Join(ReportLines(operator.Without("dr", tt.err), ReportStyle{}), "\n"); !strings.Contains(text, tt.want) {
			t.Errorf("%v: it lacks %q:\n%s", tt.err, tt.want, text)
		}
	}
}
