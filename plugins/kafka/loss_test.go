// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// checkStop checks what stopped a partition.
func checkStop(t testing.TB, g *got, reason sdk.Reason, at sdk.Offsets, says ...string) {
	t.Helper()
	pe := g.stopped
	if pe.Reason != reason || pe.Offsets != at {
		t.Errorf("stopped by %q at %v, want %q at %v: %v", pe.Reason, pe.Offsets, reason, at, pe)
	}
	for _, s := range says {
		if !strings.Contains(pe.Error(), s) {
			t.Errorf("the error does not say %q: %v", s, pe)
		}
	}
}

// readsNothingMore checks that a stopped partition stays stopped, by another
// one that still reads.
func readsNothingMore(t testing.TB, k *kfake.Cluster, r sdk.Reader, other string) {
	t.Helper()
	tp := sdk.TopicPartition{Topic: other}
	cl := newKgo(t, k)
	for i := range 3 {
		from := k.PartitionInfo(other, 0).HighWatermark
		produceBatch(t, cl, other, 0, "x")
		all := readUntil(t, r, func(all map[sdk.TopicPartition]*got) bool { return all[tp] != nil && all[tp].next == from+1 })
		if len(all) != 1 {
			t.Fatalf("round %d: another partition came as well: %v", i, summary(all))
		}
	}
}

func TestRecordsDeletedBeforeTheStart(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	createTopic(t, k, "o", 1)
	fill(t, k, 3)
	if err := k.DeleteRecords("t", 0, 17); err != nil {
		t.Fatal(err)
	}
	s := newTestSource(t, k, func(c *SourceConfig) { c.Topics = []string{"t", "o"} })
	r := openReaderAt(t, s,
		sdk.Position{Stream: streamOf(t, s, "t", 0), Offset: 5, LeaderEpoch: 0},
		sdk.Position{Stream: streamOf(t, s, "o", 0), Offset: 0, LeaderEpoch: sdk.NoEpoch})
	g := readStop(t, r)
	checkStop(t, g, sdk.ReasonGap, sdk.Offsets{From: 5, To: 17}, "offsets [5, 17)", "12 offsets were removed", "begins at 17")
	if len(g.records) != 0 {
		t.Errorf("%d records came before", len(g.records))
	}
	readsNothingMore(t, k, r, "o")
}

func TestRecordsDeletedWhileRunning(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	fill(t, k, 2)
	s := newTestSource(t, k, nil)
	r := openReader(t, s)
	readOne(t, r, func(g *got) bool { return g.next == 20 })
	// What is written and deleted in one go, between two fetches.
	hold := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "t", Err: kerr.KafkaStorageError, Count: -1})
	fill(t, k, 2)
	if err := k.DeleteRecords("t", 0, 33); err != nil {
		t.Fatal(err)
	}
	hold.Remove()
	g := readStop(t, r)
	if len(g.records) == 0 { // else the fetch before the fault had an answer still
		checkStop(t, g, sdk.ReasonGap, sdk.Offsets{From: 20, To: 33}, "offsets [20, 33)")
	}
}

// Deleted records in front of the position, in the same batch, are no loss.
func TestRecordsDeletedThatWereRead(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	fill(t, k, 2)
	if err := k.DeleteRecords("t", 0, 13); err != nil {
		t.Fatal(err)
	}
	s := newTestSource(t, k, nil)
	r := openReaderAt(t, s, sdk.Position{Stream: streamOf(t, s, "t", 0), Offset: 15, LeaderEpoch: 0})
	g := readOne(t, r, func(g *got) bool { return g.next == 20 || g.stopped != nil })
	if g.stopped != nil || len(g.records) != 5 || g.records[0].Offset != 15 {
		t.Errorf("%v, %d records", g.stopped, len(g.records))
	}
}

func TestPositionBehindTheEnd(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	fill(t, k, 1)
	s := newTestSource(t, k, nil)
	r := openReaderAt(t, s, sdk.Position{Stream: streamOf(t, s, "t", 0), Offset: 25, LeaderEpoch: 0})
	checkStop(t, readStop(t, r), sdk.ReasonTruncated, sdk.Offsets{From: 10, To: 25}, "offsets [10, 25)", "truncated")
}

func TestTopicDeletedWhileRunning(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	createTopic(t, k, "o", 1)
	fill(t, k, 1)
	s := newTestSource(t, k, func(c *SourceConfig) { c.Topics = []string{"t", "o"} })
	r := openReader(t, s)
	readOne(t, r, func(g *got) bool { return g.next == 10 })
	if err := k.DeleteTopic("t"); err != nil {
		t.Fatal(err)
	}
	g := readStop(t, r)
	checkStop(t, g, sdk.ReasonDeleted, sdk.Offsets{From: 10, To: 10}, "was deleted from cluster here", `"!t"`)
	if g.stopped.Resume != nil {
		t.Errorf("resumes at %v", g.stopped.Resume)
	}
	readsNothingMore(t, k, r, "o")
}

func TestTopicDeletedAndMadeAgain(t *testing.T) {
	for _, test := range []struct {
		name    string
		version int // 0 is the newest
		running bool
		regrown int // batches in the new topic
	}{
		{"while running", 0, true, 2},
		{"while running, empty", 0, true, 0},
		{"between runs", 0, false, 2},
		{"between runs, without topic ids in fetches", 12, false, 2},
		{"while running, without topic ids in fetches", 12, true, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			var opts []kfake.Opt
			if test.version != 0 {
				opts = append(opts, kfake.MaxVersions(fetchVersion(int16(test.version))))
			}
			k := newCluster(t, opts...)
			createTopic(t, k, "t", 1)
			fill(t, k, 1)
			s := newTestSource(t, k, nil)
			old := streamOf(t, s, "t", 0)
			recreate := func() {
				if err := k.DeleteTopic("t"); err != nil {
					t.Fatal(err)
				}
				createTopic(t, k, "t", 1)
				fill(t, k, test.regrown)
			}
			var r sdk.Reader
			if test.running {
				r = openReader(t, s)
				readOne(t, r, func(g *got) bool { return g.next == 10 })
				recreate()
				// Where fetches go by name, the next look at the topics tells.
				if _, err := s.Partitions(testContext(t)); err != nil {
					t.Fatal(err)
				}
			} else {
				recreate()
				s = newTestSource(t, k, nil)
				r = openReaderAt(t, s, sdk.Position{Stream: old, Offset: 10, LeaderEpoch: 0})
			}
			g := readStop(t, r)
			now := sdk.TopicID(k.TopicInfo("t").TopicID)
			checkStop(t, g, sdk.ReasonRecreated, sdk.Offsets{From: 10, To: 10}, old.TopicID.String(), now.String())
			if len(g.records) != 0 {
				t.Errorf("%d records of the new topic were read under the old position", len(g.records))
			}
		})
	}
}

func TestDenied(t *testing.T) {
	allow := func(op kmsg.ACLOperation, topic string) kfake.ACL {
		return kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: topic, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: op, Allow: true}
	}
	k := newCluster(t, kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.Superuser("PLAIN", "admin", "admin"),
		kfake.User("PLAIN", "reader", "pass", allow(kmsg.ACLOperationDescribe, "t")))
	createTopic(t, k, "t", 1)
	s := newTestSource(t, k, func(c *SourceConfig) {
		c.Cluster.SASL = &sdk.SASL{Mechanism: "plain", Username: "reader", Password: "pass"}
	})
	checkStop(t, readStop(t, openReader(t, s)), sdk.ReasonDenied, sdk.Offsets{From: 0, To: 1}, "TOPIC_AUTHORIZATION_FAILED", "grant READ")
}
