// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

var (
	oldTopic = sdk.TopicID{1}
	newTopic = sdk.TopicID{2}
)

func restartRecreated(s *config.Settings) { s.OnRecreate = config.OnRecreateRestart }

// oldLog is what is at the target of a partition of the topic as first made.
func oldLog(w *world, tp sdk.TopicPartition) []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.logs[sdk.Stream{TopicPartition: tp, TopicID: oldTopic}])
}

func TestTopicMadeAgainIsCopiedFromItsBeginning(t *testing.T) {
	for _, partitions := range []int32{1, 4, 6} {
		for _, running := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d partitions, running %t", partitions, running), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := openWorld(t, 1, 3)
					w.add("orders", 4, 40)
					w.add("carts", 4, 40)
					start := func() *process {
						p := newProcess(w)
						p.pattern, p.settings = "*", restartRecreated
						return p.start()
					}
					p := start()
					pass(20 * time.Second)
					if !running {
						_ = p.stop()
					}
					w.recreate("orders", newTopic, partitions, 20)
					if !running {
						p = start()
					}
					pass(time.Minute)
					for i := range max(partitions, 4) {
						tp := tpOf("orders", i)
						if i < 4 {
							gapsAre(t, w, tp, sdk.ReasonRecreated, `on_recreate = "restart"`, sdk.Offsets{From: 40, To: ledger.OpenEnd})
							if got := oldLog(w, tp); !slices.Equal(got, offsets(0, 40)) {
								t.Errorf("of the old topic: %v", got)
							}
						}
						if i < partitions {
							copied(t, w, tp, 0, 20)
						} else if at := w.stored(tp); at != -1 {
							t.Errorf("%s is no more, and has position %d", tp, at)
						}
						if l := w.lane(t, tp); len(l.Stops) > 0 {
							t.Errorf("stops %v", l.Stops)
						}
					}
					for i := range int32(4) {
						copied(t, w, tpOf("carts", i), 0, 40)
						if running {
							undisturbed(t, w, tpOf("carts", i), 1)
						}
					}
					if s := p.runner.Status(); s.State != Running || s.Gaps != 4 || s.LaneRestarts != 0 {
						t.Errorf("%s, %d gaps, %d restarts: %s", s.State, s.Gaps, s.LaneRestarts, s.LastError)
					}
					_ = p.stop()
					check(t, w)
				})
			})
		}
	}
}

func TestTopicMadeAgainStopsUnlessTheFileSaysOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 3)
		w.add("orders", 4, 40)
		p := newProcess(w)
		p.pattern = "*"
		p.start()
		pass(20 * time.Second)
		w.recreate("orders", newTopic, 6, 20)
		pass(time.Minute)
		for i := range int32(6) {
			tp := tpOf("orders", i)
			copied(t, w, tp, 0, 0)
			if s := p.status(tp); s.State != Stopped || s.Reason != sdk.ReasonRecreated {
				t.Errorf("%s: %+v", tp, s)
			}
			want := int64(40)
			if i >= 4 {
				want = -1 // nothing of it has been read
			}
			if at := w.stored(tp); at != want {
				t.Errorf("%s has position %d, want %d", tp, at, want)
			}
		}

		// The file is edited: those that were there and those that came go on.
		made := p.pipeline()
		restartRecreated(&made.Settings)
		if !p.runner.Update(made) {
			t.Fatal("the edited file asks for a new run")
		}
		pass(time.Minute)
		for i := range int32(6) {
			copied(t, w, tpOf("orders", i), 0, 20)
		}
		if s := p.runner.Status(); s.State != Running || s.Gaps != 4 {
			t.Errorf("%s, %d gaps", s.State, s.Gaps)
		}
		_ = p.stop()
		check(t, w)
	})
}

// A person lets partition 0 of a topic that was made again go on: the partitions
// that only the new topic has follow it, the others wait for their own word.
func TestPartitionsOfTheNewTopicFollowThe0th(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 3)
		w.add("orders", 2, 40)
		p := newProcess(w).start()
		pass(20 * time.Second)
		w.recreate("orders", newTopic, 4, 20)
		pass(20 * time.Second)
		w.moveTo(tpOf("orders", 0), "skip", 0, true)
		pass(time.Minute)
		copied(t, w, tpOf("orders", 0), 0, 20)
		copied(t, w, tpOf("orders", 1), 0, 0)
		copied(t, w, tpOf("orders", 2), 0, 20)
		copied(t, w, tpOf("orders", 3), 0, 20)
		gapsAre(t, w, tpOf("orders", 0), sdk.ReasonRecreated, "positions skip", sdk.Offsets{From: 40, To: ledger.OpenEnd})
		if at := w.stored(tpOf("orders", 1)); at != 40 {
			t.Errorf("position %d", at)
		}
		_ = p.stop()
		check(t, w)
	})
}

// What a bounded run shall copy is settled when it begins.
func TestABoundedRunStopsAtATopicMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 3)
		w.bounded = true
		w.add("orders", 4, 40)
		if err, ended := newProcess(w).start().wait(); err != nil || !ended {
			t.Fatal(err, ended)
		}
		w.recreate("orders", newTopic, 4, 40)
		p := newProcess(w)
		p.pattern, p.settings = "*", restartRecreated
		err, ended := p.start().wait()
		incomplete, ok := errors.AsType[*Incomplete](err)
		if !ended || !ok || len(incomplete.Partitions) != 4 || incomplete.Partitions[0].Reason != sdk.ReasonRecreated {
			t.Errorf("ended %t with %v", ended, err)
		}
		for i := range int32(4) {
			copied(t, w, tpOf("orders", i), 0, 0)
			gapsAre(t, w, tpOf("orders", i), "", "")
		}
		check(t, w)
	})
}
