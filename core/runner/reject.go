// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// The headers of a dead letter, behind its own.
const (
	headerPipeline  = "klamm.pipeline"
	headerStage     = "klamm.stage"
	headerReason    = "klamm.reason"
	headerCluster   = "klamm.origin.cluster" // as the source calls itself: for Kafka the cluster id
	headerTopic     = "klamm.origin.topic"
	headerPartition = "klamm.origin.partition"
	headerOffset    = "klamm.origin.offset"
	headerTimestamp = "klamm.origin.timestamp" // in milliseconds since the epoch
)

// maxReason is how much of a reason is kept and shown.
const maxReason = 1000

// rejected is a record that a stage has rejected.
type rejected struct {
	sdk.Rejected
	stage string
}

func (r rejected) err() error {
	reason := strings.ToValidUTF8(r.Err.Error(), "\uFFFD")
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "") + "…"
	}
	return fmt.Errorf("transform %s: %s", r.stage, reason)
}

// settleRejected does with rejected records what the file says. It returns the error
// at which the partition stops, before which the batch then ends.
func (f *flow) settleRejected(b *sdk.Batch, pb *pendingBatch, all []rejected) (*sdk.PartitionError, error) {
	if len(all) == 0 {
		return nil, nil
	}
	s := f.runner.spec.Load().Settings
	switch s.OnReject {
	case config.OnRejectDrop:
		pb.lost = all
		for _, r := range all {
			pb.rejected = counted(pb.rejected, r.stage, 1)
		}
		f.tellRejected("records rejected and left out, and a gap record says so", b, all)
		return nil, nil
	case config.OnRejectDeadLetter:
		for _, r := range all {
			pb.deadLetters = counted(pb.deadLetters, r.stage, 1)
		}
		f.tellRejected("records rejected, and sent to the dead letters", b, all)
		return nil, f.bury(b, all, s.DeadLetter.Topic)
	}
	return f.cutBefore(b, pb, all[0])
}

// tellRejected logs what was rejected: of each lane now and then, for where nothing
// can be processed it would be every batch. Metrics and gap records have all.
func (f *flow) tellRejected(text string, b *sdk.Batch, all []rejected) {
	level := slog.LevelDebug
	if now := time.Now(); now.Sub(f.told) >= sayAgain {
		f.told, level = now, slog.LevelWarn
	}
	f.runner.log.Log(context.Background(), level, text, "topic", b.Source.Topic, "partition", b.Source.Partition,
		"offset", all[0].Offset, "records_of_batch", len(all), "error", all[0].err())
}

// bury puts rejected records back into the batch, as they were read, on their way to
// the dead letters: they are durable before the position moves past them.
func (f *flow) bury(b *sdk.Batch, all []rejected, topic string) error {
	records, err := b.Records()
	if err != nil {
		return err
	}
	records = slices.Clone(records)
	for _, r := range all {
		letter := r.Record
		letter.Topic = topic
		letter.Headers = slices.Concat(letter.Headers, f.originHeaders(b, r))
		records = append(records, letter)
	}
	slices.SortStableFunc(records, func(a, b sdk.Record) int { return cmp.Compare(a.Offset, b.Offset) })
	b.SetRecords(records)
	return nil
}

func (f *flow) originHeaders(b *sdk.Batch, r rejected) []sdk.Header {
	var headers []sdk.Header
	add := func(key, value string) { headers = append(headers, sdk.Header{Key: key, Value: []byte(value)}) }
	add(headerPipeline, f.runner.name)
	add(headerStage, r.stage)
	add(headerReason, r.err().Error())
	add(headerCluster, f.runner.source.ID())
	add(headerTopic, b.Source.Topic)
	add(headerPartition, strconv.Itoa(int(b.Source.Partition)))
	add(headerOffset, strconv.FormatInt(r.Offset, 10))
	add(headerTimestamp, strconv.FormatInt(r.Timestamp, 10))
	return headers
}

// cutBefore ends a batch before a rejected record: what is before it is written, and
// the partition stops there.
func (f *flow) cutBefore(b *sdk.Batch, pb *pendingBatch, r rejected) (*sdk.PartitionError, error) {
	records, err := b.Records()
	if err != nil {
		return nil, err
	}
	before, _ := slices.BinarySearchFunc(records, r.Offset, func(have sdk.Record, at int64) int { return cmp.Compare(have.Offset, at) })
	b.SetRecords(slices.Clone(records[:before]))
	b.To, b.Last = r.Offset, false
	pb.dropped = nil // of the whole batch: what was dropped behind the record comes again
	return &sdk.PartitionError{
		TopicPartition: b.Source.TopicPartition, Reason: sdk.ReasonRejected, Offsets: sdk.Offsets{From: r.Offset, To: r.Offset + 1}, Err: r.err(),
		Fix: `correct the transform; or let the partition go on with on_reject = "dead_letter" or "drop", or past this record with klamm positions skip`,
	}, nil
}

// lose notes the rejected records before an offset that a position has moved over,
// for the gap record of the next commit: one for all of them.
func (p *partition) lose(pb *pendingBatch, to int64) {
	for _, r := range pb.lost {
		if r.Offset >= to {
			break
		}
		if p.lost == nil {
			p.lost = &ledger.Gap{
				Stream: p.Stream, Offsets: sdk.Offsets{From: r.Offset}, Reason: sdk.ReasonRejected,
				Cause: `on_reject = "` + config.OnRejectDrop + `"`, Error: r.err().Error(),
			}
		}
		p.lost.To = r.Offset + 1
		p.lost.Records++
	}
}

// lostEntries are the gap records of what was rejected and left out since they were
// last asked for. The caller holds the mutex.
func (f *flow) lostEntries(now time.Time) ([]sdk.Entry, error) {
	var entries []sdk.Entry
	for _, p := range f.partitions {
		if p.lost == nil {
			continue
		}
		gap := *p.lost
		if gap.At = now; gap.Records == gap.Count() {
			gap.Records = 0
		}
		e, err := gap.Entry()
		if err != nil {
			return nil, err
		}
		entries, p.lost = append(entries, e), nil
	}
	return entries, nil
}
