// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"sync"

	"github.com/klamm-io/klamm/core/runner"
)

// mirror is the running pipeline.
type mirror struct {
	*runner.Runner
	ended  chan struct{} // closed when Run has returned
	err    error         // of Run; read after ended
	cancel func()
}

func start(ctx context.Context, r *runner.Runner) *mirror {
	ctx, cancel := context.WithCancel(ctx)
	m := &mirror{Runner: r, ended: make(chan struct{}), cancel: sync.OnceFunc(cancel)}
	go func() {
		defer close(m.ended)
		m.err = r.Run(ctx)
	}()
	return m
}

// stop drains the pipeline and returns how it ended.
func (m *mirror) stop() error {
	m.cancel()
	<-m.ended
	return m.err
}
