// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/klamm-io/klamm/sdk"
)

// A broker that keeps no session serves what is named first, if that is enough for an
// answer.
func TestWithoutASessionPartitionsTakeTurns(t *testing.T) {
	const partitions = 5
	k := newCluster(t, kfake.MaxVersions(fetchVersion(6)))
	createTopic(t, k, "t", partitions)
	k.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		req := r.(*kmsg.FetchRequest)
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		for i, asked := range req.Topics {
			rt := kmsg.NewFetchResponseTopic()
			rt.Topic = asked.Topic
			for j, p := range asked.Partitions {
				part := kmsg.NewFetchResponseTopicPartition()
				part.Partition, part.HighWatermark, part.LastStableOffset = p.Partition, 1<<40, 1<<40
				if i == 0 && j == 0 {
					part.RecordBatches = batchAt(p.FetchOffset, "x")
				}
				rt.Partitions = append(rt.Partitions, part)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
	r := openReader(t, newTestSource(t, k, nil))
	readUntil(t, r, func(all map[sdk.TopicPartition]*got) bool { return len(all) == partitions })
}

// What a partition was asked for belongs to the fetcher that has it now.
func TestForgettingLeavesAPartitionToItsNewFetcher(t *testing.T) {
	here, elsewhere := &fetcher{}, &fetcher{}
	ours, theirs := newSession(here, 12), newSession(elsewhere, 12)
	stays := &cursor{stream: sdk.Stream{TopicPartition: t0}}
	moves := &cursor{stream: sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: "t", Partition: 1}}}
	want := func(*cursor) asked { return asked{offset: 7} }
	stays.home.Store(here)
	moves.home.Store(here)
	ours.fill(kmsg.NewPtrFetchRequest(), []*cursor{stays, moves}, want)
	ours.epoch = 1
	moves.home.Store(elsewhere)
	theirs.fill(kmsg.NewPtrFetchRequest(), []*cursor{moves}, want)
	req := kmsg.NewPtrFetchRequest()
	ours.fill(req, nil, want)
	if len(req.ForgottenTopics) != 2 || stays.asked != (asked{}) || moves.asked.session != theirs {
		t.Errorf("forgotten %v, asked %v and %v", req.ForgottenTopics, stays.asked, moves.asked)
	}
}

// A broker may know newer requests than its cluster's metadata has ids for.
func TestClusterWithoutTopicIDs(t *testing.T) {
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.Metadata), 9)
	k := newCluster(t, kfake.MaxVersions(versions))
	createTopic(t, k, "t", 1)
	fill(t, k, 2)
	readOne(t, openReader(t, newTestSource(t, k, nil)), func(g *got) bool { return g.next == 20 })
	l := openLane(t, newTestSink(t, k, nil))
	l.write("t", 0, 0, "20").ok(t)
	holds(t, k, "t", 0, numbered(0, 21)...)
}
