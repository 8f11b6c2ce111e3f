// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/klamm-io/klamm/sdk"
)

// A position is about one target: under another name nothing would be copied of
// what is before it, and nobody would know.
func TestAnotherTargetIsNotGoneOnWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.bounded = true
		w.add("orders", 1, 20)
		if err, ended := newProcess(w).start().wait(); !ended || err != nil {
			t.Fatalf("ended %t with %v", ended, err)
		}
		w.grow(30)
		renamed := newProcess(w)
		renamed.rules = sdk.TopicMapping{{{Kind: sdk.RulePrefix, To: "east."}}}
		err, _ := renamed.start().wait()
		incomplete, ok := errors.AsType[*Incomplete](err)
		if !ok || len(incomplete.Partitions) != 1 || incomplete.Partitions[0].Reason != sdk.ReasonTarget ||
			!strings.Contains(err.Error(), `writes it to topic "east.orders", but up to offset 20 it was copied to "orders"`) {
			t.Errorf("got %v", err)
		}
		copied(t, w, tpOf("orders", 0), 0, 20)
		if at := w.stored(tpOf("orders", 0)); at != 20 {
			t.Errorf("position %d", at)
		}
	})
}

// A topic whose name cannot be mapped, such as a very long one, stops by itself.
func TestNameThatCannotBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, 1, 1)
		w.bounded = true
		w.add("orders", 1, 20)
		w.add("carts", 1, 20)
		p := newProcess(w)
		p.rules = sdk.TopicMapping{{{Kind: sdk.RuleExact, From: "carts", To: "carts/x"}}}
		err, _ := p.start().wait()
		incomplete, ok := errors.AsType[*Incomplete](err)
		if !ok || len(incomplete.Partitions) != 1 || incomplete.Partitions[0].Topic != "carts" || !strings.Contains(err.Error(), `"carts/x", which cannot be the name of a topic`) {
			t.Errorf("got %v", err)
		}
		copied(t, w, tpOf("orders", 0), 0, 20)
		copied(t, w, tpOf("carts", 0), 0, 0)
	})
}
