// SPDX-License-Identifier: Apache-2.0

package sdk

// Run maps consecutive source offsets to consecutive target offsets: record
// Source+i became Target+i for i in [0, Count).
type Run struct {
	TopicPartition       // at the target
	Source         int64 // first source offset
	Target         int64 // first target offset
	Count          int64
}

// Delivery is both ends of a finished write: the source range of the batch and
// the runs its records became, in the order of the source offsets. Offsets of
// the range that stand in no run have no record at the target. Who is told keeps it.
type Delivery struct {
	Source Stream
	Offsets
	Runs []Run
	// AsRead counts the encoded batches that were written as they were read,
	// Decoded those that were encoded anew, by the reason: batches as they were
	// written, which several that were read may have become one of.
	AsRead  int
	Decoded map[string]int
}
