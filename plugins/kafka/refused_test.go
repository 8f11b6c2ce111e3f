// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// refuseValues refuses batches of topic "t" that hold a value with the mark, as
// Kafka does: the whole batch, and nothing else of the request.
func refuseValues(k *kfake.Cluster, mark string, code int16, errorRecords bool) {
	k.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		req := r.(*kmsg.ProduceRequest)
		rt := req.Topics[0]
		raw := rt.Partitions[0].Records
		if len(req.Topics) > 1 || !bytes.Contains(raw, []byte(mark)) {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		part := kmsg.NewProduceResponseTopicPartition()
		part.Partition, part.ErrorCode, part.ErrorMessage = rt.Partitions[0].Partition, code, kmsg.StringPtr("because of "+mark)
		records, err := decodeAll(raw)
		for i := range records {
			if err == nil && errorRecords && bytes.Contains(records[i].Value, []byte(mark)) {
				e := kmsg.NewProduceResponseTopicPartitionErrorRecord()
				e.RelativeOffset = int32(i)
				part.ErrorRecords = append(part.ErrorRecords, e)
			}
		}
		answer := kmsg.NewProduceResponseTopic()
		answer.Topic, answer.TopicID, answer.Partitions = rt.Topic, rt.TopicID, []kmsg.ProduceResponseTopicPartition{part}
		resp.Topics = append(resp.Topics, answer)
		return resp, nil, true
	})
}

func TestTooLargeRecordIsFound(t *testing.T) {
	for _, compression := range []string{"none", "gzip", "zstd"} {
		for _, at := range []int{0, 1, 7, 19} {
			t.Run(fmt.Sprintf("%s, record %d of 20", compression, at), func(t *testing.T) {
				k := newCluster(t)
				createTopic(t, k, "t", 1, "max.message.bytes", "600")
				l := newLane(t, newTestSink(t, k, func(c *SinkConfig) { c.Compression = compression }), 1, "t")
				l.write("t", 0, 90, "before").ok(t)
				values := numbered(0, 20)
				values[at] = string(sample(5000))
				bad := int64(100 + at)
				l.write("t", 0, 100, values...).refused(t, sdk.ReasonRefused, sdk.Offsets{From: bad, To: bad + 1}, bad,
					"MESSAGE_TOO_LARGE", "max.message.bytes is 600", "raise max.message.bytes of topic t")
				l.write("t", 0, 120, "behind").refused(t, sdk.ReasonRefused, sdk.Offsets{From: bad, To: bad + 1}, 120)
				holds(t, k, "t", 0, append([]string{"before"}, values[:at]...)...)
				o := l.outcomes[1]
				var count int64
				for _, r := range o.Runs {
					count += r.Count
				}
				if count != int64(at) {
					t.Errorf("the runs cover %d records, %d were written", count, at)
				}
			})
		}
	}
}

// Together too large, but not one by one: all is written.
func TestTooLargeBatchIsParted(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1, "max.message.bytes", "300")
	l := newLane(t, newTestSink(t, k, nil), 1, "t")
	var values []string
	for i := range 50 {
		values = append(values, fmt.Sprintf("%d%s", i, strings.Repeat("x", 80)))
	}
	o := l.write("t", 0, 7, values...).ok(t)
	if d := merged(o.Runs); len(d) != 1 || d[0].Source != 7 || d[0].Target != 0 || d[0].Count != 50 {
		t.Errorf("%v", o.Runs)
	}
	holds(t, k, "t", 0, values...)
}

func TestRefusedRecord(t *testing.T) {
	tests := []struct {
		name         string
		code         int16
		errorRecords bool
		reason       sdk.Reason
		says         []string
	}{
		{"invalid record, named", kerr.InvalidRecord.Code, true, sdk.ReasonRefused, []string{"INVALID_RECORD", "because of BAD"}},
		{"invalid record, not named", kerr.InvalidRecord.Code, false, sdk.ReasonRefused, []string{"INVALID_RECORD"}},
		{"invalid timestamp", kerr.InvalidTimestamp.Code, true, sdk.ReasonRefused, []string{"INVALID_TIMESTAMP", "it is 1000 (1970-01-01T00:00:01Z)", "message.timestamp.after.max.ms"}},
		{"invalid timestamp, not named", kerr.InvalidTimestamp.Code, false, sdk.ReasonRefused, []string{"it is 1000"}},
		{"unknown server error", kerr.UnknownServerError.Code, false, sdk.ReasonRefused, []string{"UNKNOWN_SERVER_ERROR"}},
		{"larger than a segment", kerr.RecordListTooLarge.Code, false, sdk.ReasonRefused, []string{"segment.bytes"}},
		{"corrupt", kerr.CorruptMessage.Code, false, sdk.ReasonRefused, []string{"CORRUPT_MESSAGE"}},
		{"unsupported codec", kerr.UnsupportedCompressionType.Code, false, sdk.ReasonRefused, []string{"UNSUPPORTED_COMPRESSION_TYPE"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := newCluster(t)
			l := newLane(t, newTestSink(t, k, nil), 2, "t")
			refuseValues(k, "BAD", test.code, test.errorRecords)
			o := l.write("t", 0, 10, "a", "b", "c", "BAD", "e", "BAD")
			o.refused(t, test.reason, sdk.Offsets{From: 13, To: 14}, 13, test.says...)
			l.write("t", 1, 0, "other").ok(t)
			holds(t, k, "t", 0, "a", "b", "c")
			holds(t, k, "t", 1, "other")
		})
	}
}

// What is queued behind the record that stops a partition is never sent.
func TestNothingIsWrittenBehindARefusedRecord(t *testing.T) {
	k := newCluster(t)
	l := newLane(t, newTestSink(t, k, nil), 1, "t")
	refuseValues(k, "BAD", kerr.InvalidRecord.Code, true)
	l.write("t", 0, 0, "a")
	l.write("t", 0, 1, "b", "BAD", "c")
	for i := range 10 {
		l.write("t", 0, int64(4+i), "behind")
	}
	l.outcomes[0].ok(t)
	l.outcomes[1].refused(t, sdk.ReasonRefused, sdk.Offsets{From: 2, To: 3}, 2)
	for i, o := range l.outcomes[2:] {
		o.refused(t, sdk.ReasonRefused, sdk.Offsets{From: 2, To: 3}, int64(4+i))
	}
	if err := l.Close(testContext(t)); err != nil {
		t.Error(err)
	}
	holds(t, k, "t", 0, "a", "b")
}

// Two sources that write to one target partition: one stops, the other goes on.
func TestStoppedSourceLeavesOthersAlone(t *testing.T) {
	k := newCluster(t)
	l := newLane(t, newTestSink(t, k, nil), 1, "t")
	to := func(source string, at int64, values ...string) *outcome {
		var records []sdk.Record
		for i, v := range values {
			records = append(records, sdk.Record{Offset: at + int64(i), Value: []byte(v)})
		}
		b := sdk.NewBatch(sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: source}}, sdk.Offsets{From: at, To: at + int64(len(values))}, records)
		b.Topic = "t"
		return l.writeBatch(b)
	}
	refuseValues(k, "BAD", kerr.InvalidRecord.Code, true)
	var other []*outcome
	var want []string
	for i := range 10 {
		v := fmt.Sprint("good", i)
		want = append(want, v)
		other = append(other, to("good", int64(i), v))
		if i == 3 {
			to("bad", 0, "BAD")
		}
		if i > 3 {
			to("bad", int64(i), "behind")
		}
	}
	for _, o := range other {
		o.ok(t)
	}
	holds(t, k, "t", 0, want...)
}

// The same while the answer for the stopped source's batch is still open.
func TestStopWhileABatchIsInFlight(t *testing.T) {
	k, cutter := newCuttingCluster(t)
	l := newLane(t, newTestSink(t, k, nil), 1, "t", "u")
	l.write("t", 0, 0, "0").ok(t)
	cutter.cut(kmsg.Produce, 2)
	w := l.Writer.(*writer)
	written := make(chan struct{})
	stop := sync.OnceFunc(func() {
		<-written
		w.sink.mu.Lock()
		defer w.sink.mu.Unlock()
		w.haltLocked(&sdk.PartitionError{TopicPartition: t0, Reason: sdk.ReasonRefused, Err: fmt.Errorf("stopped")})
	})
	k.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		stop()
		k.KeepControl()
		return nil, nil, false
	})
	inFlight := l.write("t", 0, 1, "1")
	close(written)
	inFlight.refused(t, sdk.ReasonRefused, sdk.Offsets{}, 1)
	other := sdk.NewBatch(sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: "u"}}, sdk.Offsets{To: 1}, []sdk.Record{{Value: []byte("other")}})
	other.Topic = "t"
	l.writeBatch(other).ok(t)
	holds(t, k, "t", 0, "0", "1", "other")
}

func TestLaneEndsWithAnotherOwner(t *testing.T) {
	for _, err := range []*kerr.Error{kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch, kerr.ProducerFenced, kerr.InvalidProducerIDMapping} {
		t.Run(err.Message, func(t *testing.T) {
			k := newCluster(t)
			l := newLane(t, newTestSink(t, k, nil), 1, "t")
			l.write("t", 0, 0, "0").ok(t)
			k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err, Count: -1})
			l.write("t", 0, 1, "1").ended(t, err)
			l.write("t", 0, 2, "2").ended(t, err)
		})
	}
}

func TestTargetIsDenied(t *testing.T) {
	k := newCluster(t)
	l := newLane(t, newTestSink(t, k, nil), 2, "t")
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Partitions: []int32{0}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	l.write("t", 0, 5, "a", "b").refused(t, sdk.ReasonDenied, sdk.Offsets{From: 5, To: 6}, 5, "grant WRITE")
	l.write("t", 1, 5, "a").ok(t)
}

func TestTargetRecreated(t *testing.T) {
	tests := []struct {
		name    string
		version int16
		says    string
	}{
		{"by its id", 13, "made again (it was id"},
		{"by its offsets, where batches go by name", 11, "has offset 1 again"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := newCluster(t, kfake.MaxVersions(produceVersion(test.version)))
			createTopic(t, k, "u", 1)
			l := newLane(t, newTestSink(t, k, nil), 1, "t", "u")
			l.write("t", 0, 0, "0", "0", "0", "0").ok(t)
			if err := k.DeleteTopic("t"); err != nil {
				t.Fatal(err)
			}
			createTopic(t, k, "t", 1)
			if test.version < 13 { // else the broker would refuse the sequence of an unknown producer
				produceBatch(t, newKgo(t, k), "t", 0, "x")
				if err := k.DeleteRecords("t", 0, 1); err != nil {
					t.Fatal(err)
				}
			}
			l.write("t", 0, 4, "1", "2").refused(t, sdk.ReasonTarget, sdk.Offsets{From: 4, To: 5}, 4, test.says)
			l.write("t", 0, 6, "3").refused(t, sdk.ReasonTarget, sdk.Offsets{From: 4, To: 5}, 6)
			l.write("u", 0, 0, "0").ok(t)
		})
	}
}

func TestTargetMissing(t *testing.T) {
	k := newCluster(t)
	l := newLane(t, newTestSink(t, k, nil), 1, "t", "u")
	l.write("t", 0, 0, "0").ok(t)
	if err := k.DeleteTopic("t"); err != nil {
		t.Fatal(err)
	}
	w := l.Writer.(*writer)
	w.sink.mu.Lock() // as after many tries
	w.targets[t0].retry.pause = retryMax
	w.sink.mu.Unlock()
	l.write("t", 0, 1, "1").refused(t, sdk.ReasonTarget, sdk.Offsets{From: 1, To: 2}, 1, "does not exist on cluster here")
	l.write("u", 0, 0, "0").ok(t)
}
