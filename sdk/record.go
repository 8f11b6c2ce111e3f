// SPDX-License-Identifier: Apache-2.0

package sdk

import "time"

// Header is one header of a record. Keys repeat and their order counts; a nil
// value and an empty one are different things.
type Header struct {
	Key   string
	Value []byte
}

// Record is one message. Its partition is that of the [Batch] it stands in.
//
// The byte slices belong to the batch: they are valid until the batch is
// handed on, and are never changed in place.
type Record struct {
	// Topic is where the record goes if not to [Batch.Topic]; empty for most.
	Topic string
	// Offset is the record's offset at its source.
	Offset int64
	// Timestamp is in milliseconds since the epoch, as Kafka stores it; -1 is
	// none.
	Timestamp int64
	// AppendTime says that a broker set the timestamp (LogAppendTime), not
	// the producer.
	AppendTime bool
	// Key may be nil, which is not the same as empty.
	Key []byte
	// Value may be nil (a tombstone), which is not the same as empty.
	Value   []byte
	Headers []Header
}

// Time is the timestamp in UTC; the zero time if the record has none.
func (r *Record) Time() time.Time {
	if r.Timestamp < 0 {
		return time.Time{}
	}
	return time.UnixMilli(r.Timestamp).UTC()
}

// Size is the number of bytes of key, value and headers, without overhead.
func (r *Record) Size() int {
	n := len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return n
}
