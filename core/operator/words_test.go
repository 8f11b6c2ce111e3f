// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"testing"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
)

// A word that nobody has heard is not heard after a younger one that was carried out
// here.
func TestCarryTakesBackAnOlderWord(t *testing.T) {
	d, s := world(t)
	of := tp("a", 0)
	older, _ := d.Set(t.Context(), of, 20)
	word, err := older.move.Entry()
	if err != nil {
		t.Fatal(err)
	}
	s.write(sdk.ControlLane, word)
	younger, _ := d.Set(t.Context(), of, 30)
	if err := d.Apply(t.Context(), []*Change{younger}); err != nil {
		t.Fatal(err)
	}
	if m, ok := s.control(t).Moves[of]; ok {
		t.Errorf("the older word stays: %+v", m)
	}
}

// Who takes back a word that was heard leaves another's alone.
func TestTakeBackLeavesAnothersWord(t *testing.T) {
	d, s := world(t)
	of := tp("a", 0)
	mine, _ := d.Set(t.Context(), of, 20)
	theirs, _ := d.Set(t.Context(), of, 30)
	word, err := theirs.move.Entry()
	if err != nil {
		t.Fatal(err)
	}
	heard, err := ledger.Moved{ID: mine.move.ID, From: 50, To: 20}.Entry(of)
	if err != nil {
		t.Fatal(err)
	}
	s.write(mine.lane, heard)
	s.write(sdk.ControlLane, word)
	if err := d.confirmed(t.Context(), []*Change{mine}); err != nil {
		t.Fatal(err)
	}
	if m := s.control(t).Moves[of]; m.ID != theirs.move.ID {
		t.Errorf("the other's word is gone: %+v", m)
	}
}
