// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"maps"
	"strings"

	"github.com/klamm-io/klamm/sdk"
)

// Control is what the control lane's ledger holds.
type Control struct {
	Birth  *Birth // nil if the pipeline never ran
	Pauses Pauses
	Moves  map[sdk.TopicPartition]Move
}

// DecodeControl reads the control lane's ledger.
func DecodeControl(entries map[string][]byte) (*Control, error) {
	birth, err := decodeBirth(entries)
	if err != nil {
		return nil, err
	}
	c := &Control{Birth: birth, Pauses: Pauses{}, Moves: map[sdk.TopicPartition]Move{}}
	for key, raw := range entries {
		switch {
		case key == pauseKey || strings.HasPrefix(key, pausePrefix):
			s, err := scopeOf(key)
			if err != nil {
				return nil, err
			}
			var p Pause
			if err := decode(key, raw, &p); err != nil {
				return nil, err
			}
			c.Pauses[s] = p
		case strings.HasPrefix(key, movePrefix):
			tp, _, err := partitionOf(key, movePrefix)
			if err != nil {
				return nil, err
			}
			m := Move{TopicPartition: tp}
			if err := decode(key, raw, &m); err != nil {
				return nil, err
			}
			c.Moves[tp] = m
		}
	}
	return c, nil
}

// Equal reports whether running processes have nothing to do to go from one to
// the other.
func (c *Control) Equal(other *Control) bool {
	return maps.Equal(c.Pauses, other.Pauses) && maps.Equal(c.Moves, other.Moves)
}
