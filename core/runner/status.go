// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"maps"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// State is what a pipeline, a lane or a partition is doing.
type State string

// The states. A pipeline that lost a partition is degraded and runs on.
const (
	Starting State = "starting" // not reading yet
	Running  State = "running"  // reading, or waiting for something to read
	Degraded State = "degraded" // running, with a partition stopped or a lane waiting to start again
	Retrying State = "retrying" // failed; starts again after a pause
	Paused   State = "paused"   // not read, as a person wants it
	Idle     State = "idle"     // no process has it
	Draining State = "draining" // stopping: finishing what is in hand
	Stopped  State = "stopped"  // ended by an error (a partition), or on request
	Done     State = "done"     // reached the end of a bounded source
	Failed   State = "failed"   // ended by an error and not started again
)

// Status is a snapshot of a pipeline in this process.
type Status struct {
	Pipeline string    `json:"pipeline"`
	State    State     `json:"state"`
	Since    time.Time `json:"since"` // of the state
	Started  time.Time `json:"started"`
	Source   Endpoint  `json:"source"`
	Sink     Endpoint  `json:"sink"`
	Bounded  bool      `json:"bounded"`
	// LastError is the newest error of the pipeline or of any of its lanes,
	// empty if there was none.
	LastError   string     `json:"last_error,omitempty"`
	LastErrorAt *time.Time `json:"last_error_at,omitempty"`

	Records      int64   `json:"records"`       // delivered since start
	Bytes        int64   `json:"bytes"`         // delivered since start, as read (compressed)
	LagRecords   int64   `json:"lag_records"`   // sum over the partitions; -1 if it is not known of all
	LagSeconds   float64 `json:"lag_seconds"`   // worst partition; -1 if it is not known of all
	MemoryBytes  int64   `json:"memory_bytes"`  // held now
	MemoryLimit  int64   `json:"memory_limit"`  //
	LaneRestarts int64   `json:"lane_restarts"` // since start
	Gaps         int64   `json:"gaps"`          // losses passed over since start, each with a gap record
	LanesOwned   int     `json:"lanes_owned"`   // by this process, without the control lane
	LanesTotal   int     `json:"lanes_total"`   //
	ControlOwned bool    `json:"control_owned"` // this process owns the control lane

	// Batches says how many batches went through as they were read since start,
	// and why the others did not.
	Batches ledger.Batches `json:"batches"`

	Latency Histogram `json:"-"`
	// Topics has the totals since start by source topic, also of partitions
	// that have gone to other processes since; they never go back.
	Topics     map[string]Total  `json:"topics"`
	Lanes      []LaneStatus      `json:"lanes"`
	Partitions []PartitionStatus `json:"partitions"`
}

// Total is what was delivered of a topic since start.
type Total struct {
	Records int64          `json:"records"`
	Bytes   int64          `json:"bytes"`
	Batches ledger.Batches `json:"batches"`
	// Records that transforms have dropped as the file asks, rejected and left out,
	// and rejected and sent to the dead letters: by transform.
	Dropped     map[string]int64 `json:"dropped,omitempty"`
	Rejected    map[string]int64 `json:"rejected,omitempty"`
	DeadLetters map[string]int64 `json:"dead_letters,omitempty"`
}

// add counts what did not get as far as the target topic.
func (t *Total) add(pb *pendingBatch) {
	for stage, n := range pb.dropped {
		t.Dropped = counted(t.Dropped, stage, n)
	}
	for stage, n := range pb.rejected {
		t.Rejected = counted(t.Rejected, stage, n)
	}
	for stage, n := range pb.deadLetters {
		t.DeadLetters = counted(t.DeadLetters, stage, n)
	}
}

func (t *Total) clone() Total {
	return Total{
		Records: t.Records, Bytes: t.Bytes, Batches: t.Batches.Clone(),
		Dropped: maps.Clone(t.Dropped), Rejected: maps.Clone(t.Rejected), DeadLetters: maps.Clone(t.DeadLetters),
	}
}

// Endpoint is one end of a pipeline.
type Endpoint struct {
	Plugin  string `json:"plugin"`
	Cluster string `json:"cluster,omitempty"` // name in the file
	ID      string `json:"id,omitempty"`      // what it calls itself
}

// LaneStatus is a lane that this process owns.
type LaneStatus struct {
	Lane      int    `json:"lane"`
	State     State  `json:"state"`
	Restarts  int    `json:"restarts"`
	LastError string `json:"last_error,omitempty"`
	// Batches are those of the lane since this process has it.
	Batches ledger.Batches `json:"batches"`
}

// PartitionStatus is a partition of a lane that this process owns.
type PartitionStatus struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Target    string `json:"target"` // topic at the sink
	Lane      int    `json:"lane"`
	State     State  `json:"state"`
	// Offset is the next source offset not yet delivered; the ledger follows
	// within a second.
	Offset int64 `json:"offset"`
	// End is the source's end as last seen; -1 if it is not known.
	End        int64   `json:"end"`
	LagRecords int64   `json:"lag_records"` // -1 if it is not known
	LagSeconds float64 `json:"lag_seconds"` // -1 if it is not known
	Records    int64   `json:"records"`     // delivered since start
	Bytes      int64   `json:"bytes"`
	// Reason, Lost and LastError are set when the partition is stopped.
	Reason    sdk.Reason   `json:"reason,omitempty"`
	Lost      *sdk.Offsets `json:"offsets,omitempty"`
	LastError string       `json:"last_error,omitempty"`
}

// LatencyBounds are the upper bounds, in seconds, of a Histogram's buckets.
var LatencyBounds = [...]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600}

// Histogram counts, per batch, the time from the timestamp of its newest
// record to its delivery.
type Histogram struct {
	Counts [len(LatencyBounds) + 1]uint64 // per bucket, not cumulative
	Sum    float64                        // seconds
}

// Ready reports whether the pipeline does all that its file asks of it.
func (s *Status) Ready() bool {
	switch s.State {
	case Running, Paused, Done, Draining:
		return true
	}
	return false
}
