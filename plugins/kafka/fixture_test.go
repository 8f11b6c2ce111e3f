// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"go.uber.org/goleak"

	"github.com/klamm-io/klamm/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit bounds every wait of a test: it is reached only by a test that fails.
const limit = 20 * time.Second

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

func newCluster(t testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	k, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.ClusterID("test-cluster")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func declared(k *kfake.Cluster) *sdk.Cluster {
	return &sdk.Cluster{Name: "here", Brokers: k.ListenAddrs()}
}

func createTopic(t testing.TB, k *kfake.Cluster, topic string, partitions int32, configs ...string) {
	t.Helper()
	settings := map[string]string{}
	for i := 0; i < len(configs); i += 2 {
		settings[configs[i]] = configs[i+1]
	}
	if err := k.CreateTopic(topic, partitions, settings); err != nil {
		t.Fatal(err)
	}
}

// troubles are what a stage told about what it retries.
type troubles struct {
	mu   sync.Mutex
	told []error
	came chan struct{} // holds a token when something was told
}

func (tr *troubles) tell(err error) {
	tr.mu.Lock()
	tr.told = append(tr.told, err)
	tr.mu.Unlock()
	select {
	case tr.came <- struct{}{}:
	default:
	}
}

func newEnv(memory int64) (sdk.Env, *troubles) {
	tr := &troubles{came: make(chan struct{}, 1)}
	return sdk.Env{
		Pipeline: "p", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Memory: sdk.NewBudget(memory), Trouble: tr.tell,
	}, tr
}

// newTestSource makes a source of topic "t" unless set says otherwise. It is
// closed, and its memory checked, at the end of the test.
func newTestSource(t testing.TB, k *kfake.Cluster, set func(*SourceConfig)) *source {
	t.Helper()
	config := newSourceConfig().(*SourceConfig)
	config.Cluster, config.Topics = declared(k), []string{"t"}
	if set != nil {
		set(config)
	}
	env, _ := newEnv(64 << 20)
	return startSource(t, config, env)
}

func startSource(t testing.TB, config *SourceConfig, env sdk.Env) *source {
	t.Helper()
	s, err := config.NewSource(testContext(t), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if used := env.Memory.Used(); used != 0 {
			t.Errorf("%d bytes of memory are not given back", used)
		}
	})
	return s.(*source)
}

// openReader opens a reader of all partitions, from where the source starts.
func openReader(t testing.TB, s *source) sdk.Reader {
	t.Helper()
	ctx := testContext(t)
	streams, err := s.Partitions(ctx)
	if err != nil {
		t.Fatal(err)
	}
	positions, err := s.Start(ctx, streams, false)
	if err != nil {
		t.Fatal(err)
	}
	return openReaderAt(t, s, positions...)
}

func openReaderAt(t testing.TB, s *source, positions ...sdk.Position) sdk.Reader {
	t.Helper()
	r, err := s.Open(testContext(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	for _, p := range positions {
		if err := r.Add(testContext(t), p); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// streamOf is the identity that a source sees of partition p of a topic.
func streamOf(t testing.TB, s *source, topic string, p int32) sdk.Stream {
	t.Helper()
	meta, ok := s.metadata.topic(topic)
	if !ok {
		t.Fatalf("topic %s is not known", topic)
	}
	return sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: topic, Partition: p}, TopicID: meta.id}
}

// got is what a reader gave of one partition.
type got struct {
	records []sdk.Record
	next    int64 // position after the last batch
	last    bool
	stopped *sdk.PartitionError
}

// readBatch reads one batch, which is released when the test ends.
func readBatch(t testing.TB, r sdk.Reader) *sdk.Batch {
	t.Helper()
	b, err := r.Read(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Release)
	return b
}

// readUntil reads until done is true for what was read so far, by partition.
// It checks that batches of a partition follow each other without a hole.
func readUntil(t testing.TB, r sdk.Reader, done func(map[sdk.TopicPartition]*got) bool) map[sdk.TopicPartition]*got {
	t.Helper()
	ctx := testContext(t)
	all := map[sdk.TopicPartition]*got{}
	of := func(tp sdk.TopicPartition) *got {
		if all[tp] == nil {
			all[tp] = &got{next: -1}
		}
		return all[tp]
	}
	for !done(all) {
		b, err := r.Read(ctx)
		if pe, ok := sdk.AsPartitionError(err); ok {
			of(pe.TopicPartition).stopped = pe
			continue
		}
		if err != nil {
			t.Fatalf("reading: %v; so far %v", err, summary(all))
		}
		t.Cleanup(b.Release) // the records that are kept point into it
		g := of(b.Source.TopicPartition)
		switch {
		case g.stopped != nil || g.last:
			t.Fatalf("a batch %v of %s came after its end", b.Offsets, b.Source.TopicPartition)
		case g.next >= 0 && b.From != g.next:
			t.Fatalf("batch %v of %s does not continue from %d", b.Offsets, b.Source.TopicPartition, g.next)
		}
		records, err := b.Records()
		g.records = append(g.records, records...)
		if err != nil { // as a writer sees it
			g.stopped, _ = sdk.AsPartitionError(unreadable(b.Source, b.Offsets, err))
			g.next = g.stopped.From
			continue
		}
		g.next, g.last = b.To, b.Last
	}
	return all
}

func summary(all map[sdk.TopicPartition]*got) map[string]string {
	out := map[string]string{}
	for tp, g := range all {
		out[tp.String()] = strconv.Itoa(len(g.records)) + " records to " + strconv.FormatInt(g.next, 10)
	}
	return out
}

var t0 = sdk.TopicPartition{Topic: "t", Partition: 0}

// readOne reads partition 0 of topic "t" until done.
func readOne(t testing.TB, r sdk.Reader, done func(*got) bool) *got {
	t.Helper()
	return readUntil(t, r, func(all map[sdk.TopicPartition]*got) bool { return all[t0] != nil && done(all[t0]) })[t0]
}

// readStop reads partition 0 of topic "t" until it stops.
func readStop(t testing.TB, r sdk.Reader) *got {
	t.Helper()
	return readOne(t, r, func(g *got) bool { return g.stopped != nil })
}

func newKgo(t testing.TB, k *kfake.Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(k.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// produceBatch writes records to partition p of topic, all in one batch.
func produceBatch(t testing.TB, cl *kgo.Client, topic string, p int32, values ...string) {
	t.Helper()
	var records []*kgo.Record
	for _, v := range values {
		records = append(records, &kgo.Record{Topic: topic, Partition: p, Value: []byte(v)})
	}
	if err := cl.ProduceSync(testContext(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// numbered returns the values "from".."to-1".
func numbered(from, to int) []string {
	var values []string
	for i := from; i < to; i++ {
		values = append(values, strconv.Itoa(i))
	}
	return values
}

// fill writes batches of 10 numbered records each to partition 0 of topic "t".
func fill(t testing.TB, k *kfake.Cluster, batches int) {
	t.Helper()
	cl := newKgo(t, k)
	for i := range batches {
		produceBatch(t, cl, "t", 0, numbered(10*i, 10*i+10)...)
	}
}

func offsetsOf(records []sdk.Record) []int64 {
	offsets := make([]int64, len(records))
	for i := range records {
		offsets[i] = records[i].Offset
	}
	return offsets
}

// ascending are the offsets from..to-1.
func ascending(from, to int64) []int64 {
	offsets := make([]int64, 0, to-from)
	for i := from; i < to; i++ {
		offsets = append(offsets, i)
	}
	return offsets
}

// consume reads n records of topic "t" with kgo's own consumer.
func consume(t testing.TB, k *kfake.Cluster, isolation string, n int) []sdk.Record {
	t.Helper()
	level := kgo.ReadCommitted()
	if isolation == "read_uncommitted" {
		level = kgo.ReadUncommitted()
	}
	cl := newKgo(t, k, kgo.ConsumeTopics("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(level))
	var records []*kgo.Record
	for len(records) < n {
		fetches := cl.PollFetches(testContext(t))
		if err := fetches.Err0(); err != nil {
			t.Fatalf("%v after %d records", err, len(records))
		}
		records = append(records, fetches.Records()...)
	}
	return fromKgo(records)
}

func contextOf(t testing.TB) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(testContext(t))
}

// fetchVersion are the versions of a cluster with an older fetch.
func fetchVersion(v int16) *kversion.Versions {
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.Fetch), v)
	return versions
}
