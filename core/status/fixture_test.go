// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/core/operator"
	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/sdk"
)

// fixture is a pipeline that runs and one that lost a partition.
func fixture() []runner.Status {
	began := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	batches := ledger.Batches{Encoded: 1982, Decoded: map[string]int64{"cut": 3, "gap": 15}}
	healthy := runner.Status{
		Pipeline: "dr", State: runner.Running, Since: began, Started: began,
		Source:  runner.Endpoint{Plugin: "kafka", Cluster: "east", ID: "e"},
		Sink:    runner.Endpoint{Plugin: "kafka", Cluster: "west", ID: "w"},
		Records: 30, Bytes: 3000, LagRecords: 7, LagSeconds: 1.5,
		MemoryBytes: 100, MemoryLimit: 1000, LaneRestarts: 2, Gaps: 6, LanesOwned: 1, LanesTotal: 4, ControlOwned: true,
		Topics: map[string]runner.Total{"orders": {
			Records: 30, Bytes: 3000, Batches: batches,
			Dropped: map[string]int64{"filter": 11}, Rejected: map[string]int64{"set#2": 12}, DeadLetters: map[string]int64{"route": 13},
		}},
		Batches: batches,
		Partitions: []runner.PartitionStatus{
			{Topic: "orders", Partition: 1, Target: "east.orders", State: runner.Running, Offset: 10, End: 17, LagRecords: 7, LagSeconds: 1.5, Records: 10, Bytes: 1000},
			{Topic: "orders", Partition: 0, Target: "east.orders", State: runner.Running, Offset: 20, End: 20, LagRecords: 0, Records: 20, Bytes: 2000},
			{Topic: "new", Partition: 0, Target: "east.new", State: runner.Starting, End: -1, LagRecords: -1},
		},
	}
	healthy.Latency.Counts[0], healthy.Latency.Counts[2], healthy.Latency.Sum = 3, 1, 0.04
	ill := runner.Status{
		Pipeline: "central", State: runner.Degraded, Since: began, Started: began, LastError: "topic b partition 3: gap",
		Lanes: []runner.LaneStatus{{Lane: 2, State: runner.Retrying, LastError: "fenced"}, {Lane: 1, State: runner.Running}},
		Partitions: []runner.PartitionStatus{{
			Topic: "b", Partition: 3, State: runner.Stopped, Reason: sdk.ReasonGap, Lost: &sdk.Offsets{From: 5, To: 9},
			LastError: "topic b partition 3 offsets [5, 9): gap", LagRecords: -1,
		}},
	}
	return []runner.Status{healthy, ill}
}

// options are those of a server of the fixture.
func options(snapshot Snapshot) ServerOptions {
	return ServerOptions{
		Snapshot: snapshot, Control: fakeControl{}, Log: slog.New(slog.DiscardHandler), Version: "v1",
		Reloads: func() Reloads {
			return Reloads{Succeeded: 3, Failed: 2, LastFailed: true, LastSuccess: time.Unix(1000, 0)}
		},
		Token: func() sdk.Secret { return "" },
	}
}

// fakeControl has no pipeline at hand, and reloads successfully.
type fakeControl struct{}

func (fakeControl) Desk(pipeline string) (*operator.Desk, error) {
	return nil, fmt.Errorf("pipeline %s: it is just starting", pipeline)
}

func (fakeControl) Reload() Reload {
	return Reload{OK: true, Pipelines: []Reloaded{{"dr", Updated}}}
}
