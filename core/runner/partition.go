// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// partition is one source partition in a flow. It is guarded by its flow's
// mutex.
type partition struct {
	sdk.Stream
	target string // topic at the sink

	// pending are the batches handed to the writer, in order, that the position
	// can still move over; open is how many the writer has not answered.
	pending []*pendingBatch
	open    int
	// next is the position after the contiguous prefix of what is delivered,
	// stored the one that the ledger has, read the offset that the source
	// gives next.
	next    sdk.Position
	stored  sdk.Position
	read    int64
	mapping *ledger.Tail // reaches to next; nil as long as the partition is not read
	last    bool         // the end of a bounded source is delivered
	broken  bool         // a batch failed: the position stands, whatever comes later
	lost    *ledger.Gap  // rejected and left out since the last commit; nil if nothing

	stop    *sdk.PartitionError // why it is not read any more
	stopped time.Time           // since when
	retryAt time.Time           // when a stop that may pass is tried again
	paused  bool                // a person wants it not to be read
	leaving bool                // the file does not select it any more
	turn    *turn               // where it goes on as soon as nothing is in flight
	lap     int                 // of the mover, when its reading was ended

	end     int64     // of the source, -1 if not known
	behind  time.Time // since when it is behind the end; zero if it is not
	newest  int64     // timestamp of the newest record delivered, -1 if none
	records int64     // delivered since the flow began
	bytes   int64
}

// pendingBatch is a batch that the writer has not answered yet, or that waits
// for one before it.
type pendingBatch struct {
	after   sdk.Position
	since   time.Time // it has been handed to the writer; zero before
	last    bool
	size    int64
	newest  int64
	settled bool
	to      int64     // what of it is delivered, if err is not nil
	runs    []sdk.Run // of what is delivered
	err     error
	records int64
	batches ledger.Batches

	dropped     map[string]int64 // records by the stage that dropped them
	rejected    map[string]int64 // and those rejected and left out
	deadLetters map[string]int64 // and those rejected and sent to the dead letters
	lost        []rejected       // those left out
}

func newPartition(s sdk.Stream, target string) *partition {
	return &partition{Stream: s, target: target, end: -1, newest: -1, next: nowhere(s), stored: nowhere(s)}
}

// nowhere is the position of a partition that has none.
func nowhere(s sdk.Stream) sdk.Position { return sdk.Position{Stream: s, Offset: -1} }

// at sets the position from which the partition is read.
func (p *partition) at(pos sdk.Position) {
	p.stored, p.read = pos, pos.Offset
	p.next = p.towards(pos)
}

// reading reports whether its batches are wanted.
func (p *partition) reading() bool {
	return p.stop == nil && !p.broken && !p.paused && !p.leaving && p.turn == nil
}

// idle reports whether nothing of it is in flight.
func (p *partition) idle() bool { return p.open == 0 }

// restart is where the partition is read from now on, as the ledger says.
func (p *partition) restart(at sdk.Position) {
	if at.TopicID != p.TopicID {
		p.Stream, p.end = at.Stream, -1
	}
	p.pending, p.broken, p.last = nil, false, false
	p.stop, p.retryAt, p.turn = nil, time.Time{}, nil
	p.at(at)
}

// towards is a position of the partition's way to its target.
func (p *partition) towards(pos sdk.Position) sdk.Position {
	pos.Target = p.target
	return pos
}

// expect puts a batch into the order of the partition. A batch that does not go
// on where the one before it ended is refused: there would be a hole.
func (p *partition) expect(b *sdk.Batch) (*pendingBatch, error) {
	if b.From != p.read || b.To < b.From {
		return nil, fmt.Errorf("the source gave offsets %s of %s, where %d comes next", b.Offsets, p.TopicPartition, p.read)
	}
	p.read = b.To
	pb := &pendingBatch{after: b.Next(), last: b.Last, size: int64(b.Size()), newest: b.Newest}
	p.pending, p.open = append(p.pending, pb), p.open+1
	return pb, nil
}

// settle moves the position over the contiguous prefix of what is delivered, and
// never past a batch that is not (invariant 1). It returns the batches that the
// position moved over, the last perhaps in part, and the error at which it stands.
func (p *partition) settle() (moved []*pendingBatch, err error) {
	for !p.broken && len(p.pending) > 0 && p.pending[0].settled {
		pb, from := p.pending[0], p.next.Offset
		p.pending = p.pending[1:]
		if pb.err != nil {
			if to := min(pb.to, pb.after.Offset); to > p.next.Offset {
				p.next.Offset, p.next.LeaderEpoch = to, pb.after.LeaderEpoch
				p.mapping.Append(pb.runs, sdk.Offsets{From: from, To: to})
				p.lose(pb, to)
				pb.size, pb.newest = 0, -1 // of the part they are not known
				pb.dropped, pb.rejected, pb.deadLetters = nil, nil, nil
				p.records += pb.records
				moved = append(moved, pb)
			}
			p.pending, p.broken = nil, true
			return moved, pb.err
		}
		p.lose(pb, pb.after.Offset)
		p.next, p.last = p.towards(pb.after), pb.last
		p.mapping.Append(pb.runs, sdk.Offsets{From: from, To: p.next.Offset})
		p.records += pb.records
		p.bytes += pb.size
		p.newest = max(p.newest, pb.newest)
		moved = append(moved, pb)
	}
	return moved, nil
}

// over reports whether nothing more will come of the partition in a bounded run,
// and what was delivered of it is stored.
func (p *partition) over() bool {
	return (p.last || p.stop != nil && p.idle()) && p.turn == nil && !p.moved()
}

// moved reports whether the ledger has another position than the partition.
func (p *partition) moved() bool { return p.next != p.stored }

// setEnd takes the source's end.
func (p *partition) setEnd(end int64, now time.Time) {
	p.end = end
	switch {
	case p.lag() <= 0:
		p.behind = time.Time{}
	case p.behind.IsZero():
		p.behind = now
	}
}

// lag is the number of offsets not yet delivered, -1 if it is not known.
func (p *partition) lag() int64 {
	if p.end < 0 || p.next.Offset < 0 {
		return -1
	}
	return max(p.end-p.next.Offset, 0)
}

// lagSeconds is the age of the newest record delivered, as long as there are
// younger ones; before the first one, how long that has been so. It is -1 if the
// lag is not known.
func (p *partition) lagSeconds(now time.Time) float64 {
	switch {
	case p.lag() < 0:
		return -1
	case p.lag() == 0:
		return 0
	case p.newest >= 0:
		return max(now.Sub(time.UnixMilli(p.newest)).Seconds(), 0)
	case !p.behind.IsZero():
		return now.Sub(p.behind).Seconds()
	}
	return 0
}

func (p *partition) state() State {
	switch {
	case p.stop != nil && p.turn == nil:
		return Stopped
	case p.paused:
		return Paused
	case p.last:
		return Done
	}
	return Running
}
