// SPDX-License-Identifier: Apache-2.0

package compare

// comparedPartition is the comparison of one partition.
type comparedPartition struct {
	source, target []Record // the target's without allowed replays
	broken         []Record // of the target: replays that are not allowed
	exact          bool     // nothing to report
	alignment
	findings
}

func comparePartition(f findings, source, target []Record, options Options) *comparedPartition {
	p := &comparedPartition{source: source, target: target, findings: f}
	if options.AllowReplays {
		at := occurrencesIn(source)
		if p.exact = onlyReplays(source, at, target); p.exact {
			return p
		}
		split := splitReplays(source, at, target)
		p.target = choose(target, split.first)
		p.broken = choose(target, split.broken)
	}
	p.alignment = align(p.source, p.target)
	if !options.AllowReplays {
		p.exact = len(p.missing)+len(p.excess)+len(p.moved) == 0
	}
	return p
}

func choose(records []Record, indexes []int) []Record {
	chosen := make([]Record, len(indexes))
	for k, i := range indexes {
		chosen[k] = records[i]
	}
	return chosen
}

// report reports what is left when it is known where misplaced records belong.
func (p *comparedPartition) report() {
	p.reportChanged()
	for _, s := range p.missing {
		p.add(Difference{Kind: Missing, Source: &p.source[s]}, pair{s, none})
	}
	for _, t := range p.excess {
		p.add(Difference{Kind: Extra, Target: &p.target[t]}, pair{none, t})
	}
	for _, m := range p.moved {
		p.add(Difference{Kind: Reordered, Source: &p.source[m.source], Target: &p.target[m.target]}, m)
	}
	for k := range p.broken {
		p.add(Difference{Kind: Duplicated, Target: &p.broken[k], detail: "its replay has a gap or no end"}, pair{none, k})
	}
}

// reportChanged takes a missing and an unknown record between the same
// neighbours as one that was changed, if half of their fields are the same.
func (p *comparedPartition) reportChanged() {
	const enough, window = 2, 16
	missingGaps := p.gaps(p.missing, func(k pair) int { return k.source })
	excessGaps := p.gaps(p.excess, func(k pair) int { return k.target })
	var missing, extra []int
	next := 0
	for m, s := range p.missing {
		for next < len(p.excess) && excessGaps[next] < missingGaps[m] {
			extra = append(extra, p.excess[next])
			next++
		}
		found := none
		for e := next; e < min(next+window, len(p.excess)) && excessGaps[e] == missingGaps[m]; e++ {
			if len(p.source[s].changes(p.target[p.excess[e]].identity)) <= enough {
				found = e
				break
			}
		}
		if found == none {
			missing = append(missing, s)
			continue
		}
		extra = append(extra, p.excess[next:found]...)
		next = found + 1
		p.addChanged(s, p.excess[found])
	}
	p.missing, p.excess = missing, append(extra, p.excess[next:]...)
}

func (p *comparedPartition) addChanged(s, t int) {
	from, to := &p.source[s], &p.target[t]
	p.add(Difference{Kind: Changed, Source: from, Target: to, Fields: from.changes(to.identity)}, pair{s, t})
}
