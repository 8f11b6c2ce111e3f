// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/klamm-io/klamm/sdk"
)

// Lane is what the ledger of a lane holds.
type Lane struct {
	State     *State // nil if the lane never ran
	Positions map[sdk.TopicPartition]sdk.Position
	Stops     map[sdk.TopicPartition]Stop
	Gaps      []Gap // in the order of their times
	Moved     map[sdk.TopicPartition]Moved
	segments  map[sdk.TopicPartition][]storedSegment // of the mappings, in order
}

// DecodeLane reads a lane's ledger.
func DecodeLane(entries map[string][]byte) (*Lane, error) {
	l := &Lane{
		Positions: make(map[sdk.TopicPartition]sdk.Position, len(entries)),
		Stops:     map[sdk.TopicPartition]Stop{},
		Moved:     map[sdk.TopicPartition]Moved{},
		segments:  map[sdk.TopicPartition][]storedSegment{},
	}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		if err := l.decode(key, entries[key]); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(l.Gaps, func(a, b Gap) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Partition, b.Partition)) })
	return l, nil
}

// decode reads one entry; keys that are not known are those of somebody else.
func (l *Lane) decode(key string, raw []byte) error {
	p, ok, err := sdk.DecodePosition(key, raw)
	switch {
	case err != nil:
		return err
	case ok:
		l.Positions[p.TopicPartition] = p
	case key == laneKey:
		l.State = &State{}
		return decode(key, raw, l.State)
	case strings.HasPrefix(key, stopPrefix):
		return decodePartition(key, stopPrefix, raw, l.Stops)
	case strings.HasPrefix(key, movedPrefix):
		return decodePartition(key, movedPrefix, raw, l.Moved)
	case strings.HasPrefix(key, gapPrefix):
		g, err := decodeGap(key, raw)
		l.Gaps = append(l.Gaps, g)
		return err
	case strings.HasPrefix(key, mapPrefix):
		tp, from, err := segmentOf(key)
		l.segments[tp] = append(l.segments[tp], storedSegment{from, raw})
		return err
	}
	return nil
}

func decodePartition[V any](key, prefix string, raw []byte, into map[sdk.TopicPartition]V) error {
	tp, _, err := partitionOf(key, prefix)
	if err != nil {
		return err
	}
	var v V
	if err := decode(key, raw, &v); err != nil {
		return err
	}
	into[tp] = v
	return nil
}
