// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"fmt"
	"slices"
)

// origins tells where in the source a record of the target comes from.
type origins struct {
	partitions map[identity][]int32 // in which it is committed
	missing    map[identity][]place // from where the target misses it
	aborted    map[identity]bool
}

// place is a record of the source.
type place struct {
	partition int32
	index     int
}

func newOrigins(source Content, partitions []*comparedPartition) *origins {
	o := &origins{map[identity][]int32{}, map[identity][]place{}, map[identity]bool{}}
	for n, p := range source.Partitions {
		for i := range p.Records {
			id := p.Records[i].identity
			if known := o.partitions[id]; len(known) == 0 || known[len(known)-1] != int32(n) {
				o.partitions[id] = append(known, int32(n))
			}
		}
		for i := range p.Aborted {
			o.aborted[p.Aborted[i].identity] = true
		}
	}
	for n, p := range partitions {
		for _, s := range p.missing {
			id := p.source[s].identity
			o.missing[id] = append(o.missing[id], place{int32(n), s})
		}
	}
	return o
}

// explainExcess reports what partitions have too much of, as far as the source
// knows it; the rest stays in their excess. What one misses and another has is
// missing no more.
func (o *origins) explainExcess(partitions []*comparedPartition) {
	strayed := map[place]bool{}
	for n, p := range partitions {
		var unknown []int
		for _, t := range p.excess {
			if d, ok := o.explain(int32(n), p.target[t].identity, strayed); ok {
				d.Target = &p.target[t]
				p.add(d, pair{none, t})
			} else {
				unknown = append(unknown, t)
			}
		}
		p.excess = unknown
	}
	for n, p := range partitions {
		p.missing = slices.DeleteFunc(p.missing, func(s int) bool { return strayed[place{int32(n), s}] })
	}
}

// explain says why a partition of the target has a record too much.
func (o *origins) explain(partition int32, id identity, strayed map[place]bool) (d Difference, ok bool) {
	known := o.partitions[id]
	if slices.Contains(known, partition) {
		return Difference{Kind: Duplicated}, true
	}
	if missing := o.missing[id]; len(missing) > 0 {
		o.missing[id] = missing[1:]
		strayed[missing[0]] = true
		return belongsTo(missing[0].partition), true
	}
	if o.aborted[id] {
		return Difference{Kind: AbortedLeaked}, true
	}
	if len(known) > 0 {
		return belongsTo(known[0]), true
	}
	return Difference{}, false
}

func belongsTo(partition int32) Difference {
	return Difference{Kind: WrongPartition, detail: fmt.Sprintf("belongs to %d", partition)}
}
