// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is an engine that runs, and what the kernel knows of it. Its
// figures come from /proc, so the bench needs Linux.
type process struct {
	cmd    *exec.Cmd
	out    *tail
	exited chan struct{}
	err    error // how it ended; set before exited is closed
	peak   int64 // KiB, as last seen
}

func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, out: &tail{}, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.exited)
		p.err = cmd.Wait()
	}()
	return p, nil
}

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// look notes how much memory the process has taken so far. What the kernel
// tells about a process that has ended includes its parent's.
func (p *process) look() {
	if kib := p.status("VmHWM"); kib > 0 {
		p.peak = kib
	}
}

// status is a field of /proc/PID/status in KiB, 0 once the process is gone.
func (p *process) status(field string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, field+":"); found {
			kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib
		}
	}
	return 0
}

func (p *process) peakMiB() float64 { return float64(p.peak) / 1024 }

// cpu is what the process has used so far.
func (p *process) cpu() time.Duration {
	if !p.running() {
		return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	// The name of the program, in parentheses, may hold anything.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const user, system, tick = 11, 12, 10 * time.Millisecond
	if len(fields) <= system {
		return 0
	}
	u, _ := strconv.ParseInt(fields[user], 10, 64)
	s, _ := strconv.ParseInt(fields[system], 10, 64)
	return time.Duration(u+s) * tick
}

// wait waits until the process has ended by itself.
func (p *process) wait(ctx context.Context, most time.Duration) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(most); ; {
		p.look()
		select {
		case <-p.exited:
			return p.failure()
		case <-ctx.Done():
			p.end()
			return ctx.Err()
		case <-tick.C:
			if time.Now().After(end) {
				p.end()
				return fmt.Errorf("still running after %s\n%s", most, p.out)
			}
		}
	}
}

func (p *process) failure() error {
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w\n%s", p.cmd.Path, p.err, p.out)
}

// end ends a process that goes on by itself.
func (p *process) end() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(15 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

// ended is an error if the process has ended although it should go on.
func (p *process) ended() error {
	if p.running() {
		return nil
	}
	return errors.Join(fmt.Errorf("%s ended:\n%s", p.cmd.Path, p.out), p.err)
}

// tail keeps the end of what a process prints.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write implements [io.Writer].
func (t *tail) Write(b []byte) (int, error) {
	const most = 8 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	t.text = t.text[max(0, len(t.text)-most):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// owned is this executable as another process.
func (b *bench) owned(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, b.self, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	return cmd
}

// rest lets the process be for a while; it must not end.
func (p *process) rest(ctx context.Context, length time.Duration) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(length); time.Now().Before(end); {
		p.look()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.exited:
			return p.ended()
		case <-tick.C:
		}
	}
	return nil
}
