// SPDX-License-Identifier: Apache-2.0

// Package runner runs pipelines: it shares their partitions out to lanes,
// moves batches, and stores positions when they are durable.
//
//	Runner ── discovers partitions, owns lanes
//	  └ lane ── opens ledger, reader, writer; starts again after an error
//	      └ flow ── reads, transforms, writes; stores what is delivered
//	          └ partition ── the contiguous prefix of what is delivered
package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

const (
	discoverEvery = 2 * time.Second
	lagEvery      = 5 * time.Second
	commitEvery   = time.Second
	followEvery   = time.Second
	lastCommit    = 3 * time.Second // the longest that storing positions holds up a stop

	// ownMemory is what a process takes before it holds a single record.
	ownMemory = 40 << 20
	// sourceShare is the part of the memory beyond it that bytes as read may take,
	// until they are delivered; sinkShare that of what is encoded anew. The rest
	// is for what lanes have in hand, decoded, and for what is not collected yet.
	sourceShare = 0.4
	sinkShare   = 0.25

	// yieldTimeout bounds how long a lane that goes to another process may
	// take to finish what it has in hand.
	yieldTimeout = 10 * time.Second
)

// Options are what a run adds to a pipeline's file.
type Options struct {
	Log *slog.Logger
	// Fresh starts a bounded run over, whatever positions are stored.
	Fresh bool
	// Resumes says that the pipeline has run, as that of a process that reloads
	// its files: without its positions the start is refused, and nothing is made.
	Resumes bool
}

// Runner runs one pipeline once.
type Runner struct {
	name    string
	spec    atomic.Pointer[config.Pipeline] // replaced by Update
	process string                          // what this process is called in the ledgers
	fresh   bool
	resumes bool
	log     *slog.Logger
	health  *health
	limiter *limiter

	source     sdk.Source
	transforms []sdk.Transform
	sink       sdk.Sink
	store      sdk.Store
	topics     *topics
	memory     [2]*sdk.Budget // of the source and of the sink

	continued sync.Once     // says once that stored positions are used
	elsewhere elsewhere     // as the end of a bounded run is awaited
	failed    chan error    // what ends the run
	edited    chan struct{} // holds a token when the file selects something else
	listening chan struct{} // holds a token while the control lane's ledger is read

	opened bool

	mu        sync.Mutex
	streams   []sdk.Stream     // the partitions there are
	listed    *config.Pipeline // by which file
	lanes     map[int]*lane
	renewed   map[int]bool    // lanes that a fresh run has started over
	control   *ledger.Control // what the control lane's ledger says; nil before the birth
	draining  bool
	wasEdited bool          // the file has been replaced
	began     bool          // a lane has run
	changed   chan struct{} // closed and replaced when lanes change or end
}

// New prepares a run; nothing is connected yet.
func New(p *config.Pipeline, o Options) *Runner {
	memory := float64(max(p.Settings.Memory-ownMemory, p.Settings.Memory/4))
	r := &Runner{
		name: p.Name, process: processName(), fresh: o.Fresh, resumes: o.Resumes, log: o.Log.With("pipeline", p.Name),
		health:    newHealth(),
		limiter:   newLimiter(p.Settings.Limit),
		memory:    [2]*sdk.Budget{sdk.NewBudget(int64(memory * sourceShare)), sdk.NewBudget(int64(memory * sinkShare))},
		lanes:     map[int]*lane{},
		renewed:   map[int]bool{},
		changed:   make(chan struct{}),
		failed:    make(chan error, 1),
		edited:    make(chan struct{}, 1),
		listening: make(chan struct{}, 1),
	}
	r.spec.Store(p)
	return r
}

// Incomplete is the error of a bounded run that has ended with partitions that
// are stopped.
type Incomplete struct {
	Pipeline   string
	Partitions []*sdk.PartitionError
}

func (e *Incomplete) Error() string {
	s := fmt.Sprintf("pipeline %s: stopped before their end: %d of its partitions", e.Pipeline, len(e.Partitions))
	for _, p := range e.Partitions {
		s += "\n  " + p.Error()
	}
	return s
}

// Run runs the pipeline until ctx ends (it then drains and returns nil) or its
// bounded source has ended. An error that is met before the first record could
// flow and lies in the surroundings is an *sdk.EnvironmentError; a bounded run
// that could not finish every partition returns an *Incomplete.
func (r *Runner) Run(ctx context.Context) error {
	defer r.close()
	if err := r.Open(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	err := r.operate(ctx)
	if err != nil {
		r.health.end(Failed, err)
	}
	return err
}

// operate shares in the lanes until the end.
func (r *Runner) operate(ctx context.Context) error {
	owning, leave := context.WithCancel(context.WithoutCancel(ctx))
	var working sync.WaitGroup
	defer working.Wait()
	defer leave()
	working.Go(func() { r.own(owning) })
	working.Go(func() { r.discover(owning) })
	working.Go(func() { r.measure(owning) })
	working.Go(func() { r.follow(owning) })
	working.Go(func() { r.watch(owning) })

	err := r.await(ctx)
	stopped := r.stopped()
	left := r.drain()
	if err != nil || ctx.Err() != nil {
		if err == nil && left != nil {
			err = fmt.Errorf("pipeline %s: stopped with work in hand, which the next start does again: %w", r.name, left)
		}
		if err == nil {
			r.health.end(Stopped, nil)
		}
		return err
	}
	if len(stopped) > 0 {
		return &Incomplete{Pipeline: r.name, Partitions: stopped}
	}
	r.health.end(Done, nil)
	return nil
}

// await waits for the end: asked for, reached, or forced by an error.
func (r *Runner) await(ctx context.Context) error {
	poll := time.NewTicker(time.Second)
	defer poll.Stop()
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		if r.source.Bounded() && r.finished(ctx) {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-r.failed:
			return err
		case <-changed:
		case <-poll.C:
		}
	}
}

// own takes part in sharing the lanes, again and again if the store fails.
func (r *Runner) own(ctx context.Context) {
	var pause backoff
	for {
		err := r.store.Own(ctx, r.granted, r.revoked)
		if ctx.Err() != nil {
			return
		}
		if r.failAtStart(err) {
			return
		}
		r.health.trouble(r.log, err)
		if pause.wait(ctx) != nil {
			return
		}
	}
}

// granted starts lanes.
func (r *Runner) granted(numbers []int) {
	r.health.set(Running)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.draining {
		return
	}
	for _, n := range numbers {
		if _, ok := r.lanes[n]; !ok {
			r.lanes[n] = startLane(r, n)
		}
	}
	r.shareLimit()
	r.notify()
}

// revoked ends lanes and returns when they have finished what is in hand.
func (r *Runner) revoked(numbers []int) {
	r.mu.Lock()
	var ending []*lane
	for _, n := range numbers {
		if l, ok := r.lanes[n]; ok {
			ending = append(ending, l)
		}
	}
	r.mu.Unlock()
	r.stopLanes(ending, min(yieldTimeout, time.Duration(r.spec.Load().Settings.ShutdownTimeout)))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.draining {
		return // the last snapshot still shows them
	}
	for _, l := range ending {
		delete(r.lanes, l.number)
	}
	r.shareLimit()
	r.notify()
}

// drain ends all lanes (invariant 5). It returns what they could not finish.
func (r *Runner) drain() error {
	r.mu.Lock()
	r.draining = true
	var all []*lane
	for _, l := range r.lanes {
		all = append(all, l)
	}
	r.mu.Unlock()
	r.health.set(Draining)
	r.stopLanes(all, time.Duration(r.spec.Load().Settings.ShutdownTimeout))
	var left []error
	for _, l := range all {
		l.mu.Lock()
		left = append(left, l.left)
		l.mu.Unlock()
	}
	return errors.Join(left...)
}

func (r *Runner) stopLanes(lanes []*lane, limit time.Duration) {
	var stopping sync.WaitGroup
	for _, l := range lanes {
		stopping.Go(func() { l.stop(limit) })
	}
	stopping.Wait()
}

// notify wakes whoever waits for lanes to change. The caller holds the mutex.
func (r *Runner) notify() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// failAtStart ends the run if the surroundings do not let it begin. Once a lane
// has run, the same error may pass and is retried.
func (r *Runner) failAtStart(err error) bool {
	_, ok := errors.AsType[*sdk.EnvironmentError](err)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !ok || r.began {
		return false
	}
	select {
	case r.failed <- fmt.Errorf("pipeline %s: %w", r.name, err):
	default: // one is enough
	}
	return true
}

// close frees both ends, the sink's first.
func (r *Runner) close() {
	var errs []error
	if r.store != nil {
		errs = append(errs, r.store.Close())
	}
	if r.sink != nil {
		errs = append(errs, r.sink.Close())
	}
	if r.source != nil {
		errs = append(errs, r.source.Close())
	}
	if err := errors.Join(errs...); err != nil {
		r.log.Warn("closing", "error", err)
	}
}
