// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"encoding/binary"
	"net"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// body is a part of a request that stands elsewhere in memory.
type body struct {
	at    int // behind so many bytes of the rest
	bytes []byte
}

const (
	flexibleProduce   = 9  // from this version on lengths are varints (KIP-482)
	topicIDsProduce   = 13 // and from this one topics go by id (KIP-516)
	acknowledgedByAll = -1
)

// appendProduce appends a produce request but for the bodies of its batches, which
// stay where they are: what kmsg would copy into one piece. Parts of one topic stand
// together.
func appendProduce(dst []byte, version int16, f *flight) ([]byte, []body) {
	flexible := version >= flexibleProduce
	size := len(dst)
	dst = kbin.AppendInt32(dst, 0) // the length, in the end
	dst = kbin.AppendInt16(dst, int16(kmsg.Produce))
	dst = kbin.AppendInt16(dst, version)
	dst = kbin.AppendInt32(dst, f.number)
	dst = kbin.AppendString(dst, clientID)
	dst = appendTags(dst, flexible)
	if flexible {
		dst = kbin.AppendCompactNullableString(dst, nil) // no transactional id
	} else {
		dst = kbin.AppendNullableString(dst, nil)
	}
	dst = kbin.AppendInt16(dst, acknowledgedByAll)
	dst = kbin.AppendInt32(dst, produceTimeoutMillis)
	topics := f.byTopic(version)
	dst = appendCount(dst, len(topics), flexible)
	bodies := make([]body, 0, len(f.parts))
	total := 0
	for _, parts := range topics {
		dst = appendTopic(dst, version, parts[0].t.Topic, parts[0].id)
		dst = appendCount(dst, len(parts), flexible)
		for _, p := range parts {
			dst = kbin.AppendInt32(dst, p.t.Partition)
			if flexible {
				dst = kbin.AppendUvarint(dst, uint32(p.o.size())+1)
			} else {
				dst = kbin.AppendInt32(dst, int32(p.o.size()))
			}
			dst = append(dst, p.o.head[:]...)
			bodies = append(bodies, body{len(dst) - size, p.o.body})
			total += len(p.o.body)
			dst = appendTags(dst, flexible)
		}
		dst = appendTags(dst, flexible)
	}
	dst = appendTags(dst, flexible)
	binary.BigEndian.PutUint32(dst[size:], uint32(len(dst)-size-4+total))
	return dst, bodies
}

// byTopic groups the parts, in the order in which the topics first come. While a topic
// is made again, lanes may know it by different ids: what is meant for the old one must
// not get into the new one.
func (f *flight) byTopic(version int16) (topics [][]flying) {
	places := map[answerKey]int{}
	for _, p := range f.parts {
		topic := keyOf(version, p.t.Topic, p.id, 0)
		i, ok := places[topic]
		if !ok {
			i = len(topics)
			places[topic], topics = i, append(topics, nil)
		}
		topics[i] = append(topics[i], p)
	}
	return topics
}

func appendTopic(dst []byte, version int16, name string, id sdk.TopicID) []byte {
	switch {
	case version >= topicIDsProduce:
		return append(dst, id[:]...)
	case version >= flexibleProduce:
		return kbin.AppendCompactString(dst, name)
	}
	return kbin.AppendString(dst, name)
}

func appendCount(dst []byte, n int, flexible bool) []byte {
	if flexible {
		return kbin.AppendCompactArrayLen(dst, n)
	}
	return kbin.AppendArrayLen(dst, n)
}

// appendTags appends that there are no tagged fields, where there may be some.
func appendTags(dst []byte, flexible bool) []byte {
	if flexible {
		return append(dst, 0)
	}
	return dst
}

// write writes a request with its bodies in their places.
func (k *connection) write(request []byte, bodies []body) error {
	pieces := make(net.Buffers, 0, 2*len(bodies)+1)
	from := 0
	for _, b := range bodies {
		pieces = append(pieces, request[from:b.at], b.bytes)
		from = b.at
	}
	pieces = append(pieces, request[from:])
	if _, ok := k.conn.(*net.TCPConn); ok {
		_, err := pieces.WriteTo(k.conn) // one system call for all
		return err
	}
	if _, err := pieces.WriteTo(k.out); err != nil {
		return err
	}
	return k.out.Flush()
}
