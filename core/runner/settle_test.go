// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// Batches are answered in a random order, some with errors; after every answer
// the position stands exactly at the end of the contiguous prefix.
func TestSettleMovesOverTheContiguousPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stream := sdk.Stream{TopicPartition: tpOf("orders", 0), TopicID: sdk.TopicID{1}}
		p := newPartition(stream, "orders")
		p.at(sdk.Position{Stream: stream, Offset: 100})
		p.mapping = ledger.NewTail(p.next)
		n := rapid.IntRange(1, 12).Draw(t, "batches")
		failing := rapid.IntRange(0, 2*n).Draw(t, "failing") // none if n or more
		var pending []*pendingBatch
		var ends []int64
		at := int64(100)
		for i := range n {
			b := sdk.NewBatch(stream, sdk.Offsets{From: at, To: at + rapid.Int64Range(0, 5).Draw(t, "size")}, nil)
			b.LeaderEpoch, b.Last = int32(i), i == n-1
			at = b.To
			pb, err := p.expect(b)
			if err != nil {
				t.Fatal(err)
			}
			pending = append(pending, pb)
			ends = append(ends, at)
		}
		starts := append([]int64{100}, ends...)
		answered := make([]bool, n)
		order := rapid.Permutation(indices(n)).Draw(t, "order")
		moved, cause := 0, errors.New("refused")
		for _, i := range order {
			pb := pending[i]
			pb.settled, pb.to, answered[i] = true, ends[i], true
			if i == failing {
				pb.err = cause
				pb.to = rapid.Int64Range(starts[i], max(starts[i], ends[i]-1)).Draw(t, "partial")
			}
			done, err := p.settle()
			moved += len(done)
			prefix := 0
			for prefix < n && answered[prefix] && prefix != failing {
				prefix++
			}
			stands := prefix == failing && failing < n && answered[failing]
			want, over := starts[prefix], prefix
			if stands {
				if want = pending[failing].to; want > starts[failing] {
					over++ // in part
				}
			}
			if p.next.Offset != want || moved != over {
				t.Fatalf("answered %v, failing %d: position %d, moved over %d; want %d, %d", answered, failing, p.next.Offset, moved, want, over)
			}
			if (err != nil) && (err != cause || !stands) {
				t.Fatalf("answered %v, failing %d: error %v", answered, failing, err)
			}
			if p.last != (prefix == n) {
				t.Fatalf("last is %t after %d of %d", p.last, prefix, n)
			}
		}
		if p.broken != (failing < n) {
			t.Fatalf("broken %t, failing %d of %d", p.broken, failing, n)
		}
	})
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// What a sink answers is bounded by what it was given.
func TestSettleDoesNotBelieveTooMuch(t *testing.T) {
	p := newPartition(sdk.Stream{TopicPartition: tpOf("orders", 0)}, "orders")
	p.at(sdk.Position{Stream: p.Stream, Offset: 5})
	p.mapping = ledger.NewTail(p.next)
	pb, err := p.expect(sdk.NewBatch(p.Stream, sdk.Offsets{From: 5, To: 8}, nil))
	if err != nil {
		t.Fatal(err)
	}
	pb.settled, pb.to, pb.err = true, 1000, errors.New("refused")
	if _, err := p.settle(); err == nil || p.next.Offset != 8 {
		t.Errorf("position %d, %v", p.next.Offset, err)
	}
}

// A batch that comes between a failure and the stop of its partition goes no
// further: there is no writer here that could take it.
func TestNothingPassesABrokenPartition(t *testing.T) {
	p := newPartition(sdk.Stream{TopicPartition: tpOf("orders", 0)}, "orders")
	p.broken = true
	f := &flow{runner: &Runner{}, partitions: map[sdk.TopicPartition]*partition{p.TopicPartition: p}}
	f.pass(t.Context(), sdk.NewBatch(p.Stream, sdk.Offsets{From: 5, To: 8}, nil))
	if len(p.pending) > 0 {
		t.Error("the batch is waited for")
	}
}

func TestPartitionIsOver(t *testing.T) {
	stop := &sdk.PartitionError{}
	tests := []struct {
		name string
		p    partition
		want bool
	}{
		{"being read", partition{stored: sdk.Position{Offset: 5}}, false},
		{"at its end, and stored", partition{last: true, stored: sdk.Position{Offset: 5}}, true},
		{"at its end, and not stored", partition{last: true, stored: sdk.Position{Offset: 4}}, false},
		{"stopped", partition{stop: stop, stored: sdk.Position{Offset: 5}}, true},
		{"stopped, and not stored", partition{stop: stop, stored: sdk.Position{Offset: 4}}, false},
		{"stopped, with batches in flight", partition{stop: stop, stored: sdk.Position{Offset: 5}, open: 1}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.p.next.Offset = 5
			if got := tt.p.over(); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestExpectRefusesAHole(t *testing.T) {
	tests := []struct {
		name string
		at   sdk.Offsets
		want string
	}{
		{"goes on", sdk.Offsets{From: 5, To: 9}, ""},
		{"leaves a hole", sdk.Offsets{From: 6, To: 9}, "offsets [6, 9) of orders-0, where 5 comes next"},
		{"goes back", sdk.Offsets{From: 4, To: 9}, "offsets [4, 9) of orders-0, where 5 comes next"},
		{"ends before it begins", sdk.Offsets{From: 5, To: 4}, "offsets [5, 4) of orders-0, where 5 comes next"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stream := sdk.Stream{TopicPartition: tpOf("orders", 0)}
			p := newPartition(stream, "orders")
			p.at(sdk.Position{Stream: stream, Offset: 5})
			_, err := p.expect(sdk.NewBatch(stream, tt.at, nil))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
