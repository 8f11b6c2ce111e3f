// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"math"
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
	hears            bool          // the target takes something of every partition all the time
	zombies          bool          // two writers at a time are expected
	fresh            bool          // positions may go back to the start

	commitFault func(lane int) (err error, applied bool)
	readFault   func(lane int) error
	ensureFault func(topic string) error
	afterOpen   func(lane int)     // called when a ledger has been opened
	afterRead   func(b *sdk.Batch) // called with what a reader is about to return
	// leftOut says which records need not get to the target.
	leftOut func(offset int64) bool
	// whyDecoded says why a batch is not written as it was read; empty if it is.
	whyDecoded func(b *sdk.Batch) string

	mu      sync.Mutex
	random  *rand.Rand
	changed chan struct{} // closed and replaced
	parts   map[sdk.TopicPartition]*part
	since   map[sdk.TopicPartition]int64
	ids     map[sdk.TopicPartition]sdk.TopicID // as last made
	events  []string
	faults  []string

	logs    map[sdk.Stream][]int64 // what was written, by source partition
	durable map[sdk.Stream]map[int64]bool
	targets map[string]map[string]bool // values by target topic
	routed  []sdk.Record               // what was written that names its topic itself
	// elsewhere are the source offsets of what is in routed.
	elsewhere map[sdk.Stream]map[int64]bool
	copies    map[sdk.TopicPartition][]landed
	held      []*fakeWrite

	ledgers map[int]map[string][]byte
	before  map[int]snapshot // the last commit of a lane
	epochs  map[int]int
	starts  map[sdk.Stream]int64         // first position stored
	passed  map[sdk.Stream][]sdk.Offsets // what the gap records say
	carried map[string]bool              // moves carried out, by id
	moved   bool                         // a position went back, as a move says
	commits map[int]int                  // by lane
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
	failAt int64         // offset that cannot be read, for good; -1 if there is none
	gaps   []sdk.Offsets // what the source has lost, in order
	cut    int64         // where the log ends that was read up to a later offset; -1 if it was not cut
	refuse []int64       // offsets that the target refuses
}

func newWorld(seed uint64, lanes int) *world {
	return &world{
		sourceID: "src", sinkID: "dst", lanes: lanes, inFlight: 4, slow: 300 * time.Millisecond,
		random: rand.New(rand.NewPCG(seed, 1)), changed: make(chan struct{}),
		parts: map[sdk.TopicPartition]*part{}, since: map[sdk.TopicPartition]int64{},
		logs: map[sdk.Stream][]int64{}, durable: map[sdk.Stream]map[int64]bool{}, targets: map[string]map[string]bool{}, elsewhere: map[sdk.Stream]map[int64]bool{},
		copies: map[sdk.TopicPartition][]landed{}, before: map[int]snapshot{},
		ledgers: map[int]map[string][]byte{}, epochs: map[int]int{}, starts: map[sdk.Stream]int64{},
		passed: map[sdk.Stream][]sdk.Offsets{}, carried: map[string]bool{}, commits: map[int]int{}, ids: map[sdk.TopicPartition]sdk.TopicID{},
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
	w.addLocked(topic, sdk.TopicID{1}, n, end)
}

func (w *world) addLocked(topic string, id sdk.TopicID, n int32, end int64) {
	for i := range n {
		tp := tpOf(topic, i)
		if w.parts[tp] == nil {
			w.parts[tp] = &part{Stream: sdk.Stream{TopicPartition: tp, TopicID: id}, end: end, bound: end, failAt: -1, cut: -1}
			w.ids[tp] = id
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

// stream is a partition as last made. The caller holds the mutex.
func (w *world) stream(tp sdk.TopicPartition) sdk.Stream {
	return sdk.Stream{TopicPartition: tp, TopicID: w.ids[tp]}
}

// missing lists the records in [from, to) of a partition that are not at the target.
func (w *world) missing(tp sdk.TopicPartition, from, to int64) []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []int64
	for o := from; o < to; o++ {
		if hasRecord(o) && !w.durable[w.stream(tp)][o] {
			out = append(out, o)
		}
	}
	return out
}

// written is the log of a partition at the target.
func (w *world) written(tp sdk.TopicPartition) []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.logs[w.stream(tp)])
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

// problems is what broke an invariant, also at the end of a life.
func (w *world) problems() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for lane := range w.lanes {
		w.checkMappings(lane+1, math.MaxInt64, func(sdk.TopicPartition) bool { return true })
	}
	return slices.Clone(w.faults)
}
