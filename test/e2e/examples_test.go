// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/test/compare"
)

// TestExamples runs every file of pipelines/ as it is, between embedded clusters
// whose addresses the environment gives.
func TestExamples(t *testing.T) {
	examples := map[string]func(t *testing.T, file string){
		"disaster-recovery.hcl": disasterRecovery,
		"active-active.hcl":     activeActive,
		"aggregation.hcl":       aggregation,
		"ci-replay.hcl":         ciReplay,
		"filter-and-route.hcl":  filterAndRoute,
		"reference.hcl":         reference,
	}
	files, err := filepath.Glob("../../pipelines/*.hcl")
	if err != nil || len(files) != len(examples) {
		t.Errorf("there are %d examples, and tests for %d; %v", len(files), len(examples), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			run, ok := examples[filepath.Base(file)]
			if !ok {
				t.Fatal("nothing runs this example")
			}
			run(t, file)
		})
	}
}

// region is an embedded cluster.
type region struct {
	t      *testing.T
	name   string
	addrs  []string
	client *kgo.Client
}

// startRegion starts a cluster and sets the variable that examples take its
// addresses from.
func startRegion(t *testing.T, name string, topics ...string) *region {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.ClusterID(name), kfake.SeedTopics(3, topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), manual())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	t.Setenv(strings.ToUpper(name)+"_BROKERS", strings.Join(cluster.ListenAddrs(), ","))
	return &region{t: t, name: name, addrs: cluster.ListenAddrs(), client: client}
}

// produce writes count records to each partition of topics.
func (r *region) produce(count int, topics ...string) {
	r.t.Helper()
	for _, topic := range topics {
		for n := range 3 * count {
			record := &kgo.Record{
				Topic: topic, Partition: int32(n % 3), Key: fmt.Append(nil, n), Value: fmt.Appendf(nil, "%s %s %d", r.name, topic, n),
				Headers: []kgo.RecordHeader{{Key: "region", Value: []byte(r.name)}},
			}
			r.client.Produce(r.t.Context(), record, func(_ *kgo.Record, err error) {
				if err != nil {
					r.t.Errorf("producing to %s: %v", topic, err)
				}
			})
		}
	}
	if err := r.client.Flush(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *region) read(topic string) (compare.Content, error) {
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	return compare.Read(ctx, topic, kgo.SeedBrokers(r.addrs...))
}

// becomes waits until a topic has a copy in another cluster, equal to it.
func (r *region) becomes(topic string, to *region, target string) {
	r.t.Helper()
	want, err := r.read(topic)
	if err != nil {
		r.t.Fatal(err)
	}
	eventually(r.t, 30*time.Second, func() (bool, string) {
		got, err := to.read(target)
		if err != nil {
			return false, err.Error()
		}
		d := compare.Diff(want, got, compare.Options{})
		return len(d) == 0, compare.Report(d)
	})
}

// has fails the test unless the cluster has just these topics, besides Klamm's.
func (r *region) has(topics ...string) {
	r.t.Helper()
	found, err := kadm.NewClient(r.client).ListTopics(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	names := slices.DeleteFunc(found.Names(), func(name string) bool { return strings.HasPrefix(name, "_klamm.") })
	slices.Sort(topics)
	if !slices.Equal(names, topics) {
		r.t.Errorf("%s has the topics %v, not %v", r.name, names, topics)
	}
}

// create makes a topic under running pipelines.
func (r *region) create(topic string) {
	r.t.Helper()
	if _, err := kadm.NewClient(r.client).CreateTopic(r.t.Context(), 3, 1, nil, topic); err != nil {
		r.t.Fatal(err)
	}
}

func disasterRecovery(t *testing.T, file string) {
	primary := startRegion(t, "primary", "orders.eu", "payments", "orders.eu.internal", "users")
	standby := startRegion(t, "standby")
	primary.produce(100, "orders.eu", "payments", "orders.eu.internal", "users")
	p := start(t, file)
	primary.becomes("orders.eu", standby, "orders.eu")
	primary.becomes("payments", standby, "payments")
	primary.create("orders.us")
	primary.produce(50, "orders.us", "payments")
	primary.becomes("orders.us", standby, "orders.us")
	primary.becomes("payments", standby, "payments")
	ended(t, p)
	standby.has("orders.eu", "orders.us", "payments")
}

func activeActive(t *testing.T, file string) {
	east, west := startRegion(t, "east", "carts", "users"), startRegion(t, "west", "carts")
	east.produce(100, "carts", "users")
	west.produce(70, "carts")
	p := start(t, file)
	// By the time a topic that came later is copied, copies of copies would
	// have been found too.
	for _, later := range []string{"later", "latest"} {
		east.becomes("carts", west, "east.carts")
		west.becomes("carts", east, "west.carts")
		east.create(later)
		east.produce(10, later, "carts")
		west.create(later)
		west.produce(20, later, "carts")
		east.becomes(later, west, "east."+later)
		west.becomes(later, east, "west."+later)
	}
	east.becomes("carts", west, "east.carts")
	west.becomes("carts", east, "west.carts")
	ended(t, p)
	east.becomes("users", west, "east.users")
	east.has("carts", "users", "later", "latest", "west.carts", "west.later", "west.latest")
	west.has("carts", "later", "latest", "east.carts", "east.users", "east.later", "east.latest")
}

func aggregation(t *testing.T, file string) {
	central := startRegion(t, "central")
	regions := []*region{}
	for i, name := range []string{"us", "eu", "ap"} {
		r := startRegion(t, name, "events.clicks", "events.views", "users")
		r.produce(50+10*i, "events.clicks", "events.views", "users")
		regions = append(regions, r)
	}
	p := start(t, file)
	var want []string
	for _, r := range regions {
		for _, topic := range []string{"events.clicks", "events.views"} {
			r.becomes(topic, central, r.name+"."+topic)
			r.produce(5, topic)
			r.becomes(topic, central, r.name+"."+topic)
			want = append(want, r.name+"."+topic)
		}
	}
	ended(t, p)
	central.has(want...)
}

func filterAndRoute(t *testing.T, file string) {
	shop, analytics := startRegion(t, "shop", "events"), startRegion(t, "analytics")
	began := produceEvents(t, shop.client, "events", 3, 50)
	p := start(t, file)
	caughtUp(t, p)
	ended(t, p)
	analytics.has("events.click", "events.view", "events.dead")
	got := heldBy(t, analytics.client, "events.click", "events.view", "events.dead")
	for i := range 3 {
		clicks, views, dead := got[fmt.Sprintf("events.click/%d", i)], got[fmt.Sprintf("events.view/%d", i)], got[fmt.Sprintf("events.dead/%d", i)]
		if len(clicks) != 10 || len(views) != 10 || len(dead) != 20 {
			t.Fatalf("partition %d: %d clicks, %d views, %d dead letters", i, len(clicks), len(views), len(dead))
		}
		want := fmt.Sprintf(`%d %d/45 {"kind":"click","n":45} trace=t sorted-from=events`, began+45, i)
		if clicks[9] != want {
			t.Errorf("the last click is %s, not %s", clicks[9], want)
		}
	}
}

// reference runs the pipelines whose clusters a test can have: not those with
// certificates and credentials.
func reference(t *testing.T, file string) {
	central := startRegion(t, "central")
	var want []string
	var regions []*region
	for _, name := range []string{"us", "eu"} {
		r := startRegion(t, name, "events.clicks", "events.internal", "users")
		r.produce(40, "events.clicks", "events.internal", "users")
		regions = append(regions, r)
		want = append(want, "test."+name+".events.clicks")
	}
	if code := start(t, file, "--pipeline", "trial").wait(time.Minute); code != 0 {
		t.Errorf("the bounded pipeline: exit code %d", code)
	}
	p := start(t, file, "--pipeline", "events.us", "--pipeline", "events.eu")
	for i, r := range regions {
		r.becomes("events.clicks", central, want[i])
	}
	ended(t, p)
	central.has(want...)
}

func ciReplay(t *testing.T, file string) {
	production, ci := startRegion(t, "production", "orders", "users"), startRegion(t, "ci")
	production.produce(30, "orders", "users")
	if code := start(t, file).wait(time.Minute); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	production.becomes("orders", ci, "replay.orders")
	ci.has("replay.orders")

	if code := start(t, file, "--fresh", "-var", "since=10", "-var", "until=15").wait(time.Minute); code != 0 {
		t.Fatalf("a part of it: exit code %d", code)
	}
	want, err := production.read("orders")
	if err != nil {
		t.Fatal(err)
	}
	for n := range want.Partitions {
		p := &want.Partitions[n]
		p.Records = slices.Concat(p.Records, p.Records[10:15])
	}
	got, err := ci.read("replay.orders")
	if err != nil {
		t.Fatal(err)
	}
	if d := compare.Diff(want, got, compare.Options{}); len(d) > 0 {
		t.Errorf("a part was not replayed: %s", compare.Report(d))
	}
}

// ended stops klamm, which has to be well.
func ended(t *testing.T, p *process) {
	t.Helper()
	ready(t, p)
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
}
