// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"time"

	"github.com/klamm-io/klamm/sdk"
)

// State is how a lane is doing, as its owner last wrote. Whether the owner still
// runs, the store knows better.
type State struct {
	versioned
	State       string    `json:"state"`
	Since       time.Time `json:"since"`
	Process     string    `json:"process"` // host and process id of the owner
	Restarts    int       `json:"restarts,omitempty"`
	LastError   string    `json:"last_error,omitempty"`
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
	// Batches are those of the lane since the owner has it.
	Batches Batches `json:"batches,omitzero"`
}

// Entry is the state as the lane's ledger keeps it.
func (s State) Entry() (sdk.Entry, error) {
	s.Version = version
	return entry(laneKey, s)
}

// Stop is why a partition is not read any further.
type Stop struct {
	versioned
	Reason sdk.Reason `json:"reason"`
	sdk.Offsets
	Error string    `json:"error"`
	At    time.Time `json:"at"`
	// Resume is where it can go on past what stopped it; nil if nowhere.
	Resume *Place `json:"resume,omitempty"`
}

// Place is a position without its partition.
type Place struct {
	TopicID     string `json:"topic_id"`
	Offset      int64  `json:"offset"`
	LeaderEpoch int32  `json:"leader_epoch"`
}

// PlaceOf is the place of a position.
func PlaceOf(p sdk.Position) Place {
	return Place{TopicID: p.TopicID.String(), Offset: p.Offset, LeaderEpoch: p.LeaderEpoch}
}

// Position is the place in a partition.
func (p Place) Position(tp sdk.TopicPartition) (sdk.Position, error) {
	id, err := sdk.ParseTopicID(p.TopicID)
	if err != nil {
		return sdk.Position{}, err
	}
	return sdk.Position{Stream: sdk.Stream{TopicPartition: tp, TopicID: id}, Offset: p.Offset, LeaderEpoch: p.LeaderEpoch}, nil
}

// Entry is the stop as the lane's ledger keeps it.
func (s Stop) Entry(tp sdk.TopicPartition) (sdk.Entry, error) {
	s.Version = version
	return entry(partitionKey(stopPrefix, tp), s)
}

// UnstopEntry is the ledger entry that forgets a stop.
func UnstopEntry(tp sdk.TopicPartition) sdk.Entry {
	return sdk.Entry{Key: partitionKey(stopPrefix, tp)}
}
