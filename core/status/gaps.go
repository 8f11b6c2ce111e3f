// SPDX-License-Identifier: Apache-2.0

package status

import (
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// Gap is a gap record as it is shown.
type Gap struct {
	Pipeline  string `json:"pipeline"`
	Topic     string `json:"topic"`
	TopicID   string `json:"topic_id"`
	Partition int32  `json:"partition"`
	From      int64  `json:"from"`
	// To is exclusive. It is null, and Count with it, for the rest of a topic that
	// was deleted and made again: nobody knows where that ended. Count is how many of
	// the offsets in between are concerned, which is all of them but for records that
	// were rejected one by one.
	To     *int64     `json:"to"`
	Count  *int64     `json:"count"`
	Reason sdk.Reason `json:"reason"`
	Cause  string     `json:"cause"`
	Error  string     `json:"error,omitempty"`
	At     time.Time  `json:"at"`
}

// GapOf shows a gap record.
func GapOf(pipeline string, g ledger.Gap) Gap {
	out := Gap{
		Pipeline: pipeline, Topic: g.Topic, TopicID: g.TopicID.String(), Partition: g.Partition, From: g.From,
		Reason: g.Reason, Cause: g.Cause, Error: g.Error, At: g.At,
	}
	if g.To != ledger.OpenEnd {
		to, n := g.To, g.Count()
		if g.Records > 0 {
			n = g.Records
		}
		out.To, out.Count = &to, &n
	}
	return out
}
