// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/klamm-io/klamm/sdk"
)

var (
	pipelineSeeds = flag.Int("pipeline.seeds", 6, "how many pipelines are simulated")
	pipelineFirst = flag.Uint64("pipeline.first", 1, "the seed of the first")
)

// Whatever happens on the way, every partition arrives whole, in order and once, and
// the runs say where. Stops are gone on after, as the runner does.
func TestPipelines(t *testing.T) {
	for i := range *pipelineSeeds {
		seed := *pipelineFirst + uint64(i)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			simulate(t, seed)
		})
	}
}

const (
	simulatedLanes = 3
	perLane        = 2 // partitions
	simulatedEnd   = 600
)

func simulate(t *testing.T, seed uint64) {
	weather := newWeather(seed)
	k := newCluster(t, kfake.NumBrokers(3), kfake.ListenFn(weather.listen))
	weather.over(k)
	s := newTestSink(t, k, nil) // what is read is not compressed either: it passes
	read, _ := newEnv(64 << 20)
	var lanes []*simulatedLane
	createTopic(t, k, "t", simulatedLanes*perLane)
	for n := range simulatedLanes {
		lanes = append(lanes, newSimulatedLane(t, s, n, rand.New(rand.NewPCG(seed, uint64(n))), newBuffers(read.Memory, 0)))
	}
	var running sync.WaitGroup
	ctx := testContext(t)
	weather.begin(len(lanes))
	for _, l := range lanes {
		running.Go(func() {
			l.run(ctx, func(p int32) { weather.moveLeader(k, p) })
			weather.end()
		})
	}
	running.Wait()
	for _, l := range lanes {
		l.check(k)
	}
	if used := read.Memory.Used(); used != 0 {
		t.Errorf("%d bytes of what was read are not given back", used)
	}
}

// simulatedLane writes its partitions as a runner does: it goes on while batches are
// in flight, and after a stop, once all is answered, from where the position is.
type simulatedLane struct {
	t       *testing.T
	writer  *writer
	random  *rand.Rand
	buffers *buffers

	mu         sync.Mutex
	partitions []*simulated
	failed     error
	news       chan struct{} // holds a token when a write was answered
}

// simulated is a partition: what is delivered of it, and what is under way.
type simulated struct {
	number   int32
	next     int64 // offset to write
	position int64 // everything before is delivered
	runs     []sdk.Run
	pending  []*simulatedWrite
	open     int
	stopped  bool
}

type simulatedWrite struct {
	to      int64
	settled bool
	sdk.Delivery
	err error
}

func newSimulatedLane(t *testing.T, s *sink, n int, random *rand.Rand, b *buffers) *simulatedLane {
	w, err := s.Open(testContext(t), n)
	if err != nil {
		t.Fatal(err)
	}
	l := &simulatedLane{t: t, writer: w.(*writer), random: random, buffers: b, news: make(chan struct{}, 1)}
	for p := range int32(perLane) {
		l.partitions = append(l.partitions, &simulated{number: int32(n)*perLane + p})
	}
	return l
}

// run writes until everything is delivered, and closes.
func (l *simulatedLane) run(ctx context.Context, moveLeader func(int32)) {
	for ctx.Err() == nil {
		p, done := l.choose()
		switch {
		case done:
			if err := l.writer.Close(ctx); err != nil {
				l.t.Error(err)
			}
			return
		case p != nil:
			l.write(ctx, p)
			moveLeader(p.number)
		default:
			select {
			case <-l.news:
			case <-ctx.Done():
			}
		}
	}
	l.t.Errorf("%v; the lane hangs at %s", ctx.Err(), l)
	l.writer.Close(ctx)
}

func (l *simulatedLane) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var at []string
	for _, p := range l.partitions {
		at = append(at, fmt.Sprintf("%d: %d of %d, %d in flight, stopped %v", p.number, p.position, p.next, p.open, p.stopped))
	}
	return strings.Join(at, "; ")
}

// choose returns a partition to write, nil if there is none now; done says that all
// is delivered, or the lane has failed.
func (l *simulatedLane) choose() (p *simulated, done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	done = true
	var ready []*simulated
	for _, p := range l.partitions {
		done = done && p.position == simulatedEnd && p.open == 0
		if p.stopped && p.open == 0 {
			l.writer.Admit(sdk.TopicPartition{Topic: "t", Partition: p.number})
			p.next, p.stopped = p.position, false
		}
		if !p.stopped && p.next < simulatedEnd {
			ready = append(ready, p)
		}
	}
	if l.failed != nil || len(ready) == 0 {
		return nil, done || l.failed != nil
	}
	return ready[l.random.IntN(len(ready))], false
}

// write writes a few records: as they were read, or replaced by a stage.
func (l *simulatedLane) write(ctx context.Context, p *simulated) {
	l.mu.Lock()
	at := sdk.Offsets{From: p.next, To: min(p.next+1+l.random.Int64N(8), simulatedEnd)}
	wr := &simulatedWrite{to: at.To}
	p.next, p.open, p.pending = at.To, p.open+1, append(p.pending, wr)
	l.mu.Unlock()
	b := l.batch(sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: "t", Partition: p.number}}, at)
	if l.random.IntN(4) == 0 {
		records, err := b.Records()
		if err != nil {
			l.t.Error(err)
		}
		b.SetRecords(slices.Clone(records))
	}
	l.writer.Write(ctx, b, func(d sdk.Delivery, err error) {
		b.Release()
		l.settled(p, wr, d, err)
	})
}

// batch is what a fetch would have brought: one or two batches.
func (l *simulatedLane) batch(source sdk.Stream, at sdk.Offsets) *sdk.Batch {
	middle := at.From + l.random.Int64N(at.Count())
	raw := batchAt(middle, numbered(int(middle), int(at.To))...)
	if middle > at.From {
		raw = slices.Concat(batchAt(at.From, numbered(int(at.From), int(middle))...), raw)
	}
	held := l.buffers.get(len(raw))
	copy(held.bytes, raw)
	return sdk.NewEncodedBatch(source, at, &fetched{at: at, raw: held.bytes, readCommitted: true, decompressor: newDecompressor(1 << 20), memory: held})
}

func (l *simulatedLane) settled(p *simulated, wr *simulatedWrite, d sdk.Delivery, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.open--
	wr.settled, wr.Delivery, wr.err = true, d, err
	for len(p.pending) > 0 && p.pending[0].settled {
		first := p.pending[0]
		p.pending = p.pending[1:]
		p.position = max(p.position, first.To)
		p.runs = append(p.runs, first.Runs...)
		if _, ok := sdk.AsPartitionError(first.err); ok {
			p.pending, p.stopped = nil, true
		} else if first.err != nil && l.failed == nil {
			l.failed = first.err
			l.t.Error(first.err)
		}
	}
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// check compares what arrived with what was to.
func (l *simulatedLane) check(k *kfake.Cluster) {
	for _, p := range l.partitions {
		holds(l.t, k, "t", p.number, numbered(0, simulatedEnd)...)
		if d := cmp.Diff(wholeRun("t", p.number, 0, 0, simulatedEnd), merged(p.runs)); d != "" {
			l.t.Errorf("the runs of partition %s: %s", strconv.Itoa(int(p.number)), d)
		}
	}
	if used := l.writer.memory.Used(); used != 0 {
		l.t.Errorf("%d bytes of the lane are not given back", used)
	}
}
