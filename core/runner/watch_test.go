// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestSilenceOfASink leaves batches without an answer. That is trouble, unless the
// writer hears of its target all the while.
func TestSilenceOfASink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.manual, w.inFlight, w.hears = true, 100, true
		w.add("orders", 1, 20)
		p := newProcess(w).start()
		pass(30 * time.Second)
		if s := p.runner.Status(); !s.Ready() || s.LastError != "" {
			t.Errorf("a target that takes its time: %s, %s", s.State, s.LastError)
		}
		w.mu.Lock()
		w.hears = false
		w.mu.Unlock()
		pass(10 * time.Second)
		if s := p.runner.Status(); s.Ready() || !strings.Contains(s.LastError, "has not answered for more than 5s: topic orders partition 0") {
			t.Errorf("a target that is silent: %s, %s", s.State, s.LastError)
		}
		for _, held := range w.held {
			held.deliver()
		}
		_ = p.stop()
	})
}
