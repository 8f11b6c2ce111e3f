// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/test/kafka"
)

// rawBatch is a RecordBatch v2 as it lies in a broker's log.
type rawBatch []byte

// Bits of the attributes of a batch.
const (
	bitAppendTime    = 1 << 3
	bitTransactional = 1 << 4
	bitControl       = 1 << 5
	bitDeleteHorizon = 1 << 6
)

func (b rawBatch) base() int64        { return int64(binary.BigEndian.Uint64(b)) }
func (b rawBatch) crc() uint32        { return binary.BigEndian.Uint32(b[17:]) }
func (b rawBatch) attributes() int    { return int(binary.BigEndian.Uint16(b[21:])) }
func (b rawBatch) codec() int         { return b.attributes() & 7 }
func (b rawBatch) next() int64        { return b.base() + int64(binary.BigEndian.Uint32(b[23:])) + 1 }
func (b rawBatch) timestamps() []byte { return b[27:43] }
func (b rawBatch) count() int64       { return int64(binary.BigEndian.Uint32(b[57:])) }
func (b rawBatch) records() []byte    { return b[61:] }

// has reports whether a bit of the attributes is set.
func (b rawBatch) has(bit int) bool { return b.attributes()&bit != 0 }

func (b rawBatch) String() string {
	return fmt.Sprintf("[%d, %d): %d records, attributes %#x, %d bytes", b.base(), b.next(), b.count(), b.attributes(), len(b))
}

// rawBatches are all batches of a partition, whatever they hold. Each has to have
// the checksum that its bytes have.
func rawBatches(t testing.TB, c *kafka.Cluster, topic string, partition int32) []rawBatch {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	topics, err := c.Admin(t).ListTopics(ctx, topic)
	if err == nil {
		err = topics.Error()
	}
	if err != nil {
		t.Fatalf("asking for the leader of %s: %v", topic, err)
	}
	var batches []rawBatch
	for at := int64(0); ; at = batches[len(batches)-1].next() {
		piece := rawPiece(ctx, t, c, topics[topic], partition, at)
		if len(piece) == 0 {
			return batches
		}
		for len(piece) >= 12 {
			size := 12 + int(binary.BigEndian.Uint32(piece[8:]))
			if size > len(piece) {
				break // the end of the piece is cut off
			}
			b := rawBatch(slices.Clone(piece[:size]))
			if crc := crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)); crc != b.crc() {
				t.Fatalf("%s/%d, batch %v: the checksum is %#x, not %#x", topic, partition, b, b.crc(), crc)
			}
			batches, piece = append(batches, b), piece[size:]
		}
	}
}

// rawPiece is what the leader of a partition answers for an offset.
func rawPiece(ctx context.Context, t testing.TB, c *kafka.Cluster, topic kadm.TopicDetail, partition int32, at int64) []byte {
	t.Helper()
	part := kmsg.NewFetchRequestTopicPartition()
	part.Partition, part.FetchOffset, part.PartitionMaxBytes = partition, at, 16<<20
	of := kmsg.NewFetchRequestTopic()
	of.Topic, of.TopicID, of.Partitions = topic.Topic, topic.ID, []kmsg.FetchRequestTopicPartition{part}
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.SessionEpoch, req.Topics = 32<<20, -1, []kmsg.FetchRequestTopic{of}
	answer, err := c.Client(t).Broker(int(topic.Partitions[partition].Leader)).Request(ctx, req)
	if err != nil {
		t.Fatalf("fetching %s/%d: %v", topic.Topic, partition, err)
	}
	got := answer.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
		t.Fatalf("fetching %s/%d: %v", topic.Topic, partition, err)
	}
	if len(got.Topics) != 1 || len(got.Topics[0].Partitions) != 1 {
		t.Fatalf("fetching %s/%d: %d topics in the answer", topic.Topic, partition, len(got.Topics))
	}
	if err := kerr.ErrorForCode(got.Topics[0].Partitions[0].ErrorCode); err != nil {
		t.Fatalf("fetching %s/%d at %d: %v", topic.Topic, partition, at, err)
	}
	return got.Topics[0].Partitions[0].RecordBatches
}

// went fails the test unless the status says so of a source topic's batches. They
// are counted a moment after the position has moved.
func went(t testing.TB, p *process, topic string, want ledger.Batches) {
	t.Helper()
	eventually(t, 10*time.Second, func() (bool, string) {
		s, _ := p.status()
		got := s.Topics[topic].Batches
		return got.Equal(want), fmt.Sprintf("of the batches of %s, %+v is said, not %+v", topic, got, want)
	})
}
