// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// process is a running child. It dies with this process.
type process struct {
	child  *os.Process
	exited chan struct{} // closed when the child is gone
	err    error         // how it ended; set before exited is closed
}

func launch(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = bound()
	p := &process{exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The parent-death signal follows the thread that started the child,
		// so that thread has to live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	p.child = cmd.Process
	return p, nil
}

// running reports whether the child has not ended yet.
func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// kill ends the child at once and waits until it is gone.
func (p *process) kill() {
	_ = p.child.Kill()
	<-p.exited
}

// terminate asks the child to end and waits until it is gone. When ctx ends
// first, the child is killed and that is the error.
func (p *process) terminate(ctx context.Context) error {
	_ = p.child.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		p.kill()
		return fmt.Errorf("stopping process %d: %w", p.child.Pid, context.Cause(ctx))
	}
}
