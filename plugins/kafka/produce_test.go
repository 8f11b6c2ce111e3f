// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// Lanes that know a topic by different ids share a request.
func TestTopicsOfOneNameKeepTheirIDs(t *testing.T) {
	older, newer := sdk.TopicID{1}, sdk.TopicID{2}
	f := &flight{}
	for p, id := range []sdk.TopicID{newer, older, newer} {
		to := &target{Stream: sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: "t", Partition: int32(p)}, TopicID: id}}
		f.parts = append(f.parts, flying{to, &outgoing{}, id})
	}
	tests := []struct {
		name    string
		version int16
		want    map[sdk.TopicID][]int32
	}{
		{"by id", topicIDsProduce, map[sdk.TopicID][]int32{newer: {0, 2}, older: {1}}},
		{"by name", topicIDsProduce - 1, map[sdk.TopicID][]int32{{}: {0, 1, 2}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			request, bodies := appendProduce(nil, test.version, f)
			if len(bodies) != 3 {
				t.Fatalf("%d bodies", len(bodies))
			}
			req := kmsg.NewPtrProduceRequest()
			req.Version = test.version
			const header = 4 + 2 + 2 + 4 + 2 + len(clientID) + 1
			if err := req.ReadFrom(request[header:]); err != nil {
				t.Fatal(err)
			}
			found := map[sdk.TopicID][]int32{}
			for _, rt := range req.Topics {
				for _, rp := range rt.Partitions {
					found[rt.TopicID] = append(found[rt.TopicID], rp.Partition)
				}
			}
			if d := cmp.Diff(test.want, found); d != "" {
				t.Error(d)
			}
		})
	}
}
