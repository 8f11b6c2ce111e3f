// SPDX-License-Identifier: Apache-2.0

// Package sdk is the contract between Klamm and its plugins. It imports
// nothing but the standard library.
//
// # The mental model
//
// A pipeline moves batches:
//
//	            lane 1   Reader ─▶ Transform ─▶ Transform ─▶ Writer
//	Source ─▶   lane 2   Reader ─▶ Transform ─▶ Transform ─▶ Writer   ─▶ Sink
//	            lane 3   Reader ─▶ Transform ─▶ Transform ─▶ Writer
//	                        ▲                                  │
//	                        └───────────── Ledger ◀────────────┘
//	                                 positions, when durable
//
// A [Batch] is an ordered run of records of one partition, covering the source
// offsets [From, To). It is handed on like a baton: whoever holds it owns it,
// nobody else touches it, so there are no locks and no copies.
//
// A [Source] says which partitions exist and reads them; a [Transform] changes
// a batch in place; a [Sink] writes batches, many at a time, and answers each
// with a [Delivery] (both ends of the write) once it is durable. Only then,
// and only when everything before it in its partition is durable too, the
// partition's [Position] moves.
//
// A lane is a fixed share of the partitions. Lanes run side by side; one lane
// keeps order. A lane belongs to one process at a time: a [Store] decides
// which, and its [Ledger] refuses whatever an earlier owner still tries to
// write. Positions therefore never move backwards, whoever crashes when.
//
// # What is decoded
//
// A batch holds the bytes its source read, or records. [Batch.Records] decodes
// on first use; a stage that never calls it costs nothing per record. A stage
// that looks and changes nothing leaves the bytes as they were; a stage that
// changes records says so with [Batch.SetRecords]. There is no raw mode.
//
// # Stop and crash
//
// Stop means: stop reading, finish what is in hand, store the positions,
// close. Crash means: what was not yet acknowledged comes again, in the same
// order. Nothing is skipped: an error that belongs to one partition (see
// [PartitionError]) stops that partition and no other.
//
// # Writing a source
//
// A source has a stable [Source.ID], lists its partitions as [Stream] values
// (one is enough), and opens a [Reader] per lane. A reader keeps a cursor for
// each partition that [Reader.Add] gave it, and Read returns the next batch of
// any of them, going on exactly where the last one of that partition ended:
//
//	b := sdk.NewBatch(stream, sdk.Offsets{From: at, To: at + int64(len(records))}, records)
//
// Offsets are the source's own; a source without offsets counts what it reads
// and keeps its real cursor in [Batch.Token], which comes back in the position.
//
// # Writing a transform
//
// A transform that looks at one record at a time is a function:
//
//	sdk.Each(func(ctx context.Context, b *sdk.Batch, r *sdk.Record) error {
//		if len(r.Value) == 0 {
//			return sdk.ErrDrop
//		}
//		masked, err := mask(r.Value)
//		if err != nil {
//			return sdk.Reject(err)
//		}
//		r.Value = masked
//		return nil
//	})
//
// Its error says what becomes of the record: nil passes it, [ErrDrop] drops it,
// [Reject] leaves it to the pipeline (which stops, leaves it out and says so, or
// sends it to the dead letters), [Retry] asks for the batch again, and any other
// stops the partition.
//
// # Writing a plugin
//
// A [Plugin] is a name and up to four functions, each returning a config
// struct filled with its defaults. The struct is the schema (tags `hcl` and
// `doc`, see [SchemaOf]), the documentation and the constructor:
//
//	type Config struct {
//		Prefix string `hcl:"prefix,optional" doc:"Put before every topic name."`
//	}
//
//	func (c *Config) NewTransform(context.Context, sdk.Env) (sdk.Transform, error) { ... }
//
//	func Plugin() sdk.Plugin {
//		return sdk.Plugin{
//			Name:      "rename",
//			Summary:   "Renames topics by a static mapping.",
//			Transform: func() sdk.TransformConfig { return &Config{} },
//		}
//	}
//
// A [Sync] works beside the flow: it compares two clusters, says what it would
// change, and changes it. What else a stage can do is a second, small
// interface, found by assertion: of a config [Validator], [TopicMapper],
// [RecordRouter], [Clustered], [Selecting]; of a source [TopicDescriber], [EndLister],
// [Surveyor], [Resolver], [Adjuster]; of a sink [TopicEnsurer], [Storer]; of a
// writer [Hearer].
//
// # Invariants
//
// They are cited where they are enforced.
//
//  1. A position moves only over the contiguous prefix of what is durable.
//  2. A position never moves backwards, and only the lane's owner moves it.
//  3. No record vanishes: it is written, dropped by the file's own words, or
//     its partition stops before it.
//  4. The order of a partition is kept.
//  5. Stop drains: reading ends first, what is in hand gets a bounded time.
//  6. A kill costs repetition of a suffix, never loss.
//  7. No client ever resets an offset by itself.
package sdk
