// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// refused decides what it means that a broker does not take the first batch of a
// target's queue. What was in flight behind it was not taken either.
func (w *writer) refused(ctx context.Context, t *target, part *kmsg.ProduceResponseTopicPartition, err error) {
	switch {
	case errors.Is(err, kerr.UnknownProducerID),
		errors.Is(err, kerr.InvalidProducerEpoch), errors.Is(err, kerr.ProducerFenced), errors.Is(err, kerr.InvalidProducerIDMapping):
		// Another owner writes, or the broker has forgotten this one: only the
		// stored positions know how to go on.
		if fenced(err) {
			err = fmt.Errorf("%w: %w", sdk.ErrFenced, err)
		}
		w.fail(fmt.Errorf("cluster %s: producing to %s: %w", w.sink.client.name, t.TopicPartition, err))
		return
	}
	at, parted := w.culprit(t, part, err)
	if parted {
		return
	}
	var (
		source = w.sourceOffset(t, at)
		pe     = &sdk.PartitionError{Reason: sdk.ReasonRefused, Offsets: sdk.Offsets{From: source, To: source + 1}}
		where  = fmt.Sprintf("topic %s of cluster %s", t.Topic, w.sink.client.name)
	)
	switch {
	case errors.Is(err, kerr.MessageTooLarge), errors.Is(err, kerr.RecordListTooLarge):
		pe.Err = fmt.Errorf("%s refuses the record as too large: %w: %s", where, err, w.sizes(ctx, t))
		pe.Fix = fmt.Sprintf("raise max.message.bytes of topic %s (and segment.bytes, if that is smaller) and start again", t.Topic)
	case errors.Is(err, kerr.InvalidTimestamp):
		pe.Err = fmt.Errorf("%s refuses the record's timestamp: %w%s: %s", where, err, detail(part.ErrorMessage), w.timestamp(t, at))
		pe.Fix = fmt.Sprintf("widen message.timestamp.after.max.ms or message.timestamp.before.max.ms of topic %s and start again", t.Topic)
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		pe.Reason = sdk.ReasonDenied
		pe.Err = fmt.Errorf("%s: %w", where, err)
		pe.Fix = "grant WRITE on the topic and start again"
	default:
		pe.Err = fmt.Errorf("%s refuses the record: %w%s", where, err, detail(part.ErrorMessage))
	}
	if corrupt := w.corrupt(t); corrupt != nil {
		pe = unreadable(sdk.Stream{}, pe.Offsets, fmt.Errorf("%w; %s refuses it: %w", corrupt, where, err))
	}
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	if w.failed == nil {
		pe.TopicPartition = t.queue[0].write.source.TopicPartition
		t.drop(pe)
		t.resume()
	}
}

// culprit finds the record that is refused. A batch that was sent as it was read is
// encoded anew, which may be all that it takes. As long as there are others before
// the record in the batch, or it is not known which it is, the batch is parted and
// what comes first is sent by itself; so all that can be written is.
func (w *writer) culprit(t *target, part *kmsg.ProduceResponseTopicPartition, err error) (at int, parted bool) {
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	if w.failed != nil {
		return 0, true
	}
	t.refused()
	o := t.queue[0]
	denied := errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed)
	switch {
	case o.givenUp, denied:
		return 0, false
	case len(part.ErrorRecords) > 0:
		at = int(part.ErrorRecords[0].RelativeOffset)
	default:
		at = o.count() / 2
	}
	if at <= 0 || at >= o.count() {
		at = 0
	}
	if at == 0 && o.why != "" {
		return 0, false
	}
	parts, splitErr := w.split(o, at)
	if splitErr != nil {
		return 0, false
	}
	for _, part := range parts {
		w.memory.Take(int64(part.size()))
		w.sink.env.Memory.Take(int64(part.size()))
	}
	w.release(o)
	t.queue = append(parts, t.queue[1:]...)
	o.write.missing += len(parts) - 1
	place := slices.Index(o.write.parts, o)
	o.write.parts = slices.Replace(o.write.parts, place, place+1, parts...)
	t.resume()
	return 0, true
}

// split encodes a batch anew: in one piece, or parted before a record.
func (w *writer) split(o *outgoing, at int) ([]*outgoing, error) {
	whole := fetched{at: sdk.Offsets{To: 1 << 62}, raw: o.raw(), decompressor: newDecompressor(maxDecompressed)}
	records, err := whole.Decode()
	if err != nil {
		return nil, err
	}
	offsets := sourceOffsets(o.runs)
	for i := range records {
		records[i].Offset = offsets[i]
	}
	why := o.why
	if why == "" {
		why = decodedRefused
	}
	encoder := &encoder{compressors: w.sink.compressors, buffers: w.sink.buffers}
	var parts []*outgoing
	for _, of := range [][]sdk.Record{records[:at], records[at:]} {
		if len(of) == 0 {
			continue
		}
		part := &outgoing{write: o.write, why: why, runs: runsOf(of, o.runs[0].TopicPartition), users: 1}
		part.head, part.memory = encoder.encode(of, o.head.view().codec())
		part.body = part.memory.bytes
		parts = append(parts, part)
	}
	return parts, nil
}

// corrupt says what is wrong with the first batch of a queue, if it was sent as it was
// read and cannot be decoded. Nobody has looked into it before.
func (w *writer) corrupt(t *target) error {
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	if w.failed != nil || t.queue[0].why != "" {
		return nil
	}
	o := t.queue[0]
	raw := o.raw()
	binary.BigEndian.PutUint64(raw, uint64(o.first()))
	whole := fetched{at: sdk.Offsets{To: 1 << 62}, raw: raw, decompressor: newDecompressor(maxDecompressed)}
	_, err := whole.Decode()
	return err
}

func (w *writer) sourceOffset(t *target, at int) int64 {
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	if len(t.queue) == 0 {
		return 0
	}
	return sourceOffsets(t.queue[0].runs)[at]
}

// sizes says how large the refused batch is and what the topic allows.
func (w *writer) sizes(ctx context.Context, t *target) string {
	w.sink.mu.Lock()
	size := 0
	if len(t.queue) > 0 {
		size = t.queue[0].size()
	}
	w.sink.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	limit := "unknown (DESCRIBE_CONFIGS is not granted)"
	if found, err := describeConfigs(ctx, w.sink.client, []string{t.Topic}, []string{"max.message.bytes"}); err == nil {
		if v, ok := found[t.Topic].values["max.message.bytes"]; ok {
			limit = v
		}
	}
	return fmt.Sprintf("it takes %d bytes, max.message.bytes is %s", size, limit)
}

func (w *writer) timestamp(t *target, at int) string {
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	if len(t.queue) == 0 {
		return ""
	}
	whole := fetched{at: sdk.Offsets{To: 1 << 62}, raw: t.queue[0].raw(), decompressor: newDecompressor(maxDecompressed)}
	records, err := whole.Decode()
	if err != nil || at >= len(records) {
		return "it cannot be read back"
	}
	return fmt.Sprintf("it is %d (%s)", records[at].Timestamp, time.UnixMilli(records[at].Timestamp).UTC().Format(time.RFC3339Nano))
}

// haltLocked ends a source partition at the record that the error is about:
// what comes behind it is not sent (invariants 3 and 4), what comes before it,
// for other targets, still is. So the position can get as far as the record
// and no farther. A batch that holds records of both sides is sent: those
// behind the stop come again when the partition goes on. The caller holds the
// mutex.
func (w *writer) haltLocked(stop *sdk.PartitionError) {
	source := stop.TopicPartition
	if before := w.halted[source]; before != nil && before.From <= stop.From {
		return
	}
	w.halted[source] = stop
	var behind []*outgoing
	for _, t := range w.targets {
		kept := t.queue[:0]
		for _, o := range t.queue {
			if !w.behindStop(o) {
				kept = append(kept, o)
				continue
			}
			behind = append(behind, o)
			// A batch that may have been written keeps its place until the
			// broker has said so: another one under its sequence would be
			// taken for it.
			if o.sent {
				kept = append(kept, o)
				continue
			}
			w.release(o)
		}
		clear(t.queue[len(kept):])
		t.queue = kept
	}
	for _, o := range behind {
		w.giveUp(o)
	}
}

// behindStop reports whether a batch begins at or behind the record that its
// source partition ended at.
func (w *writer) behindStop(o *outgoing) bool {
	stop := w.halted[o.write.source.TopicPartition]
	return stop != nil && o.first() >= stop.From
}

// giveUp lets a batch's write wait for it no longer. The caller holds the
// mutex, and has noted why the source partition ends.
func (w *writer) giveUp(o *outgoing) {
	if !o.givenUp {
		o.givenUp, o.write.cut = true, true
		w.answered(o.write)
	}
}
