// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/klamm-io/klamm/sdk"
)

const (
	// segmentRuns is how many runs a segment has when the next one begins. The
	// newest is written whenever the position moves, so it must stay small.
	segmentRuns = 512

	// segmentDigits is the width of an offset in a key, so that keys sort.
	segmentDigits = 20
)

// segment is a stretch of a mapping: what one ledger entry holds.
type segment struct {
	sdk.Stream
	target      string // topic
	since       int64  // source offset at which the whole mapping begins
	sdk.Offsets        // of the source, that it covers
	runs        []offsetRun
}

// offsetRun is an [sdk.Run] to the partition's own target partition.
type offsetRun struct{ source, target, count int64 }

func (r offsetRun) sourceEnd() int64 { return r.source + r.count }
func (r offsetRun) targetEnd() int64 { return r.target + r.count }

// segmentValue is the stored form. From is in the key.
type segmentValue struct {
	versioned
	TopicID      string `json:"topic_id"`
	Target       string `json:"target"`
	TargetOffset int64  `json:"target_offset"` // of the first run; 0 if there is none
	Since        int64  `json:"since"`
	To           int64  `json:"to"`
	Runs         []byte `json:"runs"`
}

// Leads reports whether the mapping is that of a position's topics and ends there.
func (s *segment) Leads(at sdk.Position) bool {
	return s.Stream == at.Stream && s.target == at.Target && s.To == at.Offset
}

func segmentKey(tp sdk.TopicPartition, from int64) string {
	return fmt.Sprintf("%s/%0*d", partitionKey(mapPrefix, tp), segmentDigits, from)
}

// segmentOf reads what segmentKey wrote.
func segmentOf(key string) (tp sdk.TopicPartition, from int64, err error) {
	tp, rest, err := partitionOf(key, mapPrefix)
	if err != nil {
		return tp, 0, err
	}
	if from, err = strconv.ParseInt(rest, 10, 64); err != nil || from < 0 {
		return tp, 0, fmt.Errorf("the stored key %q: %q is not an offset", key, rest)
	}
	if want := segmentKey(tp, from); want != key {
		return tp, 0, fmt.Errorf("the stored key %q: the key of this segment is %q", key, want)
	}
	return tp, from, nil
}

func (s *segment) key() string { return segmentKey(s.TopicPartition, s.From) }

func (s *segment) entry() (sdk.Entry, error) {
	v := segmentValue{versioned{version}, s.TopicID.String(), s.target, 0, s.since, s.To, nil}
	if len(s.runs) > 0 {
		v.TargetOffset = s.runs[0].target
	}
	v.Runs = packRuns(s.runs, offsetRun{source: s.From, target: v.TargetOffset})
	return entry(s.key(), v)
}

func decodeSegment(key string, raw []byte) (*segment, error) {
	tp, from, err := segmentOf(key)
	if err != nil {
		return nil, err
	}
	var v segmentValue
	if err := decode(key, raw, &v); err != nil {
		return nil, err
	}
	s := &segment{Stream: sdk.Stream{TopicPartition: tp}, target: v.Target, since: v.Since, Offsets: sdk.Offsets{From: from, To: v.To}}
	if s.TopicID, err = sdk.ParseTopicID(v.TopicID); err == nil {
		err = s.unpack(v)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the stored record %q: %w", key, err)
	}
	return s, nil
}

func (s *segment) unpack(v segmentValue) (err error) {
	if s.since < 0 || s.since > s.From || s.From > s.To || v.TargetOffset < 0 {
		return fmt.Errorf("source offsets %s of a mapping since %d, target offset %d: not a segment", s.Offsets, s.since, v.TargetOffset)
	}
	if s.runs, err = unpackRuns(v.Runs, offsetRun{source: s.From, target: v.TargetOffset}); err != nil {
		return err
	}
	if n := len(s.runs); n > 0 && s.runs[n-1].sourceEnd() > s.To {
		return fmt.Errorf("its runs reach to source offset %d, it only to %d", s.runs[n-1].sourceEnd(), s.To)
	}
	return nil
}

// cut takes away what is at or behind a source offset.
func (s *segment) cut(to int64) {
	n, _ := slices.BinarySearchFunc(s.runs, to, func(r offsetRun, to int64) int { return cmp.Compare(r.source, to) })
	s.runs = s.runs[:n]
	if n > 0 {
		last := &s.runs[n-1]
		last.count = min(last.count, to-last.source)
	}
	s.To = to
}

// packRuns writes each run as what lies between it and the end of the one
// before: varints of the source offsets skipped, doubled, and odd if target
// offsets are skipped too; of these, if so; of its length less one. That is two
// or three bytes for a transaction, or between holes that compaction left.
func packRuns(runs []offsetRun, before offsetRun) []byte {
	var packed []byte
	for _, r := range runs {
		skipped, jump := uint64(r.source-before.sourceEnd())<<1, r.target-before.targetEnd()
		if jump == 0 {
			packed = binary.AppendUvarint(packed, skipped)
		} else {
			packed = binary.AppendUvarint(packed, skipped|1)
			packed = binary.AppendUvarint(packed, uint64(jump))
		}
		packed = binary.AppendUvarint(packed, uint64(r.count-1))
		before = r
	}
	return packed
}

var errRuns = errors.New("its runs are broken")

// unpackRuns reads what packRuns wrote, and nothing that offsets cannot be.
func unpackRuns(packed []byte, before offsetRun) (runs []offsetRun, err error) {
	next := func() uint64 {
		v, n := binary.Uvarint(packed)
		if n <= 0 {
			err, n = errRuns, len(packed)
		}
		packed = packed[n:]
		return v
	}
	for len(packed) > 0 {
		skipped, jump := next(), uint64(0)
		jumps := skipped&1 == 1
		if jumps {
			jump = next()
		}
		less := next()
		switch {
		case err != nil:
			return nil, err
		case jumps != (jump > 0), len(runs) > 0 && skipped == 0, // it would be one run
			!room(before.sourceEnd(), skipped>>1, less), !room(before.targetEnd(), jump, less):
			return nil, errRuns
		}
		r := offsetRun{before.sourceEnd() + int64(skipped>>1), before.targetEnd() + int64(jump), int64(less) + 1}
		runs, before = append(runs, r), r
	}
	return runs, nil
}

// room reports whether a run is possible so far behind an offset.
func room(offset int64, skipped, less uint64) bool {
	left := uint64(math.MaxInt64 - offset)
	return skipped < left && less < left-skipped
}
