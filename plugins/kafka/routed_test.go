// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// Parts of one batch for different targets are answered in any order; what is
// delivered is what stands before the first that is not.
func TestRefusedPartOfARoutedBatch(t *testing.T) {
	tests := []struct {
		name    string
		refused string
		want    sdk.Offsets // of the record refused
	}{
		{"the first", "a", sdk.Offsets{From: 3, To: 4}},
		{"one in the middle", "b", sdk.Offsets{From: 5, To: 6}},
		{"the last", "c", sdk.Offsets{From: 7, To: 8}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := newCluster(t)
			l := newLane(t, newTestSink(t, k, nil), 1, "a", "b", "c")
			k.Fault(
				kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: test.refused, Err: kerr.NotEnoughReplicas, Count: 3},
				kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: test.refused, Err: kerr.TopicAuthorizationFailed, Count: -1},
			)
			var records []sdk.Record
			for i, topic := range []string{"a", "a", "b", "b", "c", "c"} {
				records = append(records, sdk.Record{Offset: int64(3 + i), Topic: topic, Value: []byte("v")})
			}
			o := l.writeBatch(sdk.NewBatch(sdk.Stream{TopicPartition: t0}, sdk.Offsets{From: 3, To: 9}, records))
			o.refused(t, sdk.ReasonDenied, test.want, test.want.From)
			var count int64
			for _, r := range o.Runs {
				count += r.Count
			}
			if count != test.want.From-3 {
				t.Errorf("the runs cover %d records, delivered are those to %d", count, o.To)
			}
		})
	}
}

func TestRecordsGoToTopicsThatNobodyEnsured(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "routed", 1)
	l := newLane(t, newTestSink(t, k, nil), 1, "t")
	l.writeRecords("t", 0, 0, []sdk.Record{{Topic: "routed", Value: []byte("v")}}).ok(t)
	holds(t, k, "routed", 0, "v")
}
