// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/klamm-io/klamm/sdk"
)

// world is everything outside the processes: a source, a target and a store, in
// memory. It notes whatever breaks an invariant in faults.
type world struct {
	sourceID, sinkID string
	lanes            int
	bounded          bool
	inFlight         int           // batches a writer takes before it waits
	slow             time.Duration // the longest that a batch takes to be durable, and to be answered
	manual           bool          // writes are kept in held until the test answers them
	zombies          bool          // two writers at a time are expected
	fresh            bool          // positions may go back to the start

	commitFault func(lane int) (err error, applied bool)
	readFault   func(lane int) error
	ensureFault func(topic string) error
	afterOpen   func(lane int) // called when a ledger has been opened

	mu      sync.Mutex
	random  *rand.Rand
	changed chan struct{} // closed and replaced
	parts   map[sdk.TopicPartition]*part
	since   map[sdk.TopicPartition]int64
	events  []string
	faults  []string

	logs    map[sdk.TopicPartition][]int64 // what was written, by source partition
	durable map[sdk.TopicPartition]map[int64]bool
	targets map[string]map[string]bool // values by target topic
	held    []*fakeWrite

	ledgers map[int]map[string][]byte
	epochs  map[int]int
	starts  map[sdk.TopicPartition]int64 // first position stored
	members []*fakeStore
	holders map[int]*fakeStore
	closed  []string
	started []*process
}

// part is a partition of the source. Every seventh offset has no record.
type part struct {
	sdk.Stream
	end    int64
	bound  int64
	failAt int64 // offset that cannot be read; -1 if there is none
	refuse int64 // offset that the target refuses; -1 if there is none
}

func newWorld(seed uint64, lanes int) *world {
	return &world{
		sourceID: "src", sinkID: "dst", lanes: lanes, inFlight: 4, slow: 300 * time.Millisecond,
		random: rand.New(rand.NewPCG(seed, 1)), changed: make(chan struct{}),
		parts: map[sdk.TopicPartition]*part{}, since: map[sdk.TopicPartition]int64{},
		logs: map[sdk.TopicPartition][]int64{}, durable: map[sdk.TopicPartition]map[int64]bool{}, targets: map[string]map[string]bool{},
		ledgers: map[int]map[string][]byte{}, epochs: map[int]int{}, starts: map[sdk.TopicPartition]int64{},
		holders: map[int]*fakeStore{},
	}
}

// openWorld makes a world that ends with the test, and what still runs in it.
func openWorld(t *testing.T, seed uint64, lanes int) *world {
	w := newWorld(seed, lanes)
	t.Cleanup(func() {
		for _, p := range w.started {
			if !p.over {
				p.kill()
			}
		}
	})
	return w
}

func tpOf(topic string, partition int32) sdk.TopicPartition {
	return sdk.TopicPartition{Topic: topic, Partition: partition}
}

func hasRecord(offset int64) bool { return offset%7 != 3 }

func valueAt(tp sdk.TopicPartition, offset int64) string { return fmt.Sprintf("%s@%d", tp, offset) }

// add makes partitions 0 to n-1 of a topic, with offsets up to end.
func (w *world) add(topic string, n int32, end int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range n {
		tp := tpOf(topic, i)
		if w.parts[tp] == nil {
			w.parts[tp] = &part{Stream: sdk.Stream{TopicPartition: tp, TopicID: sdk.TopicID{1}}, end: end, bound: end, failAt: -1, refuse: -1}
		}
	}
	w.signal()
}

// grow lets every partition grow to an end.
func (w *world) grow(end int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.parts {
		p.end = max(p.end, end)
	}
	w.signal()
}

// change changes a partition.
func (w *world) change(tp sdk.TopicPartition, f func(*part)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w.parts[tp])
	w.signal()
}

func (w *world) remove(tp sdk.TopicPartition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.parts, tp)
	w.signal()
}

// signal wakes whoever waits for the world. The caller holds the mutex.
func (w *world) signal() {
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *world) fault(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

func (w *world) event(format string, args ...any) {
	w.events = append(w.events, fmt.Sprintf(format, args...))
}

// happened returns the place of an event in the order of all, -1 if it is none.
func (w *world) happened(event string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Index(w.events, event)
}

func (w *world) count(event string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, e := range w.events {
		if e == event {
			n++
		}
	}
	return n
}

func (w *world) pause() time.Duration {
	return time.Duration(w.random.Int64N(int64(w.slow)) + 1)
}

// write makes a record durable at the target. What is written follows what was
// written before, or repeats it.
func (w *world) write(tp sdk.TopicPartition, target string, offset int64, value string) {
	if value != valueAt(tp, offset) {
		w.fault("%s offset %d was written as %q", tp, offset, value)
	}
	if log := w.logs[tp]; len(log) > 0 {
		before := log[len(log)-1]
		if w.zombies {
			before = slices.Max(log)
		}
		for o := before + 1; o < offset; o++ {
			if hasRecord(o) {
				w.fault("%s offset %d was written behind a hole: %d came before", tp, offset, before)
				break
			}
		}
	}
	w.logs[tp] = append(w.logs[tp], offset)
	if w.durable[tp] == nil {
		w.durable[tp] = map[int64]bool{}
	}
	w.durable[tp][offset] = true
	if w.targets[target] == nil {
		w.targets[target] = map[string]bool{}
	}
	w.targets[target][value] = true
}

// stored is a partition's position in the store; -1 if there is none.
func (w *world) stored(tp sdk.TopicPartition) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.storedLocked(tp)
}

func (w *world) storedLocked(tp sdk.TopicPartition) int64 {
	key := sdk.PositionKey(tp)
	if value, ok := w.ledgers[laneOf(tp, w.lanes)][key]; ok {
		p, _, err := sdk.DecodePosition(key, value)
		if err != nil {
			w.fault("%v", err)
		}
		return p.Offset
	}
	return -1
}

// checkCommit holds a stored position against invariants 1 and 2.
func (w *world) checkCommit(lane int, e sdk.Entry) {
	p, ok, err := sdk.DecodePosition(e.Key, e.Value)
	if !ok || err != nil {
		if err != nil {
			w.fault("%v", err)
		}
		return
	}
	tp := p.TopicPartition
	if laneOf(tp, w.lanes) != lane {
		w.fault("lane %d stores the position of %s", lane, tp)
	}
	before := w.storedLocked(tp)
	if before < 0 || w.fresh && p.Offset == w.since[tp] {
		w.starts[tp] = p.Offset
	} else if p.Offset < before {
		w.fault("%s went back from %d to %d", tp, before, p.Offset)
	}
	for o := w.starts[tp]; o < p.Offset; o++ {
		if hasRecord(o) && !w.durable[tp][o] {
			w.fault("%s has position %d, but %d is not durable", tp, p.Offset, o)
			break
		}
	}
	w.event("store %s", p)
}

// missing lists the records in [from, to) of a partition that are not at the target.
func (w *world) missing(tp sdk.TopicPartition, from, to int64) []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []int64
	for o := from; o < to; o++ {
		if hasRecord(o) && !w.durable[tp][o] {
			out = append(out, o)
		}
	}
	return out
}

// written is the log of a partition at the target.
func (w *world) written(tp sdk.TopicPartition) []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.logs[tp])
}

// offsets are those of [from, to) that have a record.
func offsets(from, to int64) []int64 {
	var out []int64
	for o := from; o < to; o++ {
		if hasRecord(o) {
			out = append(out, o)
		}
	}
	return out
}

func (w *world) problems() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.faults)
}
