// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/sdk"
)

// rejecting is a transform that rejects some offsets.
func rejecting(which func(s sdk.Stream, offset int64) bool) func(*sdk.Batch) error {
	return func(b *sdk.Batch) error {
		records, err := b.Records()
		for i := range records {
			if which(b.Source, records[i].Offset) {
				b.Reject(records[i].Offset, errors.New("no such field"))
			}
		}
		return err
	}
}

// everyFifth is what is rejected in these tests.
func everyFifth(_ sdk.Stream, offset int64) bool { return offset%5 == 0 }

func dropRejected(s *config.Settings) { s.OnReject = config.OnRejectDrop }

func buryRejected(s *config.Settings) {
	s.OnReject, s.DeadLetter = config.OnRejectDeadLetter, &config.DeadLetter{Topic: "dead"}
}

// notRejected are the offsets of [0, to) that have a record and are not rejected.
func notRejected(to int64) []int64 {
	return slices.DeleteFunc(offsets(0, to), func(o int64) bool { return everyFifth(sdk.Stream{}, o) })
}

func TestRejectedRecordsAreLeftOut(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(t *testing.T) {
			w := openWorld(t, seed, 2)
			w.bounded = true
			w.leftOut = func(o int64) bool { return everyFifth(sdk.Stream{}, o) }
			w.add("orders", 2, 60)
			p := newProcess(w)
			p.apply, p.settings = rejecting(everyFifth), dropRejected
			if err, ended := p.start().wait(); !ended || err != nil {
				t.Fatalf("ended %t with %v", ended, err)
			}
			total := p.runner.Status().Topics["orders"]
			lost := int64(len(offsets(0, 60)) - len(notRejected(60)))
			if total.Rejected["shape"] != 2*lost || total.Dropped != nil || total.DeadLetters != nil {
				t.Errorf("counted %+v, want %d rejected", total, 2*lost)
			}
			for i := range int32(2) {
				tp := tpOf("orders", i)
				if got := w.written(tp); !slices.Equal(got, notRejected(60)) || w.stored(tp) != 60 {
					t.Errorf("written: %v; position %d", got, w.stored(tp))
				}
				gapsCount(t, w, tp, lost)
			}
			check(t, w)
		})
	})
}

// gapsCount checks that the gap records of a partition are of so many rejected
// records, and begin and end with one.
func gapsCount(t *testing.T, w *world, tp sdk.TopicPartition, want int64) {
	t.Helper()
	var n int64
	for _, g := range w.lane(t, tp).Gaps {
		if g.TopicPartition != tp {
			continue
		}
		if !everyFifth(g.Stream, g.From) || !everyFifth(g.Stream, g.To-1) || g.Reason != sdk.ReasonRejected || g.Cause != `on_reject = "drop"` || g.Error != "transform shape: no such field" {
			t.Errorf("gap %+v", g)
		}
		if g.Records == 0 {
			n += g.Count()
		}
		n += g.Records
	}
	if n != want {
		t.Errorf("the gap records are of %d records, want %d", n, want)
	}
}

func TestRejectedRecordsGoToTheDeadLetters(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(t *testing.T) {
			w := openWorld(t, seed, 1)
			w.bounded = true
			w.add("orders", 1, 60)
			tp := tpOf("orders", 0)
			p := newProcess(w)
			p.settings = buryRejected
			p.apply = func(b *sdk.Batch) error { // changes what it rejects, too
				records, err := b.Records()
				records = slices.Clone(records)
				for i := range records {
					if everyFifth(b.Source, records[i].Offset) {
						records[i].Value = []byte("changed")
					}
				}
				b.SetRecords(records)
				return errors.Join(err, rejecting(everyFifth)(b))
			}
			if err, ended := p.start().wait(); !ended || err != nil {
				t.Fatalf("ended %t with %v", ended, err)
			}
			copied(t, w, tp, 0, 60)
			want := slices.DeleteFunc(offsets(0, 60), func(o int64) bool { return !everyFifth(sdk.Stream{}, o) })
			if len(w.routed) != len(want) || w.happened("ensure dead 1") < 0 || w.count("ensure dead 1") != 1 {
				t.Fatalf("%d dead letters, want %d; %v", len(w.routed), len(want), w.events)
			}
			for i, r := range w.routed {
				isDeadLetter(t, r, want[i])
			}
			if s := p.runner.Status(); s.Topics["orders"].DeadLetters["shape"] != int64(len(want)) || s.Gaps != 0 {
				t.Errorf("counted %+v, %d gaps", s.Topics["orders"], s.Gaps)
			}
			if at := w.stored(tp); at != 60 {
				t.Errorf("position %d", at)
			}
			check(t, w)
		})
	})
}

func isDeadLetter(t *testing.T, r sdk.Record, offset int64) {
	t.Helper()
	if r.Topic != "dead" || r.Offset != offset || string(r.Value) != valueAt(tpOf("orders", 0), offset) {
		t.Errorf("dead letter %+v, want the record of offset %d as it was read", r, offset)
	}
	got := map[string]string{}
	for _, h := range r.Headers {
		got[h.Key] = string(h.Value)
	}
	want := map[string]string{
		"klamm.pipeline": "copy", "klamm.stage": "shape", "klamm.reason": "transform shape: no such field", "klamm.origin.cluster": "src",
		"klamm.origin.topic": "orders", "klamm.origin.partition": "0", "klamm.origin.offset": fmt.Sprint(offset), "klamm.origin.timestamp": "0",
	}
	if !maps.Equal(got, want) {
		t.Errorf("headers %v, want %v", got, want)
	}
}

// Dead letters are as durable as the rest before the position moves, whenever the
// process is killed.
func TestDeadLettersOutliveTheProcess(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		after := time.Duration(rapid.Int64Range(1, 8000).Draw(rt, "after ms")) * time.Millisecond
		synctest.Test(t, func(t *testing.T) {
			w := openWorld(t, seed, 1)
			w.add("orders", 2, 60)
			first := newProcess(w)
			first.apply, first.settings = rejecting(everyFifth), buryRejected
			first.start()
			pass(after)
			first.kill()
			second := newProcess(w)
			second.apply, second.settings = rejecting(everyFifth), buryRejected
			second.start()
			pass(2 * time.Minute)
			for i := range int32(2) {
				if missing := w.missing(tpOf("orders", i), 0, 60); len(missing) > 0 {
					t.Errorf("partition %d lacks %v", i, missing)
				}
			}
			_ = second.stop()
			for _, f := range w.problems() {
				if !strings.Contains(f, "behind a hole") { // what the first had in flight comes again
					t.Error(f)
				}
			}
		})
	})
}

func TestEditedPolicyTakesUpARejectedRecord(t *testing.T) {
	for name, settings := range map[string]func(*config.Settings){"drop": dropRejected, "dead_letter": buryRejected} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := openWorld(t, 1, 1)
				w.leftOut = func(o int64) bool { return name == "drop" && o == 20 }
				w.add("orders", 1, 60)
				tp := tpOf("orders", 0)
				p := selecting(w, "orders")
				p.apply = rejecting(func(_ sdk.Stream, o int64) bool { return o == 20 })
				p.start()
				pass(20 * time.Second)
				copied(t, w, tp, 0, 20)
				if s := p.status(tp); s.State != Stopped || s.Reason != sdk.ReasonRejected || s.Offset != 20 {
					t.Errorf("status %+v", s)
				}
				if !p.runner.Update(p.edited("orders", settings)) {
					t.Fatal("another policy asks for a new run")
				}
				pass(20 * time.Second)
				if s := p.status(tp); s.State != Running || s.Offset != 60 || w.lane(t, tp).Stops[tp].Reason != "" {
					t.Errorf("status %+v; stops %v", s, w.lane(t, tp).Stops)
				}
				switch name {
				case "drop":
					gapsAre(t, w, tp, sdk.ReasonRejected, `on_reject = "drop"`, sdk.Offsets{From: 20, To: 21})
				default:
					copied(t, w, tp, 0, 60)
					isDeadLetter(t, w.routed[0], 20)
				}
				_ = p.stop()
				check(t, w)
			})
		})
	}
}

func TestTransformIsTriedAgainIfItAsksForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 60)
		p := newProcess(w)
		tries := 0
		p.apply = func(b *sdk.Batch) error {
			if b.From <= 20 && 20 < b.To {
				if tries++; tries <= 3 {
					return sdk.Retry(5*time.Second, errors.New("the service does not answer"))
				}
			}
			return nil
		}
		p.start()
		pass(13 * time.Second)
		if s := p.runner.Status(); s.State != Degraded || !strings.Contains(s.LastError, "the service does not answer") {
			t.Errorf("%s: %s", s.State, s.LastError)
		}
		pass(20 * time.Second)
		copied(t, w, tpOf("orders", 0), 0, 60)
		if s := p.runner.Status(); tries != 4 || s.LaneRestarts != 0 || s.Topics["orders"].Records != int64(len(offsets(0, 60))) {
			t.Errorf("%d tries, %d restarts, %d records", tries, s.LaneRestarts, s.Topics["orders"].Records)
		}
		_ = p.stop()
		check(t, w)
	})
}

// A stop does not wait for ever for a transform that never succeeds.
func TestStopEndsRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 60)
		p := newProcess(w)
		p.apply = func(*sdk.Batch) error { return sdk.Retry(time.Second, errors.New("never")) }
		p.start()
		pass(5 * time.Second)
		began := time.Now()
		_ = p.stop()
		if took := time.Since(began); took > 2*p.limit {
			t.Errorf("the stop took %s", took)
		}
		check(t, w)
	})
}

func TestDroppedRecordsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.bounded = true
		w.leftOut = func(o int64) bool { return everyFifth(sdk.Stream{}, o) }
		w.add("orders", 1, 60)
		p := newProcess(w)
		p.apply = func(b *sdk.Batch) error {
			records, err := b.Records()
			b.SetRecords(slices.DeleteFunc(slices.Clone(records), func(r sdk.Record) bool { return everyFifth(b.Source, r.Offset) }))
			return err
		}
		if err, ended := p.start().wait(); !ended || err != nil {
			t.Fatalf("ended %t with %v", ended, err)
		}
		total := p.runner.Status().Topics["orders"]
		if want := int64(len(offsets(0, 60)) - len(notRejected(60))); total.Dropped["shape"] != want || total.Rejected != nil || total.Records != int64(len(notRejected(60))) {
			t.Errorf("counted %+v, want %d dropped", total, want)
		}
		if gaps := w.lane(t, tpOf("orders", 0)).Gaps; len(gaps) > 0 {
			t.Errorf("gap records %v", gaps)
		}
		check(t, w)
	})
}

func TestRejectingWhatIsNotThereStopsThePartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.add("orders", 1, 60)
		p := newProcess(w)
		p.apply = func(b *sdk.Batch) error {
			b.Reject(1000, errors.New("no such field"))
			return nil
		}
		p.start()
		pass(10 * time.Second)
		if s := p.status(tpOf("orders", 0)); s.Reason != sdk.ReasonTransform || !strings.Contains(s.LastError, "transform shape: offset 1000 was rejected") {
			t.Errorf("status %+v", s)
		}
		_ = p.stop()
		check(t, w)
	})
}
