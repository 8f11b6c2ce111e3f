// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// life is what happens to a pipeline that runs for ever: losses at its source,
// refusals, failures, and people who have a say.
type life struct {
	*world
	steps   []step
	running []*process
	pattern string
	fail    string
	limit   *config.Limit
	moves   int
	skipped map[sdk.TopicPartition][]sdk.Offsets // what people moved past
	lost    map[sdk.TopicPartition][]sdk.Offsets
	broken  []string
}

// step is something that happens, after a while, at a partition and an offset.
type step struct {
	what      string
	after     time.Duration
	partition sdk.TopicPartition
	offset    int64
}

const lifeEnd = 60

var lifeSteps = []string{
	"kill", "stop", "fence", "pair", "commit lost", "commit unknown", "read", "pause", "pause", "resume", "pause all", "resume all",
	"set", "set", "skip", "lose", "lose", "lose", "refuse", "select", "select", "limit", "wait",
}

func drawLife(t *rapid.T) *life {
	l := &life{
		world: newWorld(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 3).Draw(t, "lanes")), pattern: "*",
		skipped: map[sdk.TopicPartition][]sdk.Offsets{}, lost: map[sdk.TopicPartition][]sdk.Offsets{},
	}
	l.steps = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			what:      rapid.SampledFrom(lifeSteps).Draw(t, "what"),
			after:     time.Duration(rapid.IntRange(0, 5000).Draw(t, "after")) * time.Millisecond,
			partition: tpOf(rapid.SampledFrom([]string{"orders", "carts"}).Draw(t, "topic"), rapid.Int32Range(0, 1).Draw(t, "partition")),
			offset:    rapid.Int64Range(0, lifeEnd).Draw(t, "offset"),
		}
	}), 0, 14).Draw(t, "steps")
	l.slow = time.Duration(rapid.IntRange(50, 2000).Draw(t, "slow")) * time.Millisecond
	l.zombies = true
	l.add("orders", 2, lifeEnd)
	l.add("carts", 2, lifeEnd)
	l.commitFault = func(lane int) (error, bool) {
		if was := l.fail; lane != sdk.ControlLane && (was == "commit lost" || was == "commit unknown") {
			l.fail = ""
			return errors.New(was), was == "commit unknown"
		}
		return nil, true
	}
	l.readFault = func(int) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.fail == "read" {
			l.fail = ""
			return errors.New("connection lost")
		}
		return nil
	}
	return l
}

func (l *life) partitions() []sdk.TopicPartition {
	return []sdk.TopicPartition{tpOf("orders", 0), tpOf("orders", 1), tpOf("carts", 0), tpOf("carts", 1)}
}

func (l *life) start() *process {
	p := newProcess(l.world)
	p.pattern, p.selects, p.settings = l.pattern, true, l.settings
	return p.start()
}

func (l *life) settings(s *config.Settings) { s.OnGap, s.Limit = config.OnGapSkip, l.limit }

// edit gives every process the file as it is now.
func (l *life) edit() {
	for _, p := range l.running {
		if p.runner.Status().LanesOwned > 0 && !p.runner.Update(p.edited(l.pattern, l.settings)) {
			l.broken = append(l.broken, "an edited file asks for a new run")
		}
	}
}

func (l *life) happen(s step) {
	pass(s.after)
	last := len(l.running) - 1
	switch s.what {
	case "kill":
		l.running[last].kill()
		l.running[last] = l.start()
	case "stop":
		_ = l.running[last].stop() // a lane that fails just now gives up what is in hand
		l.running[last] = l.start()
	case "fence":
		l.fenceAll()
	case "pair":
		if len(l.running) < 3 {
			l.running = append(l.running, l.start())
		}
	case "pause":
		l.hold(ledger.Scope(s.partition))
	case "resume":
		l.resume(ledger.Scope(s.partition))
	case "pause all":
		l.hold(ledger.Everything())
	case "resume all":
		l.resume(ledger.Everything())
	case "set", "skip":
		l.moves++
		l.moveTo(s.partition, fmt.Sprint(s.what, l.moves), s.offset, s.what == "skip")
		l.skipped[s.partition] = append(l.skipped[s.partition], sdk.Offsets{From: 0, To: s.offset})
	case "lose":
		lost := sdk.Offsets{From: s.offset, To: min(s.offset+7, lifeEnd)}
		lose(l.world, s.partition, lost)
		l.lost[s.partition] = append(l.lost[s.partition], lost)
	case "refuse":
		l.change(s.partition, func(p *part) { p.refuse = append(p.refuse, s.offset) })
	case "select":
		l.pattern = map[string]string{"*": "orders", "orders": "*"}[l.pattern]
		l.edit()
	case "limit":
		l.limit = &config.Limit{Records: 5 + s.offset}
		l.edit()
	default:
		l.mu.Lock()
		l.fail = s.what
		l.mu.Unlock()
	}
}

// finish takes back what people said, and skips what the target refuses, until
// everything has come to its end.
func (l *life) finish(t *testing.T) {
	l.resume(ledger.Everything())
	for _, tp := range l.partitions() {
		l.resume(ledger.Scope(tp))
	}
	l.pattern, l.limit = "*", nil
	pass(30 * time.Second)
	l.edit()
	for range 40 {
		pass(30 * time.Second)
		done := true
		for _, tp := range l.partitions() {
			if stop, ok := l.lane(t, tp).Stops[tp]; ok && stop.Resume != nil {
				l.moves++
				l.moveTo(tp, fmt.Sprint("refused", l.moves), stop.Resume.Offset, true)
			}
			done = done && l.stored(tp) == lifeEnd
		}
		if done {
			return
		}
	}
	l.broken = append(l.broken, "does not come to its end")
}

// justified reports whether an offset may be passed over.
func (l *life) justified(tp sdk.TopicPartition, offset int64) bool {
	in := func(o sdk.Offsets) bool { return o.From <= offset && offset < o.To }
	return slices.ContainsFunc(l.lost[tp], in) || slices.ContainsFunc(l.skipped[tp], in) || slices.Contains(l.parts[tp].refuse, offset)
}

// live goes through the life and returns what is wrong at its end.
func (l *life) live(t *testing.T) []string {
	l.running = append(l.running, l.start())
	for _, s := range l.steps {
		l.happen(s)
	}
	l.finish(t)
	for _, p := range l.running {
		for _, s := range p.runner.Status().Lanes {
			if s.State != Running {
				l.broken = append(l.broken, fmt.Sprintf("lane %d is %s", s.Lane, s.State))
			}
		}
	}
	for _, p := range l.running {
		if err := p.stop(); err != nil {
			l.broken = append(l.broken, err.Error())
		}
	}
	for _, tp := range l.partitions() {
		if at := l.stored(tp); at != lifeEnd {
			l.broken = append(l.broken, fmt.Sprintf("%s has position %d", tp, at))
		}
		for _, o := range l.missing(tp, 0, lifeEnd) {
			if !l.passedOver(l.stream(tp), o) {
				l.broken = append(l.broken, fmt.Sprintf("%s offset %d is not at the target, and no gap says so", tp, o))
			}
		}
		for o := range int64(lifeEnd) {
			if l.passedOver(l.stream(tp), o) && !l.justified(tp, o) {
				l.broken = append(l.broken, fmt.Sprintf("%s offset %d was passed over for no reason", tp, o))
			}
		}
	}
	return append(l.broken, l.problems()...)
}

// Whatever people say and whatever is lost: at the end, everything is at the
// target or in a gap record, nothing is passed over without a reason, and a move
// is carried out once (the world checks every write and every commit).
func TestNothingVanishesInALongLife(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := drawLife(rt)
		var wrong []string
		synctest.Test(t, func(t *testing.T) { wrong = l.live(t) })
		for _, w := range wrong {
			rt.Error(w)
		}
		if rt.Failed() {
			rt.FailNow()
		}
	})
}
