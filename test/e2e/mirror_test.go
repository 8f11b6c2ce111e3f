// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
	"github.com/klamm-io/klamm/test/records"
)

// TestOddRecords mirrors 200,000 records of every odd kind, to the end, and
// then again.
func TestOddRecords(t *testing.T) {
	east, west := kafka.Clusters(t)
	prefix := kafka.UniqueName("odd")
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	topics, err := records.Produce(ctx, east.Bootstrap(), records.Workload{Seed: 7, Count: 200_000, Prefix: prefix, Large: 40, Compact: true})
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, `
cluster "east" { brokers = [%q] }
cluster "west" { brokers = [%q] }

mirror %q {
  from   = cluster.east
  to     = cluster.west
  topics = ["%[3]s*"]
  until  = "latest"
  rename { prefix = "east." }
}
`, east.Bootstrap()[0], west.Bootstrap()[0], prefix)

	first := start(t, file)
	if code := first.wait(3 * time.Minute); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	before := map[string]compare.Content{}
	for _, topic := range topics {
		equal(t, east, topic.Name, west, "east."+topic.Name, compare.Options{})
		before[topic.Name] = read(t, west, "east."+topic.Name)
	}

	second := start(t, file)
	if code := second.wait(time.Minute); code != 0 {
		t.Fatalf("second run: exit code %d", code)
	}
	if !strings.Contains(second.output.String(), "going on from stored positions") {
		t.Errorf("the second run does not say that since is not applied:\n%s", second.output)
	}
	for _, topic := range topics {
		if d := compare.Diff(before[topic.Name], read(t, west, "east."+topic.Name), compare.Options{}); len(d) > 0 {
			t.Errorf("the second run has changed %s:\n%s", topic.Name, compare.Report(d))
		}
	}
}
