// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/klamm-io/klamm/sdk"
)

const (
	pauseKey    = "pause"
	pausePrefix = "pause/"
)

// AllPartitions is the partition of a scope that covers a whole topic.
const AllPartitions = int32(-1)

// Scope is what is paused: the pipeline (no topic), a topic, or a partition.
type Scope struct {
	Topic     string
	Partition int32
}

// Everything is the scope of the whole pipeline.
func Everything() Scope { return Scope{Partition: AllPartitions} }

func (s Scope) String() string {
	switch {
	case s.Topic == "":
		return "the pipeline"
	case s.Partition == AllPartitions:
		return "topic " + s.Topic
	}
	return fmt.Sprintf("topic %s partition %d", s.Topic, s.Partition)
}

// Holds reports whether a partition lies in the scope.
func (s Scope) Holds(tp sdk.TopicPartition) bool {
	return s.Topic == "" || s.Topic == tp.Topic && (s.Partition == AllPartitions || s.Partition == tp.Partition)
}

// Pause says since when something is paused, and at whose word.
type Pause struct {
	versioned
	At string `json:"at"` // RFC 3339
	By string `json:"by,omitempty"`
}

// Pauses is what is paused. Pausing a topic and a partition of it are two
// things: each lasts until it is itself resumed.
type Pauses map[Scope]Pause

// Hold reports whether a partition is paused.
func (p Pauses) Hold(tp sdk.TopicPartition) bool {
	for s := range p {
		if s.Holds(tp) {
			return true
		}
	}
	return false
}

// Entry is the ledger entry that pauses a scope.
func (p Pause) Entry(s Scope) (sdk.Entry, error) {
	p.Version = version
	return entry(s.key(), p)
}

// ResumeEntry is the ledger entry that ends the pause of a scope.
func ResumeEntry(s Scope) sdk.Entry { return sdk.Entry{Key: s.key()} }

func (s Scope) key() string {
	switch {
	case s.Topic == "":
		return pauseKey
	case s.Partition == AllPartitions:
		return pausePrefix + url.PathEscape(s.Topic)
	}
	return pausePrefix + url.PathEscape(s.Topic) + "/" + strconv.Itoa(int(s.Partition))
}

func scopeOf(key string) (Scope, error) {
	if key == pauseKey {
		return Everything(), nil
	}
	if strings.Contains(strings.TrimPrefix(key, pausePrefix), "/") {
		tp, _, err := partitionOf(key, pausePrefix)
		return Scope(tp), err
	}
	topic, err := url.PathUnescape(strings.TrimPrefix(key, pausePrefix))
	if err != nil {
		return Scope{}, fmt.Errorf("the stored key %q: %w", key, err)
	}
	return Scope{topic, AllPartitions}, nil
}
