// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klamm-io/klamm/core/runner"
	"github.com/klamm-io/klamm/sdk"
)

// partition returns what the API says of a partition; its offset is -1 if it
// says nothing.
func (p *process) partition(topic string, partition int32) runner.PartitionStatus {
	s, _ := p.status()
	for _, part := range s.Partitions {
		if part.Topic == topic && part.Partition == partition {
			return part
		}
	}
	return runner.PartitionStatus{Offset: -1}
}

// stopped waits until a partition has stopped for a reason, and checks that
// /readyz says so too.
func stopped(t testing.TB, p *process, topic string, partition int32, reason sdk.Reason) runner.PartitionStatus {
	t.Helper()
	var part runner.PartitionStatus
	eventually(t, 30*time.Second, func() (bool, string) {
		part = p.partition(topic, partition)
		return part.State == runner.Stopped, fmt.Sprintf("%s/%d is %s at %d", topic, partition, part.State, part.Offset)
	})
	if part.Reason != reason || part.Lost == nil {
		t.Fatalf("%s/%d stopped with the reason %q and offsets %v, not %q: %s", topic, partition, part.Reason, part.Lost, reason, part.LastError)
	}
	for _, word := range []string{"topic " + topic, fmt.Sprintf("partition %d", partition)} {
		if !strings.Contains(part.LastError, word) {
			t.Errorf("the error does not name %q: %s", word, part.LastError)
		}
	}
	notReady(t, p, part)
	return part
}

// notReady checks that /readyz answers 503 with a stopped partition as the
// status tells of it.
func notReady(t testing.TB, p *process, part runner.PartitionStatus) {
	t.Helper()
	code, body := p.get("/readyz")
	var answer struct {
		Ready    *bool `json:"ready"`
		NotReady []struct {
			Pipeline string `json:"pipeline"`
			Stopped  []struct {
				Topic     string       `json:"topic"`
				Partition int32        `json:"partition"`
				Reason    sdk.Reason   `json:"reason"`
				Offsets   *sdk.Offsets `json:"offsets"`
				Error     string       `json:"error"`
			} `json:"stopped"`
		} `json:"not_ready"`
	}
	err := json.Unmarshal(body, &answer)
	if code != http.StatusServiceUnavailable || err != nil || answer.Ready == nil || *answer.Ready || len(answer.NotReady) != 1 {
		t.Errorf("/readyz: %d, %v: %s", code, err, body)
		return
	}
	if s, _ := p.status(); answer.NotReady[0].Pipeline != s.Pipeline || s.State != runner.Degraded {
		t.Errorf("/readyz names pipeline %q; the status of %q is %s", answer.NotReady[0].Pipeline, s.Pipeline, s.State)
	}
	for _, st := range answer.NotReady[0].Stopped {
		if st.Topic == part.Topic && st.Partition == part.Partition {
			if st.Reason != part.Reason || st.Offsets == nil || *st.Offsets != *part.Lost || st.Error != part.LastError {
				t.Errorf("/readyz and status differ: %+v, %+v", st, part)
			}
			return
		}
	}
	t.Errorf("/readyz does not name %s/%d: %s", part.Topic, part.Partition, body)
}

// ready waits until /readyz answers 200.
func ready(t testing.TB, p *process) {
	t.Helper()
	eventually(t, 30*time.Second, func() (bool, string) {
		code, body := p.get("/readyz")
		return code == http.StatusOK, string(body)
	})
}

// mentions fails the test unless a text has all words.
func mentions(t testing.TB, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not in: %s", word, text)
		}
	}
}
