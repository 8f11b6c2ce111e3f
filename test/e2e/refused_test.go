// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/sdk"
	"github.com/klamm-io/klamm/test/kafka"
)

// refusal is a record that a target made beforehand refuses.
type refusal struct {
	name           string
	source, target map[string]string // settings of the topics
	record         *kgo.Record
	mentions       []string
	fix            [2]string // the setting that lets the record in
}

func refusals() []refusal {
	hour := time.Hour.Milliseconds()
	now := time.UnixMilli(time.Now().UnixMilli())
	const never = "9223372036854775807"
	return []refusal{
		{
			"too large", nil,
			map[string]string{"max.message.bytes": "4321"},
			&kgo.Record{Value: noise(5000)},
			[]string{"MESSAGE_TOO_LARGE", "max.message.bytes is 4321", "it takes 5"},
			[2]string{"max.message.bytes", "6000"},
		},
		{
			"from the future",
			map[string]string{"message.timestamp.after.max.ms": never},
			nil,
			&kgo.Record{Value: []byte("early"), Timestamp: now.Add(3 * time.Hour)},
			[]string{"INVALID_TIMESTAMP", "message.timestamp.after.max.ms", fmt.Sprint(now.Add(3 * time.Hour).UnixMilli())},
			[2]string{"message.timestamp.after.max.ms", fmt.Sprint(5 * hour)},
		},
		{
			"from the past", nil,
			map[string]string{"message.timestamp.before.max.ms": fmt.Sprint(hour)},
			&kgo.Record{Value: []byte("late"), Timestamp: now.Add(-2 * time.Hour)},
			[]string{"INVALID_TIMESTAMP", "message.timestamp.before.max.ms", fmt.Sprint(now.Add(-2 * time.Hour).UnixMilli())},
			[2]string{"message.timestamp.before.max.ms", fmt.Sprint(5 * hour)},
		},
		{
			"without a key", nil,
			map[string]string{"cleanup.policy": "compact", "min.compaction.lag.ms": never},
			&kgo.Record{Value: []byte("whose?")},
			[]string{"INVALID_RECORD", "key"},
			[2]string{"cleanup.policy", "delete"},
		},
	}
}

// TestRefused has targets refuse the record at offset 5 of partition 0. What is
// before it is copied once and nothing behind it; the other partition goes on.
// When the setting is changed, the rest follows.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, r := range refusals() {
		t.Run(r.name, r.run)
	}
}

func (test refusal) run(t *testing.T) {
	east, west := kafka.Clusters(t)
	j := newJournal(t, east, kafka.UniqueName("refused"), 2, test.source)
	west.CreateTopic(t, "east."+j.topic, 2, test.target)
	behind := refusedInTheMiddle(j, test.record)
	file := mirrorFile(t, east, west, j.topic)
	for range 2 {
		p := start(t, file)
		part := stopped(t, p, j.topic, 0, sdk.ReasonRefused)
		if want := (sdk.Offsets{From: 5, To: 6}); *part.Lost != want || part.Offset != 5 {
			t.Errorf("refused are %v at position %d, not %v: %s", part.Lost, part.Offset, want, part.LastError)
		}
		mentions(t, part.LastError, append(test.mentions, "offset 5", "topic east."+j.topic, "cluster west")...)
		j.produce(10, 1)
		j.delivered(p, 1)
		p.stop()
		j.copied(west, "east."+j.topic)
	}
	configure(t, west, "east."+j.topic, test.fix[0], test.fix[1])
	j.partitions[0] = append(j.partitions[0], behind...)
	p := start(t, file)
	j.delivered(p, 0, 1)
	ready(t, p)
	p.stop()
	j.copied(west, "east."+j.topic)
}

// refusedInTheMiddle writes a record among others of the same batch, and more
// batches behind it. It returns the record and what is behind it, of which the
// journal then knows nothing.
func refusedInTheMiddle(j *journal, refused *kgo.Record) (behind []*kgo.Record) {
	var records []*kgo.Record
	for n := range 11 {
		r := refused
		if n != 5 {
			r = &kgo.Record{Key: []byte("key"), Value: fmt.Append(nil, n)}
		}
		records = append(records, r)
	}
	j.add(0, records...)
	for range 3 {
		j.produce(20, 0)
	}
	j.produce(20, 1)
	behind = append(behind, j.partitions[0][5:]...)
	j.forget(0, 5)
	return behind
}

// noise is a value that cannot be compressed.
func noise(size int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}
