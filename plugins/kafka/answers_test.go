// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// answerFetches answers fetches of topic "t" in the broker's place: fn fills the
// part of a partition; if it returns false, the broker answers after all.
func answerFetches(k *kfake.Cluster, fn func(asked *kmsg.FetchRequestTopicPartition, part *kmsg.FetchResponseTopicPartition) bool) {
	k.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		req := r.(*kmsg.FetchRequest)
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		for _, t := range req.Topics {
			rt := kmsg.NewFetchResponseTopic()
			rt.Topic, rt.TopicID = t.Topic, t.TopicID
			for i := range t.Partitions {
				part := kmsg.NewFetchResponseTopicPartition()
				part.Partition = t.Partitions[i].Partition
				part.HighWatermark, part.LastStableOffset = 1000, 1000
				if !fn(&t.Partitions[i], &part) {
					return nil, nil, false
				}
				rt.Partitions = append(rt.Partitions, part)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
}

// batchAt is a batch of the values, as it stands in a log.
func batchAt(base int64, values ...string) []byte {
	var records []sdk.Record
	for i, v := range values {
		records = append(records, sdk.Record{Offset: int64(i), Value: []byte(v)})
	}
	raw := encodeBatch(0, records)
	binary.BigEndian.PutUint64(raw, uint64(base))
	binary.BigEndian.PutUint32(raw[atLeaderEpoch:], 0)
	return raw
}

func mangled(raw []byte, at int) []byte {
	out := slices.Clone(raw)
	out[at] ^= 0x40
	return out
}

func TestBytesThatCannotBeRead(t *testing.T) {
	good := batchAt(0, numbered(0, 10)...)
	tests := []struct {
		name   string
		answer []byte
		read   int64 // records before
		says   string
	}{
		{"a value changed in the second batch", slices.Concat(good, mangled(batchAt(10, "a", "b"), headerSize+8)), 10, "batch at offset 10: its checksum"},
		{"a value changed in the first batch", mangled(good, headerSize+8), 0, "batch at offset 0: its checksum"},
		{"a magic there is none of", slices.Concat(good, mangled(batchAt(10, "a"), atMagic)), 10, "has magic 66"},
		{"a batch shorter than a header", slices.Concat(good, []byte{0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 5, 0, 0, 0, 0, 2}), 10, "fewer than a header"},
		{"a batch without anything", slices.Concat(good, []byte{0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0}), 10, "has magic -1"},
		{"a batch again", slices.Concat(good, good), 10, "ends before offset 10"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := newCluster(t)
			createTopic(t, k, "t", 1)
			answerFetches(k, func(_ *kmsg.FetchRequestTopicPartition, part *kmsg.FetchResponseTopicPartition) bool {
				part.RecordBatches = test.answer
				return true
			})
			g := readStop(t, openReader(t, newTestSource(t, k, nil)))
			checkStop(t, g, sdk.ReasonCorrupt, sdk.Offsets{From: test.read, To: test.read + 1}, test.says)
			if int64(len(g.records)) != test.read {
				t.Errorf("%d records came before, want %d", len(g.records), test.read)
			}
		})
	}
}

// A record that cannot be decoded in a sound batch is an error of Records.
func TestRecordsThatCannotBeDecoded(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	answerFetches(k, func(_ *kmsg.FetchRequestTopicPartition, part *kmsg.FetchResponseTopicPartition) bool {
		part.RecordBatches = withDeltas(2, 0, 3, 5)
		return true
	})
	b := readBatch(t, openReader(t, newTestSource(t, k, nil)))
	if _, err := b.Records(); err == nil || !strings.Contains(err.Error(), "batch at offset 0") {
		t.Errorf("%v", err)
	}
}

func TestDivergedLog(t *testing.T) {
	tests := []struct {
		name string
		end  int64
		want sdk.Offsets
	}{
		{"some of what was read is gone", 12, sdk.Offsets{From: 12, To: 20}},
		{"all of it", 0, sdk.Offsets{From: 0, To: 20}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := newCluster(t)
			createTopic(t, k, "t", 1)
			fill(t, k, 3)
			epochs := make(chan int32, 1)
			answerFetches(k, func(asked *kmsg.FetchRequestTopicPartition, part *kmsg.FetchResponseTopicPartition) bool {
				epochs <- asked.LastFetchedEpoch
				part.DivergingEpoch.Epoch, part.DivergingEpoch.EndOffset = 3, test.end
				return true
			})
			s := newTestSource(t, k, nil)
			r := openReaderAt(t, s, sdk.Position{Stream: streamOf(t, s, "t", 0), Offset: 20, LeaderEpoch: 5})
			checkStop(t, readStop(t, r), sdk.ReasonTruncated, test.want, "truncated")
			if asked := <-epochs; asked != 5 {
				t.Errorf("the broker was asked with epoch %d, the position has 5", asked)
			}
		})
	}
}

// A replica that was made after compaction had removed all records of an epoch
// does not know it. Its log reaches past the position all the same.
func TestForgottenEpoch(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	answerFetches(k, func(asked *kmsg.FetchRequestTopicPartition, part *kmsg.FetchResponseTopicPartition) bool {
		if asked.LastFetchedEpoch == 5 {
			part.DivergingEpoch.Epoch, part.DivergingEpoch.EndOffset = 3, 30
		} else {
			part.RecordBatches = batchAt(20, "a")
		}
		return true
	})
	s := newTestSource(t, k, nil)
	r := openReaderAt(t, s, sdk.Position{Stream: streamOf(t, s, "t", 0), Offset: 20, LeaderEpoch: 5})
	if b := readBatch(t, r); b.From != 20 || b.To != 21 {
		t.Errorf("%v: reading does not go on", b)
	}
}

func TestLeaderEpochsBecomePartOfThePosition(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	later := batchAt(2, "c")
	binary.BigEndian.PutUint32(later[atLeaderEpoch:], 7)
	asked := make(chan int32, 100)
	answerFetches(k, func(p *kmsg.FetchRequestTopicPartition, part *kmsg.FetchResponseTopicPartition) bool {
		asked <- p.LastFetchedEpoch
		if p.FetchOffset == 0 {
			part.RecordBatches = slices.Concat(batchAt(0, "a", "b"), later)
			return true
		}
		part.HighWatermark, part.LastStableOffset = 3, 3
		part.ErrorCode = 29 // ends the reading
		return true
	})
	s := newTestSource(t, k, nil)
	r := openReaderAt(t, s, sdk.Position{Stream: streamOf(t, s, "t", 0), LeaderEpoch: sdk.NoEpoch})
	if b := readBatch(t, r); b.LeaderEpoch != 7 || b.Next().LeaderEpoch != 7 {
		t.Fatalf("%+v", b)
	}
	readStop(t, r)
	if first, second := <-asked, <-asked; first != -1 || second != 7 {
		t.Errorf("asked with epochs %d and %d, want -1 and 7", first, second)
	}
}

// A throttled broker answers without partitions.
func TestThrottledAnswers(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	fill(t, k, 1)
	left := 3
	k.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if left--; left < 0 {
			return nil, nil, false
		}
		k.KeepControl()
		resp := r.ResponseKind().(*kmsg.FetchResponse)
		resp.ThrottleMillis = 1
		return resp, nil, true
	})
	g := readOne(t, openReader(t, newTestSource(t, k, nil)), func(g *got) bool { return g.next == 10 })
	if len(g.records) != 10 {
		t.Errorf("%d records", len(g.records))
	}
}

// A broker that cuts a batch at the limit is asked for more.
func TestBatchLargerThanTheLimit(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	large := batchAt(0, strings.Repeat("x", 3*partitionFetchBytes))
	answerFetches(k, func(asked *kmsg.FetchRequestTopicPartition, part *kmsg.FetchResponseTopicPartition) bool {
		if asked.FetchOffset > 0 {
			return false
		}
		part.RecordBatches = large[:min(len(large), int(asked.PartitionMaxBytes))]
		return true
	})
	if b := readBatch(t, openReader(t, newTestSource(t, k, nil))); b.Size() != len(large) || b.To != 1 {
		t.Fatalf("%+v", b)
	}
}

func TestBrokerThatNeverGivesAWholeBatchIsReported(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	answerFetches(k, func(_ *kmsg.FetchRequestTopicPartition, part *kmsg.FetchResponseTopicPartition) bool {
		part.RecordBatches = batchAt(0, "abc")[:70]
		return true
	})
	config := newSourceConfig().(*SourceConfig)
	config.Cluster, config.Topics = declared(k), []string{"t"}
	env, tr := newEnv(64 << 20)
	openReader(t, startSource(t, config, env))
	select {
	case <-tr.came:
	case <-testContext(t).Done():
		t.Fatal("nothing was told")
	}
	if err := errors.Join(tr.told...); !strings.Contains(err.Error(), "no whole batch") {
		t.Error(err)
	}
}

// What is compacted away at the end of a log is stepped over, so a bounded run
// ends.
func TestEmptyTailIsSteppedOver(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	fill(t, k, 2)
	answerFetches(k, func(asked *kmsg.FetchRequestTopicPartition, part *kmsg.FetchResponseTopicPartition) bool {
		part.HighWatermark, part.LastStableOffset = 25, 20
		if asked.FetchOffset == 0 {
			part.RecordBatches = batchAt(0, numbered(0, 10)...)
		}
		return true
	})
	s := newTestSource(t, k, func(c *SourceConfig) { c.Until = latest })
	g := readOne(t, openReader(t, s), func(g *got) bool { return g.last })
	if d := cmp.Diff(ascending(0, 10), offsetsOf(g.records)); d != "" || g.next != 20 {
		t.Errorf("to %d: %s", g.next, d)
	}
}

func TestErrorsOfAPartition(t *testing.T) {
	tests := []struct {
		name   string
		code   int16
		reason sdk.Reason
	}{
		{"not authorised", 29, sdk.ReasonDenied},
		{"corrupt at the broker", 2, sdk.ReasonCorrupt},
		{"unknown server error", -1, sdk.ReasonSource},
		{"out of range, which it is not", 1, sdk.ReasonSource},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := newCluster(t)
			createTopic(t, k, "t", 1)
			fill(t, k, 1)
			answerFetches(k, func(_ *kmsg.FetchRequestTopicPartition, part *kmsg.FetchResponseTopicPartition) bool {
				part.ErrorCode = test.code
				return true
			})
			s := newTestSource(t, k, nil)
			r := openReaderAt(t, s, sdk.Position{Stream: streamOf(t, s, "t", 0), Offset: 5, LeaderEpoch: 0})
			checkStop(t, readStop(t, r), test.reason, sdk.Offsets{From: 5, To: 6})
		})
	}
}
