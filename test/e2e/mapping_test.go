// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/sdk"
	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
	"github.com/klamm-io/klamm/test/records"
)

// TestMappingIsExact mirrors logs full of holes (aborted records, transaction
// markers, what was compacted away) through kills in the middle, and looks up every
// source offset in the mapping that is stored with the positions: a record is where
// it says, and an offset without one leads to the next.
func TestMappingIsExact(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	prefix := kafka.UniqueName("mapping")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	topics, err := records.Produce(ctx, east.Bootstrap(), records.Workload{Seed: 12, Count: 20_000, Prefix: prefix, Compact: true})
	if err != nil {
		t.Fatal(err)
	}
	file := slowMirrorFile(t, east, west, prefix, 2000)
	for range 2 {
		p := start(t, file)
		copies(t, p, 2500)
		p.kill()
	}
	p := start(t, file)
	caughtUp(t, p)
	p.stop()

	lanes := ledgers(t, west, prefix)
	var exact, holes int
	for _, topic := range topics {
		source, target := read(t, east, topic.Name), read(t, west, "east."+topic.Name)
		for partition := range source.Partitions {
			tp := sdk.TopicPartition{Topic: topic.Name, Partition: int32(partition)}
			l := lanes[ledger.LaneOf(tp, len(lanes)-1)]
			found, skipped := translated(t, l, tp, source.Partitions[partition].Records, target.Partitions[partition].Records)
			exact, holes = exact+found, holes+skipped
		}
	}
	if exact < 15_000 || holes < 1000 {
		t.Errorf("%d records and %d offsets without one were looked up: that proves little", exact, holes)
	}
}

// slowMirrorFile is an unbounded mirror that copies so many records a second.
func slowMirrorFile(t testing.TB, east, west *kafka.Cluster, name string, records int) string {
	t.Helper()
	return write(t, `
cluster "east" { brokers = [%q] }
cluster "west" { brokers = [%q] }

mirror %q {
  from   = cluster.east
  to     = cluster.west
  topics = ["%[3]s*"]
  rename { prefix = "east." }
  limit  { records = %[4]d }
}
`, east.Bootstrap()[0], west.Bootstrap()[0], name, records)
}

// copies waits until a process has delivered so many records.
func copies(t testing.TB, p *process, records int64) {
	t.Helper()
	eventually(t, 30*time.Second, func() (bool, string) {
		s, ok := p.status()
		return ok && s.Records >= records, fmt.Sprintf("%s, %d records, %s", s.State, s.Records, s.LastError)
	})
}

// ledgers reads those of a pipeline's lanes; that of lane k is at k.
func ledgers(t testing.TB, c *kafka.Cluster, pipeline string) []*ledger.Lane {
	t.Helper()
	entries := map[int]map[string][]byte{}
	lanes := make([]*ledger.Lane, everCommitted(t, c, pipeline, func(r *kgo.Record) {
		lane := int(r.Partition)
		if entries[lane] == nil {
			entries[lane] = map[string][]byte{}
		}
		if r.Value == nil {
			delete(entries[lane], string(r.Key))
		} else {
			entries[lane][string(r.Key)] = r.Value
		}
	}))
	for i := range lanes {
		var err error
		if lanes[i], err = ledger.DecodeLane(entries[i]); err != nil {
			t.Fatal(err)
		}
	}
	return lanes
}

// translated looks up every offset of a partition up to its position, and returns
// how many have a record, and how many have none.
func translated(t testing.TB, l *ledger.Lane, tp sdk.TopicPartition, source, target []compare.Record) (exact, holes int) {
	t.Helper()
	at := map[int64]compare.Record{}
	for _, r := range target {
		at[r.Offset] = r
	}
	mapping := l.Mapping(tp)
	lookup := func(offset int64) ledger.Translation {
		found, err := mapping.Lookup(offset)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	offset := int64(0)
	for _, r := range source {
		want := lookup(r.Offset)
		copied, ok := at[want.Target]
		copied.Offset = r.Offset
		if want.Found != ledger.Exact || !ok || copied != r {
			t.Errorf("%s: %s is mapped to %+v, where there is %s", tp, r, want, copied)
			return exact, holes
		}
		exact++
		for want.Found = ledger.Next; offset < r.Offset; offset++ {
			if got := lookup(offset); got != want {
				t.Errorf("%s: offset %d is mapped to %+v, the next record to %+v", tp, offset, got, want)
				return exact, holes
			}
			holes++
		}
		offset = r.Offset + 1
	}
	for end := l.Positions[tp].Offset; offset <= end; offset++ {
		if got := lookup(offset); got.Found != ledger.NotYet {
			t.Errorf("%s: offset %d, behind the last record, is mapped to %+v", tp, offset, got)
		}
	}
	return exact, holes
}
