// SPDX-License-Identifier: Apache-2.0

// Package records fills topics with the odd records that a mirror has to carry
// unchanged: nil and empty keys and values, repeated headers and headers
// without a value, timestamps out of order and long past, records of 900 KB,
// batches of every codec, aborted transactions, compacted logs with gaps.
//
//	topics, err := records.Produce(ctx, east.Bootstrap(), records.Workload{
//		Seed: 1, Count: 200_000, Prefix: "orders", Compact: true,
//	})
//
// The same seed gives the same records; how several producers interleave in a
// partition is up to them.
package records
