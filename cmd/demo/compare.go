// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// enough is how many differences are told.
const enough = 10

// compared is how much was found equal.
type compared struct {
	topics, partitions int
	records, bytes     int64
}

// compare reads both sides to the end and says where west is not what east and
// the file ask for.
func compare(ctx context.Context, east, west *side) (compared, []string, error) {
	var sum compared
	var differences []string
	expected := map[string]bool{}
	for _, t := range streams() {
		if t.excluded {
			continue
		}
		expected[prefix+t.topic] = true
		source, err := east.read(ctx, t.topic)
		if err != nil {
			return sum, nil, err
		}
		target, err := west.read(ctx, prefix+t.topic)
		if err != nil {
			return sum, nil, err
		}
		sum.topics++
		for p := range t.partitions {
			differences = append(differences, comparePartition(source[p], target[p], &sum)...)
		}
	}
	surplus, err := surplusTopics(ctx, west, expected)
	if err != nil {
		return sum, nil, err
	}
	differences = append(differences, surplus...)
	if len(differences) == 0 && sum.records == 0 {
		differences = append(differences, "nothing was written, so nothing was shown")
	}
	return sum, differences[:min(len(differences), enough)], nil
}

func comparePartition(source, target []*kgo.Record, sum *compared) []string {
	var differences []string
	for i, want := range source {
		at := fmt.Sprintf("%s partition %d offset %d", want.Topic, want.Partition, want.Offset)
		if i >= len(target) {
			return append(differences, fmt.Sprintf("%s and %d after it are missing at the target", at, len(source)-i-1))
		}
		got := target[i]
		if what := difference(want, got); what != "" {
			differences = append(differences, fmt.Sprintf("%s: another %s at target offset %d", at, what, got.Offset))
			if len(differences) == enough {
				return differences
			}
		}
		sum.records++
		sum.bytes += int64(len(want.Key) + len(want.Value))
	}
	if extra := target[min(len(source), len(target)):]; len(extra) > 0 {
		differences = append(differences, fmt.Sprintf("%s partition %d has %d records more than the source", extra[0].Topic, extra[0].Partition, len(extra)))
	}
	sum.partitions++
	return differences
}

// difference names what two records do not have in common.
func difference(a, b *kgo.Record) string {
	switch {
	case a.Partition != b.Partition:
		return "partition"
	case !identical(a.Key, b.Key):
		return "key"
	case !identical(a.Value, b.Value):
		return "value"
	case !a.Timestamp.Equal(b.Timestamp) || a.Attrs.TimestampType() != b.Attrs.TimestampType():
		return "timestamp"
	case !slices.EqualFunc(a.Headers, b.Headers, func(x, y kgo.RecordHeader) bool {
		return x.Key == y.Key && identical(x.Value, y.Value)
	}):
		return "list of headers"
	}
	return ""
}

// identical tells null from empty, which [bytes.Equal] does not.
func identical(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

func surplusTopics(ctx context.Context, west *side, expected map[string]bool) ([]string, error) {
	found, err := west.topics(ctx)
	if err != nil {
		return nil, err
	}
	var surplus []string
	for name := range found {
		if !expected[name] {
			surplus = append(surplus, fmt.Sprintf("topic %s is at the target although the file does not ask for it", name))
		}
	}
	for _, t := range streams() {
		if got := found[prefix+t.topic]; !t.excluded && got != int(t.partitions) {
			surplus = append(surplus, fmt.Sprintf("topic %s has %d partitions, not %d", prefix+t.topic, got, t.partitions))
		}
	}
	slices.Sort(surplus)
	return surplus, nil
}
