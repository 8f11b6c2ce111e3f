// SPDX-License-Identifier: Apache-2.0

// Package compare proves that a mirrored topic holds what its source holds:
// the same keys, values, ordered headers and timestamps, in the same
// partitions and the same order, and nothing besides.
//
//	source, err := compare.Read(ctx, "orders", kgo.SeedBrokers(east.Bootstrap()...))
//	target, err := compare.Read(ctx, "east.orders", kgo.SeedBrokers(west.Bootstrap()...))
//	if d := compare.Diff(source, target, compare.Options{}); len(d) > 0 {
//		t.Error(compare.Report(d))
//	}
//
// A mirror that was killed and delivers at least once may repeat itself. What
// it may repeat is exact: think of a cursor into the partition of the source,
// at its start at first. The next record of the target has to be the one at
// the cursor, or any one before it; the cursor then stands behind that record.
// At the end it has to stand at the end. So the target is the source's
// sequence with replays in it, each going on without a gap from where it set
// in to where the one before it stopped, or to another replay.
// [Options.AllowReplays] accepts that and nothing more.
package compare
