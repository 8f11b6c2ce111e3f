// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/klamm-io/klamm/sdk"
)

// OpenEnd is the end of a gap that nobody knows: that of a log that is gone.
const OpenEnd = int64(-1)

// Gap is a range of source offsets that was passed over: it is not at the
// target (or, if it was truncated, no longer at the source), and the pipeline
// went on. Gaps are never removed by Klamm.
type Gap struct {
	sdk.Stream
	// Offsets are those concerned; To is OpenEnd for the rest of a topic that
	// was deleted and made again.
	sdk.Offsets
	// Records is how many records in that range were passed over; 0 is all of them.
	Records int64
	Reason  sdk.Reason
	// Cause is what made the pipeline go on: a setting or a command.
	Cause string
	Error string // what happened, if it was an error
	At    time.Time
}

// ReasonSkipped is the reason of a gap that nothing but a command made.
const ReasonSkipped sdk.Reason = "skipped"

type gapValue struct {
	versioned
	TopicID string `json:"topic_id"`
	sdk.Offsets
	Records int64      `json:"records,omitempty"`
	Reason  sdk.Reason `json:"reason"`
	Cause   string     `json:"cause"`
	Error   string     `json:"error,omitempty"`
	At      time.Time  `json:"at"`
}

// Entry is the gap as the lane's ledger keeps it.
func (g Gap) Entry() (sdk.Entry, error) {
	key := partitionKey(gapPrefix, g.TopicPartition) + "/" + strconv.FormatInt(g.At.UnixNano(), 10)
	return entry(key, gapValue{versioned{version}, g.TopicID.String(), g.Offsets, g.Records, g.Reason, g.Cause, g.Error, g.At})
}

// IsGap reports whether an entry is a gap record.
func IsGap(e sdk.Entry) bool { return strings.HasPrefix(e.Key, gapPrefix) }

func decodeGap(key string, raw []byte) (Gap, error) {
	tp, _, err := partitionOf(key, gapPrefix)
	if err != nil {
		return Gap{}, err
	}
	var v gapValue
	if err := decode(key, raw, &v); err != nil {
		return Gap{}, err
	}
	id, err := sdk.ParseTopicID(v.TopicID)
	if err != nil {
		return Gap{}, fmt.Errorf("reading the stored record %q: %w", key, err)
	}
	return Gap{
		Stream: sdk.Stream{TopicPartition: tp, TopicID: id}, Offsets: v.Offsets, Records: v.Records,
		Reason: v.Reason, Cause: v.Cause, Error: v.Error, At: v.At,
	}, nil
}

// GapBetween is what is passed over by going on at one position instead of
// another, because of reason; false if nothing is.
func GapBetween(from, to sdk.Position, reason sdk.Reason) (Gap, bool) {
	g := Gap{Stream: from.Stream, Reason: reason}
	switch {
	case from.TopicID != to.TopicID:
		g.Offsets = sdk.Offsets{From: from.Offset, To: OpenEnd}
	case reason == sdk.ReasonTruncated && to.Offset < from.Offset:
		g.Offsets = sdk.Offsets{From: to.Offset, To: from.Offset}
	case to.Offset > from.Offset:
		g.Offsets = sdk.Offsets{From: from.Offset, To: to.Offset}
	default:
		return Gap{}, false
	}
	return g, true
}
