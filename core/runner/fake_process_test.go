// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"io"
	"log/slog"
	"path"
	"testing/synctest"
	"time"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/sdk"
)

// process is one run of the pipeline in the world. As a config it makes the
// stages.
type process struct {
	w        *world
	fresh    bool
	limit    time.Duration // shutdown timeout
	log      io.Writer
	rules    sdk.TopicMapping
	apply    func(*sdk.Batch) error
	pattern  string // topics it says it selects
	selects  bool   // its source lists these only
	settings func(*config.Settings)
	clusters bool // its ends are clusters
	noStore  bool
	dead     bool // nothing it does has any effect
	ownFault error

	runner *Runner
	cancel context.CancelFunc
	ended  chan error
	over   bool // the end has been seen
}

func newProcess(w *world) *process {
	return &process{w: w, limit: 10 * time.Second, log: io.Discard, ended: make(chan error, 1)}
}

func (p *process) NewSource(context.Context, sdk.Env) (sdk.Source, error) {
	return &fakeSource{p}, nil
}

func (p *process) NewSink(context.Context, sdk.Env) (sdk.Sink, error) {
	if p.noStore {
		return struct{ sdk.Sink }{&fakeSink{p}}, nil
	}
	return &fakeSink{p}, nil
}

func (p *process) NewTransform(context.Context, sdk.Env) (sdk.Transform, error) { return p, nil }
func (p *process) TopicMapping() sdk.TopicMapping                               { return p.rules }
func (p *process) TopicPatterns() []string                                      { return []string{p.pattern} }

func (p *process) SelectsTopic(name string) bool { return matches(p.pattern, name) }

func matches(pattern, name string) bool {
	ok, _ := path.Match(pattern, name)
	return ok
}

// Apply implements [sdk.Transform].
func (p *process) Apply(_ context.Context, b *sdk.Batch) error {
	m, err := p.rules.Compile()
	if err != nil {
		return err
	}
	b.Topic = m.Map(b.Topic)
	if p.apply != nil {
		return p.apply(b)
	}
	return nil
}

func (p *process) closed(what string) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.closed = append(p.w.closed, what)
}

// end is a process as the config of a stage that works on a cluster.
type end struct {
	*process
	cluster *sdk.Cluster
}

func (e end) UsesCluster() *sdk.Cluster { return e.cluster }

func (p *process) pipeline() *config.Pipeline {
	made := p.shape()
	if p.clusters {
		made.Source.Config = end{p, &sdk.Cluster{Name: "east"}}
		made.Sink.Config = end{p, &sdk.Cluster{Name: "west"}}
	}
	return made
}

func (p *process) shape() *config.Pipeline {
	settings := config.Settings{Lanes: p.w.lanes, Memory: 1 << 20, ShutdownTimeout: sdk.Duration(p.limit)}
	if p.settings != nil {
		p.settings(&settings)
	}
	return &config.Pipeline{
		Name:       "copy",
		Source:     config.Stage[sdk.SourceConfig]{Plugin: "fake", Config: p},
		Transforms: []config.Stage[sdk.TransformConfig]{{Plugin: "shape", Config: p}},
		Sink:       config.Stage[sdk.SinkConfig]{Plugin: "fake", Config: p},
		Settings:   settings,
	}
}

// start runs the process; stop, kill or wait end it.
func (p *process) start() *process { return p.startWith(p.pipeline()) }

func (p *process) startWith(made *config.Pipeline) *process {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.w.started = append(p.w.started, p)
	p.runner = New(made, Options{Log: slog.New(slog.NewTextHandler(p.log, nil)), Fresh: p.fresh})
	go func() { p.ended <- p.runner.Run(ctx) }()
	return p
}

// stop asks the process to end and waits for it.
func (p *process) stop() error {
	p.cancel()
	p.over = true
	return <-p.ended
}

// kill ends the process at once: nothing that it still does has any effect.
func (p *process) kill() {
	p.w.mu.Lock()
	p.dead = true
	for lane, holder := range p.w.holders {
		if holder.p == p {
			delete(p.w.holders, lane)
		}
	}
	var left []*fakeStore
	for _, m := range p.w.members {
		if m.p != p {
			left = append(left, m)
		}
	}
	p.w.members = left
	p.w.signal()
	p.w.mu.Unlock()
	_ = p.stop()
}

// wait waits for the process to end by itself; false if it has not after long.
func (p *process) wait() (error, bool) {
	select {
	case err := <-p.ended:
		p.cancel()
		p.over = true
		return err, true
	case <-time.After(10 * time.Minute):
		return nil, false
	}
}

// pass lets time pass, and everything come to rest after it.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// status is a process's status by partition.
func (p *process) status(tp sdk.TopicPartition) PartitionStatus {
	for _, s := range p.runner.Status().Partitions {
		if s.Topic == tp.Topic && s.Partition == tp.Partition {
			return s
		}
	}
	return PartitionStatus{}
}
