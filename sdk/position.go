// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"encoding/hex"
	"fmt"
)

// TopicPartition names one partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

func (tp TopicPartition) String() string { return fmt.Sprintf("%s-%d", tp.Topic, tp.Partition) }

// TopicID tells a topic from a later one of the same name (KIP-516). It is
// zero where the source has no such thing.
type TopicID [16]byte

func (id TopicID) String() string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// ParseTopicID reads what [TopicID.String] wrote.
func ParseTopicID(s string) (TopicID, error) {
	var id TopicID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, fmt.Errorf("topic id %q: want the form 00000000-0000-0000-0000-000000000000", s)
	}
	if _, err := hex.Decode(id[:], []byte(s[:8]+s[9:13]+s[14:18]+s[19:23]+s[24:])); err != nil {
		return id, fmt.Errorf("topic id %q: %w", s, err)
	}
	return id, nil
}

// Stream is the identity of one partition at its source.
type Stream struct {
	TopicPartition
	TopicID TopicID
}

// NoEpoch is the leader epoch of a position whose source has none.
const NoEpoch = int32(-1)

// Position says how far one partition was read: everything before Offset.
type Position struct {
	Stream
	// Offset is the next offset to read.
	Offset int64
	// LeaderEpoch is the epoch of the leader that wrote the record before
	// Offset (KIP-320), or [NoEpoch]. Without it a log that was truncated and
	// has grown again would be read on unnoticed.
	LeaderEpoch int32
	// Target is the topic at the sink that holds what was read, once that is
	// decided. A position says nothing about any other topic.
	Target string
	// Token is the cursor of a source for which an offset does not say
	// enough. It is stored and given back as it is.
	Token string
}

func (p Position) String() string { return fmt.Sprintf("%s@%d", p.TopicPartition, p.Offset) }

// Offsets is the range of offsets [From, To).
type Offsets struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

func (o Offsets) String() string { return fmt.Sprintf("[%d, %d)", o.From, o.To) }

// Count is the number of offsets in the range.
func (o Offsets) Count() int64 { return o.To - o.From }
