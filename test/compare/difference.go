// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"fmt"
	"strings"
)

// Kind is in what way the target differs from the source.
type Kind string

const (
	// PartitionCount is a target with more or fewer partitions.
	PartitionCount Kind = "partition count"
	// Missing is a record that the target lacks.
	Missing Kind = "missing"
	// Extra is a record that the source never had.
	Extra Kind = "extra"
	// Duplicated is a record delivered again, other than as an allowed replay.
	Duplicated Kind = "duplicated"
	// Reordered is a record at another place among the others.
	Reordered Kind = "reordered"
	// Changed is a record with other contents; [Difference.Fields] says which.
	Changed Kind = "changed"
	// WrongPartition is a record of another partition.
	WrongPartition Kind = "wrong partition"
	// AbortedLeaked is a record of an aborted transaction.
	AbortedLeaked Kind = "aborted leaked"
)

// Difference is one way in which target and source differ, or a run of
// neighbouring records that differ alike.
type Difference struct {
	Kind      Kind
	Topic     string
	Partition int32
	// Source and Target are the first record of the run on either side; nil
	// where there is none.
	Source, Target *Record
	// Count is the number of records in the run.
	Count int
	// Fields are the changed fields, of key, value, headers and timestamp.
	Fields []string
	detail string
}

// String describes the difference in one line.
func (d Difference) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s/%d: %s", d.Topic, d.Partition, d.Kind)
	if len(d.Fields) > 0 {
		fmt.Fprintf(&s, " %s", strings.Join(d.Fields, ", "))
	}
	if d.detail != "" {
		fmt.Fprintf(&s, " (%s)", d.detail)
	}
	if d.Count > 1 {
		fmt.Fprintf(&s, ", %d records from", d.Count)
	}
	if d.Source != nil {
		fmt.Fprintf(&s, " source {%v}", *d.Source)
	}
	if d.Target != nil {
		fmt.Fprintf(&s, " target {%v}", *d.Target)
	}
	return s.String()
}

// Report is a text of at most twenty differences, one a line, and the number
// of all.
func Report(differences []Difference) string {
	const most = 20
	var s strings.Builder
	fmt.Fprintf(&s, "%d differences", len(differences))
	for _, d := range differences[:min(len(differences), most)] {
		fmt.Fprintf(&s, "\n  %v", d)
	}
	if len(differences) > most {
		s.WriteString("\n  ...")
	}
	return s.String()
}
