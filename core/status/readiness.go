// SPDX-License-Identifier: Apache-2.0

package status

import (
	"time"

	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/sdk"
)

// readiness is the body of /readyz.
type readiness struct {
	Ready    bool              `json:"ready"`
	NotReady []pipelineTrouble `json:"not_ready"`
}

type pipelineTrouble struct {
	Pipeline  string             `json:"pipeline"`
	State     runner.State       `json:"state"`
	Since     time.Time          `json:"since"`
	LastError string             `json:"last_error,omitempty"`
	Lanes     []laneTrouble      `json:"lanes"`   // those not running
	Stopped   []stoppedPartition `json:"stopped"` // partitions
}

type laneTrouble struct {
	Lane      int          `json:"lane"`
	State     runner.State `json:"state"`
	LastError string       `json:"last_error,omitempty"`
}

type stoppedPartition struct {
	Topic     string       `json:"topic"`
	Partition int32        `json:"partition"`
	Reason    sdk.Reason   `json:"reason"`
	Offsets   *sdk.Offsets `json:"offsets,omitempty"`
	Error     string       `json:"error"`
}

func readinessOf(pipelines []runner.Status) readiness {
	r := readiness{Ready: true, NotReady: []pipelineTrouble{}}
	for i := range pipelines {
		if s := &pipelines[i]; !s.Ready() {
			r.Ready = false
			r.NotReady = append(r.NotReady, troubleOf(s))
		}
	}
	return r
}

func troubleOf(s *runner.Status) pipelineTrouble {
	order(s)
	t := pipelineTrouble{
		Pipeline: s.Pipeline, State: s.State, Since: s.Since, LastError: s.LastError,
		Lanes: []laneTrouble{}, Stopped: []stoppedPartition{},
	}
	for _, l := range s.Lanes {
		if l.State != runner.Running && l.State != runner.Done {
			t.Lanes = append(t.Lanes, laneTrouble{l.Lane, l.State, l.LastError})
		}
	}
	for _, p := range s.Partitions {
		if p.Reason != "" {
			t.Stopped = append(t.Stopped, stoppedPartition{p.Topic, p.Partition, p.Reason, p.Lost, p.LastError})
		}
	}
	return t
}
