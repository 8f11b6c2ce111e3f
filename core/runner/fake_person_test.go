// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// say writes to the control lane's ledger as a person does: who says something
// owns the lane for a moment, and says it again if a process takes it just then.
func (w *world) say(entries ...sdk.Entry) {
	err := sdk.ErrFenced
	for errors.Is(err, sdk.ErrFenced) {
		var own sdk.Ledger
		if own, err = (&fakeStore{p: newProcess(w), w: w}).Open(context.Background(), sdk.ControlLane); err == nil {
			err = own.Commit(context.Background(), entries)
		}
	}
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.fault("a person could not say %v: %v", entries, err)
	}
}

func (w *world) hold(scopes ...ledger.Scope) {
	for _, s := range scopes {
		e, err := ledger.Pause{At: "2026-01-02T03:04:05Z", By: "somebody"}.Entry(s)
		if err != nil {
			panic(err)
		}
		w.say(e)
	}
}

func (w *world) resume(scopes ...ledger.Scope) {
	for _, s := range scopes {
		w.say(ledger.ResumeEntry(s))
	}
}

// moveTo says where a partition goes on; forward makes it a skip.
func (w *world) moveTo(tp sdk.TopicPartition, id string, to int64, forward bool) {
	w.mu.Lock()
	place := ledger.PlaceOf(sdk.Position{Stream: w.stream(tp), Offset: to, LeaderEpoch: sdk.NoEpoch})
	w.mu.Unlock()
	e, err := ledger.Move{TopicPartition: tp, ID: id, To: place, Forward: forward, Cause: "positions " + id, At: time.Now()}.Entry()
	if err != nil {
		panic(err)
	}
	w.say(e)
}

// lane is what the ledger of a partition's lane says.
func (w *world) lane(t *testing.T, tp sdk.TopicPartition) *ledger.Lane {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	l, err := ledger.DecodeLane(w.ledgers[ledger.LaneOf(tp, w.lanes)])
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// recreate deletes a topic and makes it again, with n partitions.
func (w *world) recreate(topic string, id sdk.TopicID, n int32, end int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for tp := range w.parts {
		if tp.Topic == topic {
			delete(w.parts, tp)
		}
	}
	w.addLocked(topic, id, n, end)
}

// selection is a source's config that selects topics.
type selection struct {
	*process
	pattern string
}

func (s *selection) SelectsTopic(name string) bool { return matches(s.pattern, name) }

// Adjust implements [sdk.Adjuster]: a pattern can change, and nothing else.
func (s *fakeSource) Adjust(c sdk.SourceConfig) bool {
	selected, ok := c.(*selection)
	if !ok || selected.process != s.p {
		return false
	}
	s.p.w.mu.Lock()
	defer s.p.w.mu.Unlock()
	s.p.pattern = selected.pattern
	return true
}

// edited is the process's file with another selection and other settings.
func (p *process) edited(pattern string, settings func(*config.Settings)) *config.Pipeline {
	made := p.pipeline()
	made.Source.Config = &selection{p, pattern}
	if settings != nil {
		settings(&made.Settings)
	}
	return made
}
