// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// fakeStore keeps ledgers in memory. Opening a lane fences whoever had it.
type fakeStore struct {
	mu     sync.Mutex
	lanes  []map[string][]byte // the control lane's first
	epochs []int
	owners map[int]sdk.Owner
	opened func(lane int) // called before a lane is given, if set
}

func (s *fakeStore) Name() string { return "_klamm.dr.positions" }
func (s *fakeStore) Lanes() int   { return len(s.lanes) - 1 }
func (s *fakeStore) Close() error { return nil }

func (s *fakeStore) Own(context.Context, func([]int), func([]int)) error {
	return errors.New("an operator owns nothing")
}

func (s *fakeStore) Owners(context.Context) (map[int]sdk.Owner, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.owners), nil
}

func (s *fakeStore) Read(_ context.Context, lane int) (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.lanes[lane]), nil
}

func (s *fakeStore) Open(_ context.Context, lane int) (sdk.Ledger, error) {
	s.mu.Lock()
	s.epochs[lane]++
	l := &fakeLedger{s, lane, s.epochs[lane]}
	s.mu.Unlock()
	if s.opened != nil {
		s.opened(lane)
	}
	return l, nil
}

type fakeLedger struct {
	store       *fakeStore
	lane, epoch int
}

func (l *fakeLedger) Close() error { return nil }

func (l *fakeLedger) Entries() map[string][]byte {
	all, _ := l.store.Read(context.Background(), l.lane)
	return all
}

func (l *fakeLedger) Commit(_ context.Context, entries []sdk.Entry) error {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	if l.epoch != l.store.epochs[l.lane] {
		return sdk.ErrFenced
	}
	l.store.write(l.lane, entries...)
	return nil
}

func (s *fakeStore) write(lane int, entries ...sdk.Entry) {
	for _, e := range entries {
		if e.Value == nil {
			delete(s.lanes[lane], e.Key)
		} else {
			s.lanes[lane][e.Key] = e.Value
		}
	}
}

// fakeSource has topics of one id; every log holds [10, 100).
type fakeSource struct {
	sdk.Source
	streams []sdk.Stream
}

const logBegin, logEnd = 10, 100

func (s *fakeSource) Partitions(context.Context) ([]sdk.Stream, error) { return s.streams, nil }

func (s *fakeSource) Ends(_ context.Context, of []sdk.Stream) (map[sdk.TopicPartition]int64, error) {
	ends := map[sdk.TopicPartition]int64{}
	for _, st := range of {
		ends[st.TopicPartition] = logEnd
	}
	return ends, nil
}

func (s *fakeSource) Resolve(_ context.Context, of []sdk.Stream, where string) ([]sdk.Position, error) {
	offset := int64(logBegin)
	switch n, err := strconv.ParseInt(where, 10, 64); {
	case where == "latest":
		offset = logEnd
	case err == nil:
		offset = min(max(n, logBegin), logEnd)
	case where != "earliest":
		return nil, errors.New(where + ": no such place")
	}
	var all []sdk.Position
	for _, st := range of {
		all = append(all, sdk.Position{Stream: st, Offset: offset, LeaderEpoch: 3})
	}
	return all, nil
}

var (
	oldID = sdk.TopicID{1}
	newID = sdk.TopicID{2}
)

// world is a pipeline dr of two lanes with the topic a (partitions 0 to 2) at
// offset 50, of which partition 1 was stopped by a gap [50, 60), and partition 2 by
// something that says no place to go on. The topic b has been made again.
func world(t *testing.T) (*Desk, *fakeStore) {
	t.Helper()
	s := &fakeStore{owners: map[int]sdk.Owner{}, epochs: make([]int, 3), lanes: []map[string][]byte{{}, {}, {}}}
	source := &fakeSource{}
	at := func(topic string, partition int32, id sdk.TopicID) sdk.Position {
		tp := sdk.TopicPartition{Topic: topic, Partition: partition}
		return sdk.Position{Stream: sdk.Stream{TopicPartition: tp, TopicID: id}, Offset: 50, LeaderEpoch: 1, Target: "east." + topic}
	}
	positions := []sdk.Position{at("a", 0, oldID), at("a", 1, oldID), at("a", 2, oldID), at("b", 0, oldID)}
	birth, err := ledger.NewBirth(ledger.Identity{Pipeline: "dr", Source: "E", Sink: "W", Lanes: 2}, nil).Entries()
	if err != nil {
		t.Fatal(err)
	}
	s.write(sdk.ControlLane, birth...)
	for _, p := range positions {
		s.put(t, p.TopicPartition, encode(sdk.EncodePosition(p)))
		now := p.Stream
		if p.Topic == "b" {
			now.TopicID = newID
		}
		source.streams = append(source.streams, now)
	}
	gap := ledger.Stop{Reason: sdk.ReasonGap, Offsets: sdk.Offsets{From: 50, To: 60}, Error: "10 offsets are gone", At: time.Unix(9, 0)}
	gap.Resume = &ledger.Place{TopicID: oldID.String(), Offset: 60, LeaderEpoch: 2}
	s.put(t, positions[1].TopicPartition, encode(gap.Entry(positions[1].TopicPartition)))
	denied := ledger.Stop{Reason: sdk.ReasonDenied, Offsets: sdk.Offsets{From: -1, To: -1}, Error: "no right to read", At: time.Unix(5, 0)}
	s.put(t, positions[2].TopicPartition, encode(denied.Entry(positions[2].TopicPartition)))
	return &Desk{pipeline: &config.Pipeline{Name: "dr"}, store: s, source: source}, s
}

type encoded struct {
	entry sdk.Entry
	err   error
}

func encode(e sdk.Entry, err error) encoded { return encoded{e, err} }

// put writes an entry of a partition into its lane's ledger.
func (s *fakeStore) put(t *testing.T, tp sdk.TopicPartition, e encoded) {
	t.Helper()
	if e.err != nil {
		t.Fatal(e.err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(ledger.LaneOf(tp, s.Lanes()), e.entry)
}

// lane is what a partition's lane has now.
func (s *fakeStore) lane(t *testing.T, tp sdk.TopicPartition) *ledger.Lane {
	t.Helper()
	entries, _ := s.Read(t.Context(), ledger.LaneOf(tp, s.Lanes()))
	l, err := ledger.DecodeLane(entries)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// control is what the control lane has now.
func (s *fakeStore) control(t *testing.T) *ledger.Control {
	t.Helper()
	entries, _ := s.Read(t.Context(), sdk.ControlLane)
	c, err := ledger.DecodeControl(entries)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
