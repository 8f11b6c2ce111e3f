// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
)

// TestPassThrough mirrors batches of every codec and of many sizes, up to 10 MiB.
// They arrive with the bytes that the producer made, at offsets without a hole.
func TestPassThrough(t *testing.T) {
	t.Parallel()
	for n, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(codec, func(t *testing.T) { passThrough(t, n) })
	}
}

// passThrough does so for one codec; n is its number in the attributes of a batch.
func passThrough(t *testing.T, n int) {
	codecs := []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	}
	east, west := kafka.Clusters(t)
	j := newJournal(t, east, kafka.UniqueName("pass"), 1, map[string]string{"max.message.bytes": fmt.Sprint(14 << 20)})
	j.client = east.Client(t, manual(), kgo.ProducerBatchCompression(codecs[n]), kgo.ProducerBatchMaxBytes(14<<20))
	for _, size := range []int{1, 20, 1 << 20, 10, 10 << 20, 3 << 20} {
		j.add(0, unusual(size)...)
	}
	for _, count := range []int{1, 2, 500, 5000} {
		j.produce(count, 0)
	}
	source := rawBatches(t, east, j.topic, 0)
	p := start(t, mirrorFile(t, east, west, j.topic))
	j.delivered(p, 0)
	went(t, p, j.topic, ledger.Batches{Encoded: int64(len(source))})
	p.stop()

	target := "east." + j.topic
	equal(t, east, j.topic, west, target, compare.Options{})
	j.copied(west, target)
	sameBytes(t, source, rawBatches(t, west, target, 0), n)
}

// unusual are records of one batch whose fields are nil, empty, or there; one of
// them has a value of which no codec makes less than so many bytes. The rest of it is
// zeros: producers leave a batch as it is that does not get smaller.
func unusual(size int) []*kgo.Record {
	return []*kgo.Record{
		{Value: append(noise(size), make([]byte, size/8+64<<10)...), Headers: []kgo.RecordHeader{{Key: "", Value: []byte{}}, {Key: "twice"}, {Key: "twice", Value: []byte{0, 0xff}}}},
		{Key: []byte{}, Value: []byte{}},
		{Key: []byte("tombstone")},
		{},
	}
}

// sameBytes fails the test unless batches have the bytes of the source's behind the
// header, the same codec, which is the given one of all but the smallest, and offsets
// from 0 on.
func sameBytes(t *testing.T, source, target []rawBatch, codec int) {
	t.Helper()
	if len(source) != len(target) {
		t.Fatalf("%d batches became %d", len(source), len(target))
	}
	at, largest := int64(0), 0
	for n, b := range target {
		from := source[n]
		if len(b) > 1000 && b.codec() != codec || b.attributes() != from.attributes() || !bytes.Equal(b.timestamps(), from.timestamps()) || b.count() != from.count() {
			t.Errorf("%v became %v", from, b)
		}
		if !bytes.Equal(b.records(), from.records()) {
			t.Errorf("%v became %v, with other bytes", from, b)
		}
		if b.base() != at || b.next() != at+b.count() {
			t.Errorf("%v is at offset %d, not %d", b, b.base(), at)
		}
		at, largest = b.next(), max(largest, len(b))
	}
	if largest <= 10<<20 {
		t.Errorf("the largest batch has %d bytes", largest)
	}
}
