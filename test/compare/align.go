// SPDX-License-Identifier: Apache-2.0

package compare

import "slices"

// pair is a record of the source and the equal one of the target, by index.
type pair struct{ source, target int }

// alignment is how a target's records correspond to a source's.
type alignment struct {
	moved   []pair // equal, but out of order
	missing []int  // of the source, without an equal record
	excess  []int  // of the target, without an equal record
	kept    []pair // equal and in order, between the first and the last that are not
}

// align pairs equal records in order of their occurrence. Of the pairs, the
// longest run that is in order on both sides counts as kept.
func align(source, target []Record) alignment {
	prefix := 0
	for prefix < min(len(source), len(target)) && source[prefix].identity == target[prefix].identity {
		prefix++
	}
	s, t := len(source), len(target)
	for s > prefix && t > prefix && source[s-1].identity == target[t-1].identity {
		s--
		t--
	}
	var a alignment
	at := make(map[identity][]int, s-prefix)
	for i := prefix; i < s; i++ {
		at[source[i].identity] = append(at[source[i].identity], i)
	}
	paired := make([]bool, s-prefix)
	var pairs []pair
	for j := prefix; j < t; j++ {
		places := at[target[j].identity]
		if len(places) == 0 {
			a.excess = append(a.excess, j)
			continue
		}
		pairs = append(pairs, pair{places[0], j})
		paired[places[0]-prefix] = true
		at[target[j].identity] = places[1:]
	}
	for i, done := range paired {
		if !done {
			a.missing = append(a.missing, prefix+i)
		}
	}
	a.kept, a.moved = longestInOrder(pairs)
	return a
}

// longestInOrder splits pairs, which are in the target's order, into a longest
// sequence that is in the source's order too, and the rest.
func longestInOrder(pairs []pair) (kept, moved []pair) {
	var tails []int // index of the pair that ends the best sequence of each length
	previous := make([]int, len(pairs))
	for i, p := range pairs {
		length, _ := slices.BinarySearchFunc(tails, p.source, func(tail, source int) int {
			return pairs[tail].source - source
		})
		previous[i] = none
		if length > 0 {
			previous[i] = tails[length-1]
		}
		if length == len(tails) {
			tails = append(tails, i)
		} else {
			tails[length] = i
		}
	}
	inOrder := make([]bool, len(pairs))
	if len(tails) > 0 {
		for i := tails[len(tails)-1]; i != none; i = previous[i] {
			inOrder[i] = true
		}
	}
	for i, p := range pairs {
		if inOrder[i] {
			kept = append(kept, p)
		} else {
			moved = append(moved, p)
		}
	}
	return kept, moved
}

// gaps are, for ascending indexes of one side, how many kept records precede
// each: equal for a record of the source and one of the target, both lie
// between the same neighbours.
func (a *alignment) gaps(indexes []int, side func(pair) int) []int {
	gaps := make([]int, len(indexes))
	gap := 0
	for k, i := range indexes {
		for gap < len(a.kept) && side(a.kept[gap]) < i {
			gap++
		}
		gaps[k] = gap
	}
	return gaps
}
