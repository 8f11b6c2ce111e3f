// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

func read(t testing.TB, s *store, lane int) map[string][]byte {
	t.Helper()
	entries, err := s.Read(testContext(t), lane)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func checkEntries(t testing.TB, entries map[string][]byte, want map[string]string) {
	t.Helper()
	found := map[string]string{}
	for key, value := range entries {
		found[key] = string(value)
	}
	if d := cmp.Diff(want, found); d != "" {
		t.Errorf("-want +found:\n%s", d)
	}
}

// requests counts what a cluster is asked from now on.
func requests(k *kfake.Cluster) func() map[string]int {
	var (
		mu    sync.Mutex
		asked = map[string]int{}
	)
	k.Control(func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		asked[kmsg.NameForKey(r.Key())]++
		return nil, nil, false
	})
	return func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		found := asked
		asked = map[string]int{}
		return found
	}
}

func TestReadGoesOnWhereItEnded(t *testing.T) {
	k := newCluster(t)
	s := openStore(t, k, 2)
	l := openLedger(t, s, 1)
	commit(t, l, entry("a", "1"), entry("b", "1"))
	first := read(t, s, 1)
	asked := requests(k)
	again := read(t, s, 1)
	if d := cmp.Diff(map[string]int{"ListOffsets": 1}, asked()); d != "" {
		t.Errorf("nothing has changed; -want +asked:\n%s", d)
	}
	if reflect.ValueOf(first).Pointer() != reflect.ValueOf(again).Pointer() {
		t.Error("nothing has changed, and there is another map")
	}
	commit(t, l, entry("a", "2"), sdk.Entry{Key: "b"}, entry("c", "1"))
	asked()
	changed := read(t, s, 1)
	if n := asked()["Fetch"]; n != 1 {
		t.Errorf("%d fetches for one commit", n)
	}
	checkEntries(t, first, map[string]string{"a": "1", "b": "1"})
	checkEntries(t, changed, map[string]string{"a": "2", "c": "1"})
	checkEntries(t, read(t, s, 2), map[string]string{})
}

// Whoever reads while a ledger is written sees whole commits, later ones later,
// and a map that does not change.
func TestReadWhileItIsWritten(t *testing.T) {
	const commits = 40
	k := newCluster(t)
	s := openStore(t, k, 1)
	l := openLedger(t, s, 1)
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			last := -1
			for last < commits-1 {
				entries, err := s.Read(testContext(t), 1)
				if err != nil {
					t.Error(err)
					return
				}
				kept := maps.Clone(entries)
				now := -1
				if len(entries) > 0 {
					_, _ = fmt.Sscan(string(entries["a"]), &now)
				}
				if string(entries["a"]) != string(entries["b"]) || now < last {
					t.Errorf("%q after %d", entries, last)
					return
				}
				last = now
				if !maps.EqualFunc(kept, entries, func(a, b []byte) bool { return string(a) == string(b) }) {
					t.Error("the map was changed")
				}
			}
		})
	}
	for i := range commits {
		commit(t, l, entry("a", fmt.Sprint(i)), entry("b", fmt.Sprint(i)))
	}
	readers.Wait()
}

// An owner that opens a lane sees what others committed since it was read.
func TestOpenSeesWhatWasCommittedSince(t *testing.T) {
	k := newCluster(t)
	mine, theirs := openStore(t, k, 1), openStore(t, k, 0)
	l := openLedger(t, theirs, 1)
	for i := range 5 {
		commit(t, l, entry("a", fmt.Sprint(i)))
		checkEntries(t, read(t, mine, 1), map[string]string{"a": fmt.Sprint(i)})
	}
	commit(t, l, entry("b", "unread"))
	checkEntries(t, openLedger(t, mine, 1).Entries(), map[string]string{"a": "4", "b": "unread"})
}

func TestReadBeginsAnew(t *testing.T) {
	const topic = "_klamm.p.positions"
	tests := []struct {
		name   string
		change func(t *testing.T, k *kfake.Cluster, s *store)
		tells  bool
	}{
		{name: "when the topic was made again, and is shorter", tells: true, change: func(t *testing.T, k *kfake.Cluster, _ *store) {
			makeAgain(t, k, 1)
		}},
		{name: "when the topic was made again, and is longer", tells: true, change: func(t *testing.T, k *kfake.Cluster, _ *store) {
			makeAgain(t, k, 9)
		}},
		{name: "when records were deleted", tells: true, change: func(t *testing.T, k *kfake.Cluster, s *store) {
			l := openLedger(t, openStore(t, k, 0), 1)
			commit(t, l, sdk.Entry{Key: "old"}, entry("x", "0"))
			if err := k.DeleteRecords(topic, 1, k.PartitionInfo(topic, 1).HighWatermark); err != nil {
				t.Fatal(err)
			}
			commit(t, l, entry("x", "1"))
		}},
		{name: "when it was read so long ago that removed keys may be forgotten", change: func(t *testing.T, k *kfake.Cluster, s *store) {
			l := openLedger(t, openStore(t, k, 0), 1)
			commit(t, l, sdk.Entry{Key: "old"})
			if err := k.DeleteRecords(topic, 1, k.PartitionInfo(topic, 1).HighWatermark); err != nil {
				t.Fatal(err)
			}
			commit(t, l, entry("x", "1"))
			s.logs[1].read = time.Now().Add(-2 * readAnew)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := newCluster(t)
			s := openStore(t, k, 1)
			_, told := troublesOf(s)
			l := openLedger(t, s, 1)
			commit(t, l, entry("old", "1"))
			commit(t, l, entry("old", "2"))
			checkEntries(t, read(t, s, 1), map[string]string{"old": "2"})
			test.change(t, k, s)
			for range 2 {
				checkEntries(t, read(t, s, 1), map[string]string{"x": "1"})
			}
			if n := strings.Count(fmt.Sprint(told()), "no longer those that were read"); n != map[bool]int{true: 1}[test.tells] {
				t.Errorf("told %d times: %v", n, told())
			}
		})
	}
}

// makeAgain deletes the positions topic and makes it again, with commits of the
// key "x".
func makeAgain(t *testing.T, k *kfake.Cluster, commits int) {
	t.Helper()
	if err := k.DeleteTopic("_klamm.p.positions"); err != nil {
		t.Fatal(err)
	}
	l := openLedger(t, openStore(t, k, 1), 1)
	for range commits {
		commit(t, l, entry("x", "1"))
	}
}

// troublesOf collects what a store tells from now on.
func troublesOf(s *store) (*troubles, func() []error) {
	env, tr := newEnv(1)
	s.env = env
	return tr, func() []error {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		return tr.told
	}
}

func TestPositionsTopicIsDeletedWhileRunning(t *testing.T) {
	k := newCluster(t)
	s := openStore(t, k, 1)
	l := openLedger(t, s, 1)
	commit(t, l, entry("a", "1"))
	read(t, s, 1)
	if err := k.DeleteTopic(s.Name()); err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	for name, call := range map[string]func(context.Context) error{
		"Commit": func(ctx context.Context) error { return l.Commit(ctx, []sdk.Entry{entry("a", "2")}) },
		"Read":   func(ctx context.Context) error { _, err := s.Read(ctx, 1); return err },
	} {
		both.Go(func() {
			ctx := testContext(t)
			err := call(ctx)
			if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "positions topic _klamm.p.positions is gone") {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	both.Wait()
}

// A ledger does not write into the topic that took its topic's place, in which
// nothing is of what was committed before.
func TestLedgerDoesNotWriteIntoAnotherTopic(t *testing.T) {
	for name, opts := range map[string][]kfake.Opt{"by id": nil, "by name": {kfake.MaxVersions(oldTransactions())}} {
		t.Run(name, func(t *testing.T) {
			k := newCluster(t, opts...)
			s := openStore(t, k, 1)
			l := openLedger(t, s, 1)
			commit(t, l, entry("a", "1"))
			if err := k.DeleteTopic(s.Name()); err != nil {
				t.Fatal(err)
			}
			other := openStore(t, k, 1)
			if name == "by name" { // where a broker does not tell, metadata does
				if err := s.metadata.refresh(testContext(t)); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Commit(testContext(t), []sdk.Entry{entry("b", "1")}); err == nil || !strings.Contains(err.Error(), "is gone") {
				t.Errorf("%v", err)
			}
			checkEntries(t, read(t, other, 1), map[string]string{})
		})
	}
}

func TestExistingStore(t *testing.T) {
	k := newCluster(t)
	_, err := newTestSink(t, k, nil).Store(testContext(t), "p", sdk.Existing)
	if !errors.Is(err, sdk.ErrNoStore) || !strings.Contains(err.Error(), "cluster here has no topic _klamm.p.positions") {
		t.Errorf("%v", err)
	}
	if k.TopicInfo("_klamm.p.positions") != nil {
		t.Error("the topic was made")
	}
	commit(t, openLedger(t, openStore(t, k, 3), 2), entry("a", "1"))
	s := openStore(t, k, sdk.Existing)
	if s.Lanes() != 3 {
		t.Errorf("%d lanes", s.Lanes())
	}
	checkEntries(t, read(t, s, 2), map[string]string{"a": "1"})
}
