// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"context"
	"errors"
)

// ControlLane is the number of the pipeline's own lane: it moves no records,
// its ledger holds what belongs to the pipeline as a whole. Lanes that move
// records count from 1.
const ControlLane = 0

// ErrFenced is returned by a Ledger whose lane has a newer owner. Nothing that
// was to be committed is; the holder gives the lane up.
var ErrFenced = errors.New("the lane has a newer owner")

// Storer is a Sink that offers a Store, so that positions live beside the
// data.
type Storer interface {
	// Store opens the pipeline's store, made on first use for the given
	// number of lanes beside the control lane. A store that exists keeps its
	// number; 0 asks for the sink's default, [Existing] for ErrNoStore instead
	// of a new one.
	Store(ctx context.Context, pipeline string, lanes int) (Store, error)
}

// Existing is the number of lanes that asks for a store that is there.
const Existing = -1

// ErrNoStore is returned if there is none.
var ErrNoStore = errors.New("the pipeline has never run: there are no positions of it")

// Store decides which process owns which lane and keeps one ledger per lane.
// Its methods may be called from several goroutines.
type Store interface {
	// Name says where the store is, for messages.
	Name() string
	// Lanes is the number of lanes beside the control lane.
	Lanes() int
	// Own takes part in sharing the lanes until ctx ends. It calls granted
	// and revoked from one goroutine, granted also with no lanes when there
	// are none for this process; a lane is given to nobody else before
	// revoked returned, unless the process is taken for dead. An error means
	// that this process can own nothing.
	Own(ctx context.Context, granted, revoked func(lanes []int)) error
	// Open fences every earlier owner of the lane and then loads its ledger,
	// in this order, so that nothing is committed behind the loading.
	Open(ctx context.Context, lane int) (Ledger, error)
	// Read returns the entries of a lane without owning it. It is cheap if
	// nothing has changed since it was last called; the map belongs to the Store.
	Read(ctx context.Context, lane int) (map[string][]byte, error)
	// Owners says which process owns which lane; lanes nobody owns are left out.
	Owners(ctx context.Context) (map[int]Owner, error)
	Close() error
}

// Owner is a process that takes part in sharing the lanes.
type Owner struct {
	ID   string `json:"id"`   // unique among those that run
	Host string `json:"host"` // where it runs, as the store sees it
}

// Entry is one key and its new value; a nil value removes the key.
type Entry struct {
	Key   string
	Value []byte
}

// Ledger is the fenced, durable key-value log of one lane.
type Ledger interface {
	// Entries are those found by Open.
	Entries() map[string][]byte
	// Commit writes all entries or none. After nil they are durable. After
	// ErrFenced or any other error the outcome may be unknown and the ledger
	// is of no further use: what is true is found by opening it again.
	Commit(ctx context.Context, entries []Entry) error
	Close() error
}
