// SPDX-License-Identifier: Apache-2.0

package compare

import "fmt"

// Options say what is accepted.
type Options struct {
	// AllowReplays accepts records delivered more than once, as the package
	// comment defines it.
	AllowReplays bool
}

// Diff tells how target differs from source. No difference means that it is an
// exact copy.
func Diff(source, target Content, options Options) []Difference {
	var all []Difference
	if s, t := len(source.Partitions), len(target.Partitions); s != t {
		all = append(all, Difference{
			Kind: PartitionCount, Topic: target.Topic, Partition: int32(min(s, t)),
			detail: fmt.Sprintf("source %d, target %d", s, t),
		})
	}
	var partitions []*comparedPartition
	excess := 0
	for n := range max(len(source.Partitions), len(target.Partitions)) {
		f := findings{topic: target.Topic, partition: int32(n)}
		p := comparePartition(f, source.records(n), target.records(n), options)
		partitions = append(partitions, p)
		excess += len(p.excess)
	}
	if excess > 0 {
		newOrigins(source, partitions).explainExcess(partitions)
	}
	for _, p := range partitions {
		p.report()
		all = append(all, p.differences...)
	}
	for _, p := range partitions {
		// However it came about, what is not exact is never passed over.
		if !p.exact && len(all) == 0 {
			p.add(Difference{Kind: Duplicated, detail: "not a replay of what was delivered"}, pair{none, none})
			all = p.differences
		}
	}
	return all
}

// records are those of a partition, none if there is no such partition.
func (c Content) records(partition int) []Record {
	if partition >= len(c.Partitions) {
		return nil
	}
	return c.Partitions[partition].Records
}
