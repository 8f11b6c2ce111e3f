// SPDX-License-Identifier: Apache-2.0

package records

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// epoch is when the records of a workload begin.
const epoch = 1_735_689_600_000 // 2025-01-01

// source makes the records of one producer.
type source struct {
	random     *rand.Rand
	name       string // begins every value
	topic      string
	partitions int32
	serial     int64
}

// newSource is a stream of records of its own; streams tell apart those of one
// seed.
func (p *production) newSource(topic, name string, stream uint64) *source {
	return &source{
		random:     rand.New(rand.NewPCG(p.Seed, stream)),
		name:       name,
		topic:      topic,
		partitions: p.Partitions,
	}
}

// in reports true in that many percent of all cases.
func (s *source) in(percent float64) bool { return s.random.Float64()*100 < percent }

// odd makes a record in which anything may be unusual.
func (s *source) odd() *kgo.Record {
	s.serial++
	r := &kgo.Record{
		Topic:     s.topic,
		Partition: s.random.Int32N(s.partitions),
		Timestamp: s.timestamp(),
		Key:       fmt.Appendf(nil, "key-%d", s.random.IntN(1000)),
		Value:     s.value(),
	}
	switch {
	case s.in(10):
		r.Key = nil
	case s.in(5):
		r.Key = []byte{}
	}
	switch {
	case s.in(8):
		r.Value = nil
	case s.in(5):
		r.Value = []byte{}
	}
	if s.in(30) {
		r.Headers = s.headers()
	}
	return r
}

// timestamp goes up by a millisecond with every record, but not always.
func (s *source) timestamp() time.Time {
	at := time.UnixMilli(epoch + s.serial)
	switch {
	case s.in(0.1):
		return time.UnixMilli(0)
	case s.in(1):
		return time.Date(2001, 9, 9, 1, 46, 40, 0, time.UTC).Add(time.Duration(s.serial) * time.Millisecond)
	case s.in(10):
		return at.Add(-time.Duration(s.random.IntN(3_600_000)) * time.Millisecond)
	}
	return at
}

// value is unlike every other value; up to 400 bytes of it compress to half.
func (s *source) value() []byte {
	value := fmt.Appendf(nil, "%s %d ", s.name, s.serial)
	for range s.random.IntN(50) {
		value = append(value, "klam"...)
		value = binary.LittleEndian.AppendUint32(value, s.random.Uint32())
	}
	return value
}

func (s *source) headers() []kgo.RecordHeader {
	all := []kgo.RecordHeader{
		{Key: "trace", Value: fmt.Appendf(nil, "%d", s.serial)},
		{Key: "trace", Value: []byte("again")},
		{Key: "nil"},
		{Key: "empty", Value: []byte{}},
		{Key: "", Value: []byte{0, 0xff, '\n'}},
		{Key: "größe", Value: []byte("ß")},
	}
	s.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:1+s.random.IntN(len(all))]
}

// large makes a record of 900 KB; every other one compresses well.
func (s *source) large() *kgo.Record {
	r := s.odd()
	r.Value = make([]byte, 900_000)
	copy(r.Value, fmt.Sprintf("%s %d large ", s.name, s.serial))
	if s.in(50) {
		for at := 100; at < len(r.Value)-8; at += 8 {
			binary.LittleEndian.PutUint64(r.Value[at:], s.random.Uint64())
		}
	}
	return r
}
