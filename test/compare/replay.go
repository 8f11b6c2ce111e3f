// SPDX-License-Identifier: Apache-2.0

package compare

import "slices"

// occurrences are the indexes of equal records in a source, ascending.
type occurrences map[identity][]int

func occurrencesIn(source []Record) occurrences {
	o := make(occurrences, len(source))
	for i := range source {
		id := source[i].identity
		o[id] = append(o[id], i)
	}
	return o
}

// onlyReplays reports whether target is source with allowed replays, as the
// package comment defines them.
//
// Where records are equal, the cursor could stand at several places; the
// furthest one allows all that the others allow, so it is the only one to
// follow, and the check is exact.
func onlyReplays(source []Record, at occurrences, target []Record) bool {
	cursor := 0
	for i := range target {
		if cursor < len(source) && source[cursor].identity == target[i].identity {
			cursor++
			continue
		}
		places := at[target[i].identity]
		before, _ := slices.BinarySearch(places, cursor)
		if before == 0 {
			return false
		}
		cursor = places[before-1] + 1
	}
	return cursor == len(source)
}

// replays tells, in a target that holds more than replays, the allowed ones
// from the rest, so that only the rest is reported.
type replays struct {
	source    []Record
	at        occurrences
	delivered []bool // by index in source
	frontier  int    // behind the furthest record delivered
	cursor    int
	replaying []int // target indexes of the replay going on

	first  []int // target indexes that deliver something for the first time
	broken []int // target indexes of replays with a gap or without an end
}

func splitReplays(source []Record, at occurrences, target []Record) *replays {
	r := &replays{source: source, at: at, delivered: make([]bool, len(source))}
	for i := range target {
		r.step(i, target[i].identity)
	}
	r.breakOff()
	return r
}

func (r *replays) step(i int, id identity) {
	if r.cursor < len(r.source) && r.source[r.cursor].identity == id {
		r.take(i, r.cursor)
		return
	}
	places := r.at[id]
	split, _ := slices.BinarySearch(places, r.cursor)
	before, after := places[:split], places[split:]
	isNew := func(place int) bool { return !r.delivered[place] }
	isOld := func(place int) bool { return r.delivered[place] }
	if k := lastIndex(before, isOld); k >= 0 {
		r.take(i, before[k])
	} else if k := slices.IndexFunc(after, isNew); k >= 0 {
		r.breakOff()
		r.take(i, after[k])
	} else if len(after) > 0 {
		r.breakOff()
		r.take(i, after[0])
	} else {
		// Late, or unknown: the cursor stays for what should have come.
		if len(before) > 0 {
			r.delivered[before[len(before)-1]] = true
		}
		r.first = append(r.first, i)
	}
}

// take delivers source[place] by target record i and moves the cursor on.
func (r *replays) take(i, place int) {
	if r.delivered[place] {
		r.replaying = append(r.replaying, i)
	} else {
		r.first = append(r.first, i)
		r.delivered[place] = true
	}
	r.cursor = place + 1
	if r.cursor >= r.frontier {
		r.frontier = r.cursor
		r.replaying = nil
	}
}

// breakOff marks a replay that did not reach the frontier as broken.
func (r *replays) breakOff() {
	r.broken = append(r.broken, r.replaying...)
	r.replaying = nil
}

func lastIndex(places []int, match func(int) bool) int {
	for k := len(places) - 1; k >= 0; k-- {
		if match(places[k]) {
			return k
		}
	}
	return -1
}
