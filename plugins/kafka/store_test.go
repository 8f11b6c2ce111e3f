// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

func openStore(t testing.TB, k *kfake.Cluster, lanes int) *store {
	t.Helper()
	s, err := newTestSink(t, k, nil).Store(testContext(t), "p", lanes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.(*store)
}

func openLedger(t testing.TB, s *store, lane int) sdk.Ledger {
	t.Helper()
	l, err := s.Open(testContext(t), lane)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func entry(key, value string) sdk.Entry { return sdk.Entry{Key: key, Value: []byte(value)} }

func commit(t testing.TB, l sdk.Ledger, entries ...sdk.Entry) {
	t.Helper()
	if err := l.Commit(testContext(t), entries); err != nil {
		t.Fatal(err)
	}
}

// stores checks what a lane's ledger holds, read and opened.
func stores(t testing.TB, s *store, lane int, want map[string]string) {
	t.Helper()
	check := func(how string, entries map[string][]byte) {
		t.Helper()
		found := map[string]string{}
		for key, value := range entries {
			found[key] = string(value)
		}
		if d := cmp.Diff(want, found); d != "" {
			t.Errorf("%s: -want +found:\n%s", how, d)
		}
	}
	entries, err := s.Read(testContext(t), lane)
	if err != nil {
		t.Fatal(err)
	}
	check("read", entries)
	check("opened", openLedger(t, s, lane).Entries())
}

// Both kinds of transactions: of brokers with transaction.version 2, and before.
func eachTransactionVersion(t *testing.T, test func(t *testing.T, opts ...kfake.Opt)) {
	t.Run("transaction.version 2", func(t *testing.T) { test(t) })
	t.Run("before it", func(t *testing.T) { test(t, kfake.MaxVersions(oldTransactions())) })
}

func TestLedger(t *testing.T) {
	eachTransactionVersion(t, func(t *testing.T, opts ...kfake.Opt) {
		k := newCluster(t, opts...)
		s := openStore(t, k, 3)
		l := openLedger(t, s, 1)
		if len(l.Entries()) != 0 {
			t.Errorf("a new ledger holds %v", l.Entries())
		}
		commit(t, l, entry("a", "1"), entry("b", "1"), entry("c", ""))
		commit(t, l)
		commit(t, l, entry("a", "2"), sdk.Entry{Key: "b"}, entry("d", "1"))
		other := openLedger(t, s, 2)
		commit(t, other, entry("a", "other"))
		stores(t, s, 1, map[string]string{"a": "2", "c": "", "d": "1"})
		stores(t, s, 2, map[string]string{"a": "other"})
		stores(t, s, sdk.ControlLane, map[string]string{})
	})
}

func TestLedgerSurvivesCompaction(t *testing.T) {
	k := newCluster(t)
	s := openStore(t, k, 1)
	l := openLedger(t, s, 1)
	want := map[string]string{}
	for i := range 60 {
		key := fmt.Sprint("k", i%7)
		want[key] = fmt.Sprint(i)
		commit(t, l, entry(key, want[key]))
		if i%20 == 0 {
			k.Compact()
		}
	}
	commit(t, l, sdk.Entry{Key: "k3"})
	delete(want, "k3")
	k.Compact()
	stores(t, s, 1, want)
}

func TestLedgerOfManyEntriesIsReadOverSeveralFetches(t *testing.T) {
	k := newCluster(t)
	s := openStore(t, k, 1)
	l := openLedger(t, s, 1)
	want := map[string]string{}
	for i := range 12 {
		var entries []sdk.Entry
		for j := range 9 {
			key := fmt.Sprint(i, "-", j)
			want[key] = strings.Repeat(key, 20000)
			entries = append(entries, entry(key, want[key]))
		}
		commit(t, l, entries...)
	}
	stores(t, s, 1, want)
}

func TestOlderOwnerIsFenced(t *testing.T) {
	eachTransactionVersion(t, func(t *testing.T, opts ...kfake.Opt) {
		k := newCluster(t, opts...)
		s := openStore(t, k, 1)
		older := openLedger(t, s, 1)
		commit(t, older, entry("a", "1"))
		newer := openLedger(t, s, 1)
		if err := older.Commit(testContext(t), []sdk.Entry{entry("a", "zombie")}); !errors.Is(err, sdk.ErrFenced) {
			t.Fatalf("%v", err)
		}
		if err := older.Commit(testContext(t), []sdk.Entry{entry("a", "zombie")}); !errors.Is(err, sdk.ErrFenced) {
			t.Fatalf("the second time: %v", err)
		}
		commit(t, newer, entry("b", "1"))
		stores(t, s, 1, map[string]string{"a": "1", "b": "1"})
	})
}

func TestLostAnswersOfACommit(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.EndTxn, kmsg.Produce, kmsg.AddPartitionsToTxn} {
		t.Run(key.Name(), func(t *testing.T) {
			eachTransactionVersion(t, func(t *testing.T, opts ...kfake.Opt) {
				k, cutter := newCuttingCluster(t, opts...)
				s := openStore(t, k, 1)
				l := openLedger(t, s, 1)
				commit(t, l, entry("a", "1"))
				cutter.cut(key, 1)
				err := l.Commit(testContext(t), []sdk.Entry{entry("a", "2"), entry("b", "1")})
				if err == nil {
					commit(t, l, entry("c", "1"))
					stores(t, s, 1, map[string]string{"a": "2", "b": "1", "c": "1"})
					return
				}
				// Not known: all of it or nothing, and the ledger is over.
				if l.Commit(testContext(t), []sdk.Entry{entry("c", "1")}) == nil {
					t.Error("a broken ledger goes on")
				}
				found, err := s.Read(testContext(t), 1)
				if err != nil {
					t.Fatal(err)
				}
				if a := string(found["a"]); len(found) == 1 != (a == "1") || len(found) == 2 != (a == "2") {
					t.Errorf("half a commit: %q", found)
				}
			})
		})
	}
}

// What an owner left behind without an end never becomes visible.
func TestHalfACommitIsNotVisible(t *testing.T) {
	eachTransactionVersion(t, func(t *testing.T, opts ...kfake.Opt) {
		k := newCluster(t, opts...)
		s := openStore(t, k, 1)
		l := openLedger(t, s, 1)
		commit(t, l, entry("a", "1"))
		k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TopLevel: true, Err: kerr.TransactionalIDAuthorizationFailed})
		if err := l.Commit(testContext(t), []sdk.Entry{entry("a", "half"), entry("b", "half")}); err == nil {
			t.Fatal("no error")
		}
		stores(t, s, 1, map[string]string{"a": "1"})
	})
}

func TestTransientTroubleOfACommitPasses(t *testing.T) {
	eachTransactionVersion(t, func(t *testing.T, opts ...kfake.Opt) {
		k := newCluster(t, opts...)
		s := openStore(t, k, 1)
		l := openLedger(t, s, 1)
		k.Fault(
			kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: 2},
			kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicasAfterAppend, Count: 2},
			kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TopLevel: true, Err: kerr.ConcurrentTransactions, Count: 2},
			kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TopLevel: true, Err: kerr.CoordinatorLoadInProgress, Count: 2},
			kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.NotLeaderForPartition, Count: 2},
		)
		commit(t, l, entry("a", "1"))
		commit(t, l, entry("a", "2"))
		stores(t, s, 1, map[string]string{"a": "2"})
	})
}

func TestStoreKeepsItsLanes(t *testing.T) {
	k := newCluster(t)
	if s := openStore(t, k, 3); s.Lanes() != 3 || s.Name() != "_klamm.p.positions" {
		t.Errorf("%d lanes in %s", s.Lanes(), s.Name())
	}
	if s := openStore(t, k, 0); s.Lanes() != 3 {
		t.Errorf("%d lanes, the store has 3", s.Lanes())
	}
	if n := len(k.PartitionInfos("_klamm.p.positions")); n != 4 {
		t.Errorf("%d partitions", n)
	}
}

func TestStoreRefuses(t *testing.T) {
	tests := []struct {
		name       string
		partitions int32
		policy     string
		lanes      int
		want       string
	}{
		{"another number of lanes", 4, "compact", 5, "lanes = 5, but the pipeline was first run with 3"},
		{"a topic that forgets", 4, "delete", 0, `cleanup.policy "delete"`},
		{"a topic that forgets in the end", 4, "compact,delete", 0, "set it to compact"},
		{"a topic of something else", 1, "compact", 0, "was not made by Klamm"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := newCluster(t)
			createTopic(t, k, "_klamm.p.positions", test.partitions, "cleanup.policy", test.policy)
			_, err := newTestSink(t, k, nil).Store(testContext(t), "p", test.lanes)
			if _, ok := errors.AsType[*sdk.EnvironmentError](err); !ok || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// member is a process that takes part in sharing the lanes.
type member struct {
	mu      sync.Mutex
	lanes   map[int]bool
	changed chan struct{}
	leave   func() error
}

func join(t testing.TB, s *store) *member {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{lanes: map[int]bool{}, changed: make(chan struct{}, 1)}
	set := func(to bool) func([]int) {
		return func(lanes []int) {
			m.mu.Lock()
			for _, l := range lanes {
				if to {
					m.lanes[l] = true
				} else {
					delete(m.lanes, l)
				}
			}
			m.mu.Unlock()
			select {
			case m.changed <- struct{}{}:
			default:
			}
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Own(ctx, set(true), set(false)) }()
	m.leave = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { m.leave() })
	return m
}

func (m *member) owned() []int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.lanes))
}

// until waits until the member owns n lanes.
func (m *member) until(t testing.TB, n int) {
	t.Helper()
	for len(m.owned()) != n {
		select {
		case <-m.changed:
		case <-testContext(t).Done():
			t.Fatalf("owns %v, not %d lanes", m.owned(), n)
		}
	}
}

func TestMembersShareLanes(t *testing.T) {
	k := newCluster(t)
	first := join(t, openStore(t, k, 3))
	first.until(t, 4)
	second := join(t, openStore(t, k, 0))
	second.until(t, 2)
	first.until(t, 2)
	if both := slices.Sorted(slices.Values(append(first.owned(), second.owned()...))); !slices.Equal(both, []int{0, 1, 2, 3}) {
		t.Errorf("owned by %v and %v", first.owned(), second.owned())
	}
	if err := first.leave(); err != nil {
		t.Error(err)
	}
	second.until(t, 4)
	if left := first.owned(); len(left) != 0 {
		t.Errorf("left with %v", left)
	}
}

func TestGroupIsDenied(t *testing.T) {
	k := newCluster(t)
	s := openStore(t, k, 1)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, TopLevel: true, Err: kerr.GroupAuthorizationFailed, Count: -1})
	ctx := testContext(t)
	err := s.Own(ctx, func([]int) {}, func([]int) {})
	if _, ok := errors.AsType[*sdk.EnvironmentError](err); !ok || ctx.Err() != nil || !strings.Contains(err.Error(), "grant READ on groups") {
		t.Errorf("%v", err)
	}
}
