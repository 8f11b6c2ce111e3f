// SPDX-License-Identifier: Apache-2.0

package compare

import "slices"

// none stands for the index of a record that is not there.
const none = -1

// findings are the differences of one partition, neighbours joined.
type findings struct {
	topic       string
	partition   int32
	differences []Difference
	last        pair // indexes of what was added last
}

// add appends d, which is about the records at the indexes in at.
func (f *findings) add(d Difference, at pair) {
	if n := len(f.differences); n > 0 && f.continues(&f.differences[n-1], &d, at) {
		f.differences[n-1].Count++
		f.last = at
		return
	}
	d.Topic, d.Partition, d.Count = f.topic, f.partition, 1
	f.differences = append(f.differences, d)
	f.last = at
}

func (f *findings) continues(last, next *Difference, at pair) bool {
	follows := func(last, next int) bool {
		if last == none || next == none {
			return last == next
		}
		return next == last+1
	}
	return last.Kind == next.Kind && last.detail == next.detail && slices.Equal(last.Fields, next.Fields) &&
		follows(f.last.source, at.source) && follows(f.last.target, at.target)
}
