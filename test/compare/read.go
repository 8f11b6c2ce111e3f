// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// idle is how long a read may go without a record before it is given up.
const idle = 30 * time.Second

// span is what is read of a partition: the offsets [next, end).
type span struct{ next, end int64 }

// Read reads a topic up to where it was stable when the call began. opts say
// how to connect.
func Read(ctx context.Context, topic string, opts ...kgo.Opt) (Content, error) {
	content, err := read(ctx, topic, opts)
	if err != nil {
		return Content{}, fmt.Errorf("reading topic %s: %w", topic, err)
	}
	return content, nil
}

func read(ctx context.Context, topic string, opts []kgo.Opt) (Content, error) {
	spans, err := spansOf(ctx, topic, opts)
	if err != nil {
		return Content{}, err
	}
	content := Content{Topic: topic, Partitions: make([]Partition, len(spans))}
	accounted := make([]map[int64]bool, len(spans))
	for p := range accounted {
		accounted[p] = map[int64]bool{}
	}
	err = consume(ctx, topic, spans, opts, kgo.ReadCommitted(), func(r *kgo.Record) {
		accounted[r.Partition][r.Offset] = true
		if !r.Attrs.IsControl() {
			p := &content.Partitions[r.Partition]
			p.Records = append(p.Records, NewRecord(r))
		}
	})
	if err != nil {
		return Content{}, err
	}
	// Offsets nobody accounted for were compacted away, or aborted.
	for p, s := range spans {
		if int64(len(accounted[p])) == s.end-s.next {
			delete(spans, p)
		}
	}
	err = consume(ctx, topic, spans, opts, kgo.ReadUncommitted(), func(r *kgo.Record) {
		if !r.Attrs.IsControl() && !accounted[r.Partition][r.Offset] {
			p := &content.Partitions[r.Partition]
			p.Aborted = append(p.Aborted, NewRecord(r))
		}
	})
	return content, err
}

// spansOf asks for the first and the last stable offset of every partition.
func spansOf(ctx context.Context, topic string, opts []kgo.Opt) (map[int32]span, error) {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("listing start offsets: %w", err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("listing stable offsets: %w", err)
	}
	spans := map[int32]span{}
	for p, start := range starts[topic] {
		spans[p] = span{next: start.Offset, end: ends[topic][p].Offset}
	}
	return spans, nil
}

// consume hands every record of the spans to each, control records too.
func consume(ctx context.Context, topic string, spans map[int32]span, opts []kgo.Opt, level kgo.IsolationLevel, each func(*kgo.Record)) error {
	open := map[int32]span{}
	offsets := map[int32]kgo.Offset{}
	for p, s := range spans {
		if s.next < s.end {
			open[p] = s
			offsets[p] = kgo.NewOffset().At(s.next)
		}
	}
	if len(open) == 0 {
		return nil
	}
	client, err := kgo.NewClient(append(
		append([]kgo.Opt{}, opts...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(level),
		kgo.KeepControlRecords(),
		kgo.FetchMaxPartitionBytes(8<<20),
		kgo.FetchMaxWait(100*time.Millisecond),
	)...)
	if err != nil {
		return err
	}
	defer client.Close()
	for len(open) > 0 {
		if err := consumeSome(ctx, client, open, each); err != nil {
			return fmt.Errorf("with %s still to read: %w", remaining(open), err)
		}
	}
	return nil
}

// consumeSome polls once and closes the spans that were read to their end.
func consumeSome(ctx context.Context, client *kgo.Client, open map[int32]span, each func(*kgo.Record)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, idle, fmt.Errorf("no record for %s", idle))
	defer cancel()
	fetches := client.PollFetches(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var failed error
	fetches.EachError(func(_ string, p int32, err error) {
		failed = errors.Join(failed, fmt.Errorf("partition %d: %w", p, err))
	})
	if failed != nil {
		return failed
	}
	for r := range fetches.RecordsAll() {
		s, ok := open[r.Partition]
		if !ok || r.Offset >= s.end {
			continue
		}
		each(r)
		s.next = r.Offset + 1
		open[r.Partition] = s
		if s.next == s.end {
			delete(open, r.Partition)
		}
	}
	return nil
}

func remaining(open map[int32]span) string {
	for p, s := range open {
		return fmt.Sprintf("offsets %d to %d of partition %d, and %d partitions more", s.next, s.end, p, len(open)-1)
	}
	return "nothing"
}
