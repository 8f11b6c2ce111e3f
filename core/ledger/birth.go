// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/klamm-io/klamm/sdk"
)

// Birth is what the control lane keeps of a pipeline's first run: what it is,
// so that a stranger's positions are never taken for its own, and which
// partitions there were, so that `since` applies to these and to no later ones.
type Birth struct {
	Identity
	known map[string]knownTopic
}

// Identity is what a pipeline is, whatever its file says later.
type Identity struct {
	versioned
	Pipeline string `json:"pipeline"`
	Source   string `json:"source"` // cluster id
	Sink     string `json:"sink"`   // cluster id
	Lanes    int    `json:"lanes"`
	Created  string `json:"created"` // RFC 3339
}

type knownTopic struct {
	versioned
	TopicID    string `json:"topic_id"`
	Partitions int32  `json:"partitions"`
}

// NewBirth is the birth of a pipeline at a time when there were these partitions.
func NewBirth(id Identity, streams []sdk.Stream) *Birth {
	id.Version = version
	b := &Birth{Identity: id, known: map[string]knownTopic{}}
	for _, s := range streams {
		k := b.known[s.Topic]
		b.known[s.Topic] = knownTopic{versioned{version}, s.TopicID.String(), max(k.Partitions, s.Partition+1)}
	}
	return b
}

// Has reports whether a partition was there when the pipeline first ran.
func (b *Birth) Has(s sdk.Stream) bool {
	k, ok := b.known[s.Topic]
	return ok && k.TopicID == s.TopicID.String() && s.Partition < k.Partitions
}

// Entries are the birth as the control lane's ledger keeps it.
func (b *Birth) Entries() ([]sdk.Entry, error) {
	first, err := entry(pipelineKey, b.Identity)
	if err != nil {
		return nil, err
	}
	entries := []sdk.Entry{first}
	for topic, k := range b.known {
		e, err := entry(knownPrefix+url.PathEscape(topic), k)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// decodeBirth returns nil if the pipeline never ran.
func decodeBirth(entries map[string][]byte) (*Birth, error) {
	raw, ok := entries[pipelineKey]
	if !ok {
		return nil, nil
	}
	b := &Birth{known: map[string]knownTopic{}}
	if err := decode(pipelineKey, raw, &b.Identity); err != nil {
		return nil, err
	}
	for key, raw := range entries {
		name, ok := strings.CutPrefix(key, knownPrefix)
		if !ok {
			continue
		}
		topic, err := url.PathUnescape(name)
		if err != nil {
			return nil, fmt.Errorf("the stored key %q: %w", key, err)
		}
		var k knownTopic
		if err := decode(key, raw, &k); err != nil {
			return nil, err
		}
		b.known[topic] = k
	}
	return b, nil
}
