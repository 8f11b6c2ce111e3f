// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// generator makes records such as copying tools stumble over.
type generator struct{ *rand.Rand }

func (g generator) next(topic string, partitions int32) *kgo.Record {
	return &kgo.Record{
		Topic:     topic,
		Partition: g.Int32N(partitions),
		Timestamp: time.Now().Add(-time.Duration(g.IntN(3600)) * time.Second), // out of order
		Key:       g.key(),
		Value:     g.value(),
		Headers:   g.headers(),
	}
}

func (g generator) key() []byte {
	switch g.IntN(10) {
	case 0:
		return nil
	case 1:
		return []byte{}
	}
	return fmt.Appendf(nil, "key-%d", g.IntN(1000))
}

func (g generator) value() []byte {
	switch g.IntN(20) {
	case 0:
		return nil // a tombstone
	case 1:
		return []byte{}
	}
	size := 20 + g.IntN(800)
	if g.IntN(1000) == 0 {
		size = 200 << 10
	}
	value := make([]byte, size)
	for i := range value {
		value[i] = byte(g.Uint32())
	}
	return value
}

func (g generator) headers() []kgo.RecordHeader {
	all := []kgo.RecordHeader{
		{Key: "trace", Value: fmt.Appendf(nil, "%016x", g.Uint64())},
		{Key: "retry", Value: []byte("1")},
		{Key: "retry", Value: []byte("2")}, // the same key again
		{Key: "note", Value: nil},
		{Key: "", Value: []byte{}},
	}
	return all[:g.IntN(len(all)+1)]
}
