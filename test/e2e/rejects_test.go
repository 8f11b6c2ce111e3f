// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/core/status"
	"github.com/klamm-io/klamm/sdk"
	"github.com/klamm-io/klamm/test/kafka"
)

// eventAt is one of five events: a click, a view, a test, what is no event, and one
// whose kind cannot be a part of a topic's name.
func eventAt(n int) string {
	return fmt.Sprintf([]string{
		`{"kind":"click","card":"4111","n":%d}`, `{"kind":"view","n":%d}`, `{"kind":"view","test":true,"n":%d}`,
		`%d is no event`, `{"kind":"no name","n":%d}`,
	}[n%5], n)
}

// produceEvents writes events to the partitions of a topic, so many to each, and
// returns the timestamp of the first ones; each following one is a millisecond later.
func produceEvents(t testing.TB, client *kgo.Client, topic string, partitions, count int) (began int64) {
	t.Helper()
	began = time.Now().Add(-time.Minute).UnixMilli()
	var records []*kgo.Record
	for n := range count {
		for p := range partitions {
			records = append(records, &kgo.Record{
				Topic: topic, Partition: int32(p), Key: fmt.Appendf(nil, "%d/%d", p, n), Value: []byte(eventAt(n)),
				Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte("t")}}, Timestamp: time.UnixMilli(began + int64(n)),
			})
		}
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return began
}

// heldBy reads what topics hold now, and writes it down: by topic and partition.
func heldBy(t testing.TB, client *kgo.Client, topics ...string) map[string][]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topics...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]int64{}
	from := map[string]map[int32]kgo.Offset{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[fmt.Sprintf("%s/%d", o.Topic, o.Partition)] = o.Offset
			if from[o.Topic] == nil {
				from[o.Topic] = map[int32]kgo.Offset{}
			}
			from[o.Topic][o.Partition] = kgo.NewOffset().AtStart()
		}
	})
	reader, err := kgo.NewClient(append(client.Opts(), kgo.ConsumePartitions(from))...)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	content := map[string][]string{}
	for len(left) > 0 {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("reading what is left of %v: %v", left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			at := fmt.Sprintf("%s/%d", r.Topic, r.Partition)
			content[at] = append(content[at], recordText(r))
			if r.Offset+1 >= left[at] {
				delete(left, at)
			}
		})
	}
	return content
}

// recordText is all of a record but for its place, and the reason of a dead letter.
func recordText(r *kgo.Record) string {
	text := fmt.Sprintf("%d %s %s", r.Timestamp.UnixMilli(), r.Key, r.Value)
	for _, h := range r.Headers {
		if h.Key == "klamm.reason" {
			if len(h.Value) == 0 {
				return "no reason"
			}
			h.Value = nil
		}
		text += fmt.Sprintf(" %s=%s", h.Key, h.Value)
	}
	return text
}

// sortedEvents is what a pipeline has to make of the events.
func sortedEvents(pipeline, cluster, topic string, began int64, partitions, count int) map[string][]string {
	want := map[string][]string{}
	for p := range partitions {
		for n := range count {
			stamp, key := began+int64(n), fmt.Sprintf("%d/%d", p, n)
			good := func(kind, value string) {
				at := fmt.Sprintf("%s.%s/%d", topic, kind, p)
				want[at] = append(want[at], fmt.Sprintf("%d %s %s trace=t from=%s", stamp, key, value, topic))
			}
			dead := func(stage string) {
				at := fmt.Sprintf("%s.dead/%d", topic, p)
				want[at] = append(want[at], fmt.Sprintf("%d %s %s trace=t klamm.pipeline=%s klamm.stage=%s klamm.reason= klamm.origin.cluster=%s klamm.origin.topic=%s klamm.origin.partition=%d klamm.origin.offset=%d klamm.origin.timestamp=%d",
					stamp, key, eventAt(n), pipeline, stage, cluster, topic, p, n, stamp))
			}
			switch n % 5 {
			case 0:
				good("click", fmt.Sprintf(`{"kind":"click","n":%d}`, n))
			case 1:
				good("view", fmt.Sprintf(`{"kind":"view","n":%d}`, n))
			case 3:
				dead("filter")
			case 4:
				dead("route")
			}
		}
	}
	return want
}

const sorting = `
cluster "east" { brokers = [%q] }
cluster "west" { brokers = [%q] }

pipeline %q {
  on_reject = "dead_letter"
  dead_letter { topic = "%[3]s.dead" }

  source "kafka" {
    cluster = cluster.east
    topics  = [%[3]q]
    until   = "latest"
  }
  transform "filter" { where = "not (value.test ?? false)" }
  transform "set" {
    value   = "omit(value, \"card\")"
    headers = { "from" = "topic" }
  }
  transform "route" { topic = "topic + '.' + value.kind" }
  sink "kafka" { cluster = cluster.west }
}
`

// TestFilterRouteAndDeadLetters sorts events into topics that nobody has made, and
// what cannot be sorted into the dead letters, in two bounded runs.
func TestFilterRouteAndDeadLetters(t *testing.T) {
	t.Parallel()
	const partitions, count = 2, 250
	east, west := kafka.Clusters(t)
	topic := kafka.UniqueName("events")
	east.CreateTopic(t, topic, partitions, nil)
	producer, client := east.Client(t, manual()), west.Client(t)
	began := produceEvents(t, producer, topic, partitions, count)
	metadata, err := east.Admin(t).Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := sortedEvents(topic, metadata.Cluster, topic, began, partitions, count)
	topics := []string{topic + ".click", topic + ".view", topic + ".dead"}
	file := write(t, sorting, east.Bootstrap()[0], west.Bootstrap()[0], topic)
	for range 2 { // the second finds nothing to do
		if code := start(t, file).wait(time.Minute); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		if diff := cmp.Diff(want, heldBy(t, client, topics...)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
	found, err := west.Admin(t).ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := slices.DeleteFunc(found.Names(), func(name string) bool { return !strings.HasPrefix(name, topic) })
	slices.Sort(topics)
	if !slices.Equal(names, topics) {
		t.Errorf("the target has the topics %v, not %v", names, topics)
	}
}

const choosy = `
cluster "east" { brokers = [%q] }
cluster "west" { brokers = [%q] }

pipeline %q {
  on_reject = %[4]q
  source "kafka" {
    cluster = cluster.east
    topics  = [%[3]q]
  }
  transform "filter" { where = "value.kind != ''" }
  sink "kafka" { cluster = cluster.west }
}
`

// TestRejectedRecord stops its partition, which goes on past it once the file says
// so, and leaves a gap record.
func TestRejectedRecord(t *testing.T) {
	t.Parallel()
	east, west := kafka.Clusters(t)
	topic := kafka.UniqueName("rejected")
	east.CreateTopic(t, topic, 1, nil)
	began := produceEvents(t, east.Client(t, manual()), topic, 1, 5)
	file := write(t, choosy, east.Bootstrap()[0], west.Bootstrap()[0], topic, "stop")
	p := start(t, file)
	part := stopped(t, p, topic, 0, sdk.ReasonRejected)
	mentions(t, part.LastError, "offset 3", "transform filter", "a text or an array has no fields", "value.kind != ''", "on_reject", "klamm positions skip")
	if *part.Lost != (sdk.Offsets{From: 3, To: 4}) {
		t.Errorf("it stopped at %s", part.Lost)
	}
	eventually(t, 30*time.Second, func() (bool, string) {
		part = p.partition(topic, 0)
		return part.Offset == 3, fmt.Sprintf("what is before the record is written up to %d", part.Offset)
	})
	rewrite(t, file, choosy, east.Bootstrap()[0], west.Bootstrap()[0], topic, "drop")
	reload(t, p, status.Reloaded{Pipeline: topic, Outcome: status.Updated})
	caughtUp(t, p)
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	expectGap(t, gapsLeft(t, 1, file)[0], topic, 0, 3, 4, sdk.ReasonRejected, `on_reject = "drop"`)
	got := heldBy(t, west.Client(t), topic)[topic+"/0"]
	var want []string
	for _, n := range []int{0, 1, 2, 4} {
		want = append(want, fmt.Sprintf("%d 0/%d %s trace=t", began+int64(n), n, eventAt(n)))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
