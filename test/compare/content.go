// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Content is what a topic held when it was read.
type Content struct {
	Topic string
	// Partitions are indexed by their number.
	Partitions []Partition
}

// Partition is the content of one partition, in the order of its log.
type Partition struct {
	Records []Record
	// Aborted are the records of aborted transactions, which no mirror may
	// copy.
	Aborted []Record
}

// Record stands for a record without holding its bytes.
type Record struct {
	Offset int64
	identity
	key, value preview
	headers    int
}

// identity is equal for two records if a mirror may turn one into the other.
type identity struct {
	timestamp                             int64
	keyDigest, valueDigest, headersDigest digest
}

// digest is the start of a SHA-256; zero for nil.
type digest [16]byte

// preview is how a field starts and how long it is; -1 for nil.
type preview struct {
	start string
	size  int
}

// NewRecord digests a record; nothing of r is kept.
func NewRecord(r *kgo.Record) Record {
	return Record{
		Offset: r.Offset,
		identity: identity{
			timestamp:     r.Timestamp.UnixMilli(),
			keyDigest:     digestOf(r.Key),
			valueDigest:   digestOf(r.Value),
			headersDigest: digestOfHeaders(r.Headers),
		},
		key:     previewOf(r.Key),
		value:   previewOf(r.Value),
		headers: len(r.Headers),
	}
}

func digestOf(field []byte) digest {
	if field == nil {
		return digest{}
	}
	sum := sha256.Sum256(field)
	return digest(sum[:])
}

// digestOfHeaders covers their order, repeated keys, and whether a value is
// nil or empty: lengths come first, the length of nil is -1.
func digestOfHeaders(headers []kgo.RecordHeader) digest {
	if len(headers) == 0 {
		return digest{}
	}
	var encoded []byte
	for _, h := range headers {
		size := int64(len(h.Value))
		if h.Value == nil {
			size = -1
		}
		encoded = binary.AppendUvarint(encoded, uint64(len(h.Key)))
		encoded = append(encoded, h.Key...)
		encoded = binary.AppendVarint(encoded, size)
		encoded = append(encoded, h.Value...)
	}
	return digestOf(encoded)
}

func previewOf(field []byte) preview {
	const most = 20
	if field == nil {
		return preview{size: -1}
	}
	return preview{start: string(field[:min(len(field), most)]), size: len(field)}
}

func (p preview) String() string {
	switch {
	case p.size < 0:
		return "nil"
	case p.size > len(p.start):
		return fmt.Sprintf("%q... (%d bytes)", p.start, p.size)
	default:
		return fmt.Sprintf("%q", p.start)
	}
}

// String describes the record in one line.
func (r Record) String() string {
	at := time.UnixMilli(r.timestamp).UTC().Format("2006-01-02T15:04:05.000Z")
	return fmt.Sprintf("offset %d, %s, key %s, value %s, %d headers", r.Offset, at, r.key, r.value, r.headers)
}

// changes names the fields in which two identities differ.
func (i identity) changes(to identity) []string {
	var fields []string
	if i.keyDigest != to.keyDigest {
		fields = append(fields, "key")
	}
	if i.valueDigest != to.valueDigest {
		fields = append(fields, "value")
	}
	if i.headersDigest != to.headersDigest {
		fields = append(fields, "headers")
	}
	if i.timestamp != to.timestamp {
		fields = append(fields, "timestamp")
	}
	return fields
}
