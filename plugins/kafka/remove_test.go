// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

func at(t testing.TB, s *source, partition int32, offset int64) sdk.Position {
	t.Helper()
	return sdk.Position{Stream: streamOf(t, s, "t", partition), Offset: offset, LeaderEpoch: sdk.NoEpoch}
}

// waiting waits until n arrivals are queued.
func waiting(t testing.TB, r *reader, n int) {
	t.Helper()
	ctx := testContext(t)
	for {
		r.mu.Lock()
		have := len(r.queue)
		r.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-r.ready: // every push leaves a token
		case <-ctx.Done():
			t.Fatalf("%d arrivals are queued, not %d", have, n)
		}
	}
}

// checkQueued checks that what counts as queued is what is.
func checkQueued(t testing.TB, r *reader) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var lane int64
	each := map[*cursor]int64{}
	for _, a := range r.queue {
		if a.batch != nil {
			lane += int64(a.batch.Size())
			each[a.cursor] += int64(a.batch.Size())
		}
	}
	if counted := r.queued.Load(); counted != lane {
		t.Errorf("%d bytes of the lane count as queued, %d are", counted, lane)
	}
	for tp, c := range r.cursors {
		if counted := c.queued.Load(); counted != each[c] {
			t.Errorf("%s: %d bytes count as queued, %d are", tp, counted, each[c])
		}
	}
}

func TestRemoveDropsWhatIsQueued(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, k *kfake.Cluster)
		until   string
		from    int64
		before  int // arrivals queued before the partition is removed
		read    int // of these, those that are read before
	}{
		{name: "batches", prepare: func(t *testing.T, k *kfake.Cluster) { fill(t, k, 3) }, before: 1},
		{name: "a batch and the error behind it", before: 2, prepare: func(_ *testing.T, k *kfake.Cluster) {
			raw := append(batchAt(0, "a"), batchAt(1, "b")...)
			raw[len(batchAt(0, "a"))+atMagic] = 9
			answerOnce(k, raw)
		}},
		{name: "the rest of a batch that is not as it was summed up", before: 1, read: 1, prepare: func(_ *testing.T, k *kfake.Cluster) {
			raw := append(batchAt(0, "a"), batchAt(1, "b")...)
			answerOnce(k, mangled(raw, len(raw)-2))
		}},
		{name: "an error", from: 50, before: 1, prepare: func(t *testing.T, k *kfake.Cluster) { fill(t, k, 1) }},
		{name: "the end of a bounded partition", from: 10, until: "10", before: 1, prepare: func(t *testing.T, k *kfake.Cluster) { fill(t, k, 2) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := newCluster(t)
			createTopic(t, k, "t", 2)
			test.prepare(t, k)
			s := newTestSource(t, k, func(c *SourceConfig) { c.Until = test.until })
			r := openReaderAt(t, s, at(t, s, 0, test.from)).(*reader)
			waiting(t, r, test.before)
			for range test.read {
				readBatch(t, r)
			}
			r.Remove(t0)
			checkQueued(t, r)
			ctx, cancel := context.WithCancel(testContext(t))
			cancel()
			if _, ok := r.pop(); ok {
				t.Error("something of a removed partition is queued")
			}
			if b, err := r.Read(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("%v, %v came of a removed partition", b, err)
			}
		})
	}
}

// answerOnce answers the first fetch of topic "t" with the bytes, and later ones
// with none.
func answerOnce(k *kfake.Cluster, raw []byte) {
	answerFetches(k, func(_ *kmsg.FetchRequestTopicPartition, part *kmsg.FetchResponseTopicPartition) bool {
		part.RecordBatches, raw = raw, nil
		part.HighWatermark, part.LastStableOffset = 2, 2
		return true
	})
}

// A partition is removed while its fetch is under way, and added again at an
// earlier position: the late answer is dropped, and its memory given back.
func TestLateAnswerOfARemovedPartitionIsDropped(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	fill(t, k, 4)
	asked, answer := make(chan int64, 64), make(chan struct{})
	k.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		offset := r.(*kmsg.FetchRequest).Topics[0].Partitions[0].FetchOffset
		select {
		case asked <- offset:
		default:
		}
		if offset == 20 {
			k.SleepControl(func() { <-answer })
		}
		return nil, nil, false
	})
	s := newTestSource(t, k, nil)
	r := openReaderAt(t, s, at(t, s, 0, 20)).(*reader)
	if from := <-asked; from != 20 {
		t.Fatalf("fetched from %d", from)
	}
	r.Remove(t0)
	if err := r.Add(testContext(t), at(t, s, 0, 5)); err != nil {
		t.Fatal(err)
	}
	close(answer)
	g := readOne(t, r, func(g *got) bool { return g.next == 40 })
	if !slices.Equal(offsetsOf(g.records), ascending(5, 40)) {
		t.Errorf("offsets %v", offsetsOf(g.records))
	}
	checkQueued(t, r)
}

// Partitions are removed and added again at random positions while they are
// fetched and read. What comes goes on from where the partition was added last,
// and when all are removed nothing is held.
func TestPartitionsComeAndGo(t *testing.T) {
	const partitions, end, rounds = 3, 60, 60
	k := newCluster(t, kfake.NumBrokers(2))
	createTopic(t, k, "t", partitions)
	cl := newKgo(t, k)
	for p := range int32(partitions) {
		for i := 0; i < end; i += 5 {
			produceBatch(t, cl, "t", p, numbered(i, i+5)...)
		}
	}
	s := newTestSource(t, k, nil)
	r := openReaderAt(t, s).(*reader)
	ctx, cancel := context.WithCancel(testContext(t))
	var mover sync.WaitGroup
	defer mover.Wait()
	defer cancel()
	mover.Go(func() { // what is elected anew is fetched elsewhere
		for i := int32(0); ctx.Err() == nil && i < 20; i++ {
			_ = k.MoveTopicPartition("t", i%partitions, i%2)
			if err := s.metadata.refresh(ctx); err != nil {
				return
			}
		}
	})
	next := map[sdk.TopicPartition]int64{}
	for range rounds {
		p := rand.Int32N(partitions)
		tp := sdk.TopicPartition{Topic: "t", Partition: p}
		r.Remove(tp)
		next[tp] = rand.Int64N(end)
		if err := r.Add(ctx, at(t, s, p, next[tp])); err != nil {
			t.Fatal(err)
		}
		for range max(rand.IntN(12)-8, 0) { // mostly none: a fetch that finds nothing holds up the next
			if !unread(next, end) {
				break
			}
			b, err := r.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			b.Release()
			if want := next[b.Source.TopicPartition]; b.From != want {
				t.Fatalf("%s goes on with %v, not from %d", b.Source.TopicPartition, b.Offsets, want)
			}
			next[b.Source.TopicPartition] = b.To
		}
		checkQueued(t, r)
	}
	for p := range int32(partitions) {
		r.Remove(sdk.TopicPartition{Topic: "t", Partition: p})
	}
	if queued := r.queued.Load(); queued != 0 {
		t.Errorf("%d bytes count as queued, and nothing is read", queued)
	}
}

func unread(next map[sdk.TopicPartition]int64, end int64) bool {
	for _, at := range next {
		if at < end {
			return true
		}
	}
	return false
}

// Remove is called while another goroutine reads, as when a write fails.
func TestRemoveWhileReading(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 2)
	fill(t, k, 8)
	cl := newKgo(t, k)
	produceBatch(t, cl, "t", 1, "0")
	s := newTestSource(t, k, nil)
	r := openReaderAt(t, s, at(t, s, 1, 0)).(*reader)
	ended := make(chan error, 1)
	other := make(chan struct{})
	go func() {
		for {
			b, err := r.Read(testContext(t))
			if err != nil {
				ended <- err
				return
			}
			b.Release()
			if b.Source.Partition == 1 && b.To == 2 {
				ended <- nil
				return
			}
			if b.Source.Partition == 1 {
				close(other)
			}
		}
	}()
	<-other
	for i := range 100 {
		if err := r.Add(testContext(t), at(t, s, 0, int64(i%80))); err != nil {
			t.Fatal(fmt.Errorf("round %d: %w", i, err))
		}
		r.Remove(t0)
	}
	produceBatch(t, cl, "t", 1, "1")
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	checkQueued(t, r)
}

// An answer that is being taken when its partition is removed comes to nothing,
// also if the partition is read anew by then.
func TestWhatARemovedCursorStillBringsIsDropped(t *testing.T) {
	k := newCluster(t)
	createTopic(t, k, "t", 1)
	s := newTestSource(t, k, nil)
	r := openReaderAt(t, s, at(t, s, 0, 0)).(*reader)
	r.mu.Lock()
	old := r.cursors[t0]
	r.mu.Unlock()
	r.Remove(t0)
	if err := r.Add(testContext(t), at(t, s, 0, 0)); err != nil {
		t.Fatal(err)
	}
	held := s.buffers.get(100)
	late := sdk.NewEncodedBatch(old.stream, sdk.Offsets{To: 1}, &fetched{raw: held.bytes, memory: held})
	r.push(arrival{cursor: old, batch: late})
	old.stop(&sdk.PartitionError{Reason: sdk.ReasonGap})
	if a, ok := r.pop(); ok {
		t.Errorf("%v, %v came", a.batch, a.err)
	}
	if held.users.Load() != 0 {
		t.Error("its memory is not given back")
	}
	checkQueued(t, r)
}
