// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// ErrNotConfirmed is returned if a running process has not carried out a change in
// time. It may do so still.
var ErrNotConfirmed = errors.New("the process that owns the lane has not confirmed it yet; see klamm positions list")

// confirmation is how long a running process may take to carry out a change.
const confirmation = 30 * time.Second

// Apply carries out changes. Where a process owns the lane it does so itself,
// without interrupting any other partition; else it is done here.
func (d *Desk) Apply(ctx context.Context, changes []*Change) error {
	owners, err := d.store.Owners(ctx)
	if err != nil {
		return err
	}
	var told []*Change
	var entries []sdk.Entry
	for _, c := range changes {
		c.move.At = time.Now().UTC()
		if _, owned := owners[c.lane]; !owned {
			if err := d.carry(ctx, c); !errors.Is(err, sdk.ErrFenced) {
				if err != nil {
					return d.errorf(c.TopicPartition, "%w", err)
				}
				continue
			} // a process came just now
		}
		e, err := c.move.Entry()
		if err != nil {
			return err
		}
		told, entries = append(told, c), append(entries, e)
	}
	if len(told) == 0 {
		return nil
	}
	if err := d.say(ctx, entries...); err != nil {
		return err
	}
	return d.confirmed(ctx, told)
}

// carry carries out a change in a lane that nobody owns. What was said of the
// partition before and never heard is taken back first: it must not be heard after
// this.
func (d *Desk) carry(ctx context.Context, c *Change) error {
	said, err := d.control(ctx)
	if err != nil {
		return err
	}
	if _, left := said.Moves[c.TopicPartition]; left {
		if err := d.say(ctx, ledger.UnmoveEntry(c.TopicPartition)); err != nil {
			return err
		}
	}
	own, err := d.store.Open(ctx, c.lane)
	if err != nil {
		return err
	}
	defer own.Close()
	l, err := ledger.DecodeLane(own.Entries())
	if err != nil {
		return err
	}
	var stop *ledger.Stop
	if s, ok := l.Stops[c.TopicPartition]; ok {
		stop = &s
	}
	from := l.Positions[c.TopicPartition]
	to, entries, err := c.move.Carry(from, l.Mapping(c.TopicPartition), stop, time.Now().UTC())
	if err != nil {
		return err
	}
	if err := own.Commit(ctx, entries); err != nil {
		return err
	}
	c.moved(from.Offset, to.Offset)
	return nil
}

// moved corrects the plan by what was done: meanwhile the partition may have gone
// on by itself.
func (c *Change) moved(from, to int64) {
	c.From.Offset, c.To.Offset = from, to
	c.complete(c.stop)
}

// confirmed waits until the lanes' owners have carried the changes out, and takes
// the words back.
func (d *Desk) confirmed(ctx context.Context, changes []*Change) error {
	ctx, cancel := context.WithTimeout(ctx, confirmation)
	defer cancel()
	poll := time.NewTicker(200 * time.Millisecond)
	defer poll.Stop()
	var done []*Change
	var refused []error
	for left := slices.Clone(changes); len(left) > 0; {
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", names(left), ErrNotConfirmed)
		}
		var err error
		left = slices.DeleteFunc(left, func(c *Change) bool {
			l, readErr := d.lane(ctx, c.lane)
			if readErr != nil {
				err = readErr
				return false
			}
			m, ok := l.Moved[c.TopicPartition]
			if !ok || m.ID != c.move.ID {
				return false
			}
			if m.Refused != "" {
				refused = append(refused, d.errorf(c.TopicPartition, "not moved: %s", m.Refused))
			}
			c.moved(m.From, m.To)
			done = append(done, c)
			return true
		})
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return errors.Join(errors.Join(refused...), d.takeBack(ctx, done))
}

// takeBack removes the words that were heard, and no younger ones.
func (d *Desk) takeBack(ctx context.Context, changes []*Change) error {
	return d.sayOf(ctx, func(said *ledger.Control) (entries []sdk.Entry) {
		for _, c := range changes {
			if said.Moves[c.TopicPartition].ID == c.move.ID {
				entries = append(entries, ledger.UnmoveEntry(c.TopicPartition))
			}
		}
		return entries
	})
}

func names(changes []*Change) string {
	var all []string
	for _, c := range changes {
		all = append(all, c.TopicPartition.String())
	}
	return strings.Join(all, ", ")
}
