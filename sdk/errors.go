// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"errors"
	"fmt"
	"strings"
)

// Reason classifies what stopped a partition; status, metrics and the
// policies of a pipeline go by it.
type Reason string

// The reasons for which a partition stops.
const (
	ReasonGap       Reason = "gap"       // records vanished before they were read (retention, DeleteRecords)
	ReasonTruncated Reason = "truncated" // the source's log lost records that were already read
	ReasonRecreated Reason = "recreated" // the topic was deleted and made again
	ReasonDeleted   Reason = "deleted"   // the topic is gone
	ReasonCorrupt   Reason = "corrupt"   // the source gave bytes that cannot be read
	ReasonSource    Reason = "source"    // the source answers with an error that does not pass
	ReasonRefused   Reason = "refused"   // the target refuses a record
	ReasonTarget    Reason = "target"    // the target topic cannot be written to
	ReasonDenied    Reason = "denied"    // not authorised
	ReasonTransform Reason = "transform" // a transform failed
	ReasonRejected  Reason = "rejected"  // a transform cannot process a record
)

// PartitionError stops one source partition and no other.
type PartitionError struct {
	TopicPartition
	Reason Reason
	// Offsets are the source offsets concerned: those lost, or those of the
	// record refused. From is -1 if no offset is concerned.
	Offsets
	// Err says what happened.
	Err error
	// Fix says what the operator can do about it.
	Fix string
	// Resume is where reading can go on past what is lost, if the pipeline's
	// policy or its operator says so; nil if nowhere.
	Resume *Position
}

func (e *PartitionError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "topic %s partition %d", e.Topic, e.Partition)
	switch {
	case e.From < 0:
	case e.Count() <= 1:
		fmt.Fprintf(&b, " offset %d", e.From)
	default:
		fmt.Fprintf(&b, " offsets %s", e.Offsets)
	}
	fmt.Fprintf(&b, ": %s: %v", e.Reason, e.Err)
	if e.Fix != "" {
		fmt.Fprintf(&b, "; %s", e.Fix)
	}
	return b.String()
}

func (e *PartitionError) Unwrap() error { return e.Err }

// AsPartitionError finds the PartitionError in err's chain.
func AsPartitionError(err error) (*PartitionError, bool) {
	pe, ok := errors.AsType[*PartitionError](err)
	return pe, ok
}

// EnvironmentError is about what surrounds Klamm: a cluster that cannot be
// reached, refuses the credentials, or does not meet a precondition. Met at
// start it ends the command with exit code 3.
type EnvironmentError struct {
	// Cluster is the name of the cluster in the file.
	Cluster string
	Err     error
	Fix     string
}

func (e *EnvironmentError) Error() string {
	s := fmt.Sprintf("cluster %s: %v", e.Cluster, e.Err)
	if e.Cluster == "" {
		s = e.Err.Error()
	}
	if e.Fix != "" {
		s += "; " + e.Fix
	}
	return s
}

func (e *EnvironmentError) Unwrap() error { return e.Err }
