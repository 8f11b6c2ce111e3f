// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"time"

	"github.com/klamm-io/klamm/sdk"
)

// Move is a person's word to a lane's owner: this partition goes on there. It
// stands in the control lane's ledger until it is carried out.
type Move struct {
	versioned
	sdk.TopicPartition `json:"-"`
	ID                 string `json:"id"` // unique; a move is carried out once
	To                 Place  `json:"to"`
	// Forward says that the move is off if the partition is there already.
	Forward bool      `json:"forward,omitempty"`
	Cause   string    `json:"cause"` // the command, as it is shown
	At      time.Time `json:"at"`
}

// Entry is the move as the control lane's ledger keeps it.
func (m Move) Entry() (sdk.Entry, error) {
	m.Version = version
	return entry(partitionKey(movePrefix, m.TopicPartition), m)
}

// UnmoveEntry is the ledger entry that takes a move back.
func UnmoveEntry(tp sdk.TopicPartition) sdk.Entry {
	return sdk.Entry{Key: partitionKey(movePrefix, tp)}
}

// Moved is a move that was carried out, or why it was not.
type Moved struct {
	versioned
	ID    string    `json:"id"`
	From  int64     `json:"from"`
	To    int64     `json:"to"`
	Cause string    `json:"cause"`
	At    time.Time `json:"at"`
	// Refused says why the move was not carried out; empty if it was.
	Refused string `json:"refused,omitempty"`
}

// Entry is the outcome as the lane's ledger keeps it.
func (m Moved) Entry(tp sdk.TopicPartition) (sdk.Entry, error) {
	m.Version = version
	return entry(partitionKey(movedPrefix, tp), m)
}

// Carry is what carrying out a move writes, all in one commit: the position
// (unless the move is off) and its mapping, the gap it leaves, and its outcome. The
// stop, if there is one, is at an end.
func (m Move) Carry(from sdk.Position, mapping *Mapping, stop *Stop, now time.Time) (to sdk.Position, entries []sdk.Entry, err error) {
	if to, err = m.To.Position(m.TopicPartition); err != nil {
		return to, nil, err
	}
	to.Target = from.Target
	moved := Moved{ID: m.ID, From: from.Offset, To: to.Offset, Cause: m.Cause, At: now}
	if m.Forward && to.TopicID == from.TopicID && to.Offset <= from.Offset && (stop == nil || stop.Reason != sdk.ReasonTruncated) {
		moved.Refused = "it is there already"
		e, err := moved.Entry(m.TopicPartition)
		return from, []sdk.Entry{e}, err
	}
	reason, text := ReasonSkipped, ""
	if stop != nil {
		reason, text = stop.Reason, stop.Error
	}
	entries, err = Redirect(from, to, mapping, Gap{Reason: reason, Cause: m.Cause, Error: text, At: now})
	if err != nil {
		return to, nil, err
	}
	e, err := moved.Entry(m.TopicPartition)
	return to, append(entries, e), err
}

// Redirect is what going on elsewhere writes, all in one commit: the new position
// and its mapping, the gap, if there is one (why says its reason, cause, error and
// time), and the end of the stop.
func Redirect(from, to sdk.Position, mapping *Mapping, why Gap) ([]sdk.Entry, error) {
	position, err := sdk.EncodePosition(to)
	if err != nil {
		return nil, err
	}
	entries, err := mapping.MoveTo(to)
	if err != nil {
		return nil, err
	}
	entries = append(entries, position, UnstopEntry(to.TopicPartition))
	g, ok := GapBetween(from, to, why.Reason)
	if !ok {
		return entries, nil
	}
	g.Cause, g.Error, g.At = why.Cause, why.Error, why.At
	e, err := g.Entry()
	return append(entries, e), err
}
