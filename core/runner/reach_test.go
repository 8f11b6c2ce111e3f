// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/sdk"
)

// router is a process whose transform routes records.
type router struct{ *process }

func (router) RoutesRecords() {}

// routing starts a process that sends even offsets to one topic and odd ones to
// another.
func routing(w *world) *process {
	p := newProcess(w)
	p.apply = func(b *sdk.Batch) error {
		records, err := b.Records()
		records = slices.Clone(records)
		for i := range records {
			records[i].Topic = []string{"even", "odd"}[records[i].Offset%2]
		}
		b.SetRecords(records)
		return err
	}
	return p
}

func (p *process) startRouting() *process {
	made := p.pipeline()
	made.Transforms[0].Config = router{p}
	return p.startWith(made)
}

func TestTopicsAreMadeWhenRecordsGoThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 3, 60)
		p := routing(w).startRouting()
		pass(30 * time.Second)
		for i := range int32(3) {
			copied(t, w, tpOf("orders", i), 0, 60)
		}
		for name, want := range map[string]int{"even": 1, "odd": 1, "orders": 0} {
			if got := w.count("ensure " + name + " 3"); got != want {
				t.Errorf("%s was made sure of %d times, want %d", name, got, want)
			}
		}
		w.add("orders", 4, 60)
		pass(30 * time.Second)
		copied(t, w, tpOf("orders", 3), 0, 60)
		if w.count("ensure even 4") != 1 || w.count("ensure odd 4") != 1 {
			t.Errorf("the topics have not grown with the source: %v", w.events)
		}
		_ = p.stop()
		check(t, w)
	})
}

func TestTopicThatRecordsCannotGoTo(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(w *world, p *process)
		says  string
	}{
		{"not to be made", func(w *world, _ *process) {
			w.ensureFault = func(topic string) error {
				if topic == "odd" {
					return errors.New("not authorised")
				}
				return nil
			}
		}, "offset 1: target: topic odd, where the record goes: not authorised"},
		{"read by the pipeline", func(w *world, p *process) { w.sinkID, p.pattern = w.sourceID, "o*" }, "topic odd, where the record goes: this pipeline reads it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := openWorld(t, 1, 1)
				w.add("orders", 1, 60)
				p := routing(w)
				test.spoil(w, p)
				p.startRouting()
				pass(10 * time.Second)
				s := p.status(tpOf("orders", 0))
				if s.State != Stopped || s.Reason != sdk.ReasonTarget || !strings.Contains(s.LastError, test.says) || s.Offset > 1 {
					t.Errorf("status %+v", s)
				}
				if slices.Contains(w.written(tpOf("orders", 0)), 1) {
					t.Error("the record was written")
				}
				_ = p.stop()
				check(t, w)
			})
		})
	}
}

func TestDeadLettersMixedWithATopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 60)
		p := newProcess(w)
		p.settings = func(s *config.Settings) {
			buryRejected(s)
			s.DeadLetter.Topic = "orders"
		}
		err, ended := p.start().wait()
		if !ended || err == nil || !strings.Contains(err.Error(), `topic "orders" and the dead letters would both be written to "orders"`) {
			t.Errorf("ended %t with %v", ended, err)
		}
	})
}
