// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"maps"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Messages of magic 0 and 1, as no broker of today writes them, are encoded anew
// between batches that pass.
func TestOldFormatsBetweenBatches(t *testing.T) {
	from, to := newCluster(t), newCluster(t)
	createTopic(t, from, "t", 1)
	raw := slices.Concat(batchAt(0, "0", "1"), oldMessage(0, 2, 0, 0, nil, []byte("2")), oldMessage(1, 3, 0, 1000, nil, []byte("3")), batchAt(4, "4", "5"))
	answerFetches(from, func(asked *kmsg.FetchRequestTopicPartition, part *kmsg.FetchResponseTopicPartition) bool {
		part.RecordBatches = raw
		return asked.FetchOffset == 0
	})
	l := newLane(t, newTestSink(t, to, nil), 1, "t")
	o := l.writeBatch(readBatch(t, openReader(t, newTestSource(t, from, nil)))).ok(t)
	if o.To != 6 || o.AsRead != 2 || !maps.Equal(o.Decoded, map[string]int{decodedOldFormat: 1}) {
		t.Errorf("%+v", o.Delivery)
	}
	holds(t, to, "t", 0, "0", "1", "2", "3", "4", "5")
}
