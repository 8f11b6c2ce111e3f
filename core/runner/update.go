// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"reflect"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/sdk"
)

// Update takes over an edited file while the pipeline runs: what it selects, its
// limit, its policies. What is read and selected still is not interrupted. It
// returns false, and changes nothing, if the difference asks for a new run.
func (r *Runner) Update(p *config.Pipeline) bool {
	old := r.spec.Load()
	if !alike(old, p) {
		return false
	}
	if !reflect.DeepEqual(old.Source.Config, p.Source.Config) {
		adjuster, ok := r.source.(sdk.Adjuster)
		if !ok || !adjuster.Adjust(p.Source.Config) {
			return false
		}
	}
	r.mu.Lock()
	r.spec.Store(p)
	r.wasEdited = true
	r.streams = r.selected(r.streams)
	r.shareLimit()
	lanes := r.ownedLanes()
	r.mu.Unlock()
	r.topics.keep(p)
	for _, l := range lanes {
		l.wake()
	}
	select {
	case r.edited <- struct{}{}:
	default:
	}
	return true
}

// Same reports whether a file says nothing else than the one that runs.
func (r *Runner) Same(p *config.Pipeline) bool {
	old := r.spec.Load()
	return alike(old, p) && reflect.DeepEqual(old.Source.Config, p.Source.Config) && reflect.DeepEqual(old.Settings, p.Settings)
}

// alike reports whether two files differ at most in what can be changed while a
// pipeline runs.
func alike(a, b *config.Pipeline) bool {
	fixed := func(p *config.Pipeline) config.Settings {
		s := p.Settings
		s.Limit, s.OnGap, s.OnTruncate, s.OnRecreate, s.OnReject, s.DeadLetter, s.ShutdownTimeout = nil, "", "", "", "", nil, 0
		return s
	}
	return a.Name == b.Name && a.Source.Plugin == b.Source.Plugin && a.Sink.Plugin == b.Sink.Plugin &&
		fixed(a) == fixed(b) && reflect.DeepEqual(a.Sink.Config, b.Sink.Config) &&
		reflect.DeepEqual(configsOf(a.Transforms), configsOf(b.Transforms))
}

func configsOf(transforms []config.Stage[sdk.TransformConfig]) []any {
	var all []any
	for _, t := range transforms {
		all = append(all, t.Plugin, t.Config)
	}
	return all
}

// Ends returns what the run reads from and where its positions are, for who looks
// at them beside it; false if it is not open, or has no birth yet.
func (r *Runner) Ends() (*config.Pipeline, sdk.Source, sdk.Store, bool) {
	if r.said() == nil { // nor may the others be looked at before
		return r.spec.Load(), nil, nil, false
	}
	return r.spec.Load(), r.source, r.store, true
}
