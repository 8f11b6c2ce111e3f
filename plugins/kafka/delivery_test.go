// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/klamm-io/klamm/sdk"
)

// newTestSink makes a sink without compression unless set says otherwise. It is
// closed, and its memory checked, at the end of the test.
func newTestSink(t testing.TB, k *kfake.Cluster, set func(*SinkConfig)) *sink {
	t.Helper()
	config := newSinkConfig().(*SinkConfig)
	config.Cluster, config.Compression = declared(k), "none"
	if set != nil {
		set(config)
	}
	env, _ := newEnv(64 << 20)
	made, err := config.NewSink(testContext(t), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := made.Close(); err != nil {
			t.Error(err)
		}
		if used := env.Memory.Used(); used != 0 {
			t.Errorf("%d bytes of memory are not given back", used)
		}
	})
	return made.(*sink)
}

// lane writes batches and keeps what came of them.
type lane struct {
	t testing.TB
	sdk.Writer

	mu       sync.Mutex
	outcomes []*outcome
}

// outcome is what one write became.
type outcome struct {
	sdk.Delivery
	err   error
	calls int
	done  chan struct{}
}

// newLane makes sure of topics with the given partitions, and opens a writer.
func newLane(t testing.TB, s *sink, partitions int32, topics ...string) *lane {
	t.Helper()
	var wanted []sdk.Topic
	for _, name := range topics {
		wanted = append(wanted, sdk.Topic{Name: name, Partitions: partitions})
	}
	failed, err := s.EnsureTopics(testContext(t), wanted)
	if err != nil || len(failed) > 0 {
		t.Fatal(err, failed)
	}
	return openLane(t, s)
}

func openLane(t testing.TB, s *sink) *lane {
	t.Helper()
	w, err := s.Open(testContext(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	l := &lane{t: t, Writer: w}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		l.Close(ctx)
		for i, o := range l.outcomes {
			if o.calls != 1 {
				t.Errorf("write %d: done was called %d times", i, o.calls)
			}
		}
	})
	return l
}

// write writes values of a source partition from offset at on.
func (l *lane) write(topic string, p int32, at int64, values ...string) *outcome {
	var records []sdk.Record
	for i, v := range values {
		records = append(records, sdk.Record{Offset: at + int64(i), Timestamp: 1000, Value: []byte(v)})
	}
	return l.writeRecords(topic, p, at, records)
}

func (l *lane) writeRecords(topic string, p int32, at int64, records []sdk.Record) *outcome {
	source := sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: topic, Partition: p}}
	return l.writeBatch(sdk.NewBatch(source, sdk.Offsets{From: at, To: at + int64(len(records))}, records))
}

func (l *lane) writeBatch(b *sdk.Batch) *outcome {
	o := &outcome{done: make(chan struct{})}
	l.outcomes = append(l.outcomes, o)
	l.Write(testContext(l.t), b, func(d sdk.Delivery, err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		o.calls++
		if o.calls == 1 {
			o.Delivery, o.err = d, err
			close(o.done)
		}
	})
	return o
}

// wait waits for the outcome.
func (o *outcome) wait(t testing.TB) *outcome {
	t.Helper()
	select {
	case <-o.done:
	case <-testContext(t).Done():
		t.Fatal("a write has no outcome")
	}
	return o
}

// ok waits for the outcome, which must be that all is delivered.
func (o *outcome) ok(t testing.TB) *outcome {
	t.Helper()
	if o.wait(t).err != nil {
		t.Fatal(o.err)
	}
	return o
}

// refused waits for the outcome, which must be a stop of the source partition.
func (o *outcome) refused(t testing.TB, reason sdk.Reason, at sdk.Offsets, delivered int64, says ...string) *sdk.PartitionError {
	t.Helper()
	o.wait(t)
	pe, ok := sdk.AsPartitionError(o.err)
	if !ok {
		t.Fatalf("%v is not about a partition", o.err)
	}
	if pe.Reason != reason || pe.Offsets != at || o.To != delivered {
		t.Errorf("%q at %v, delivered to %d, want %q at %v to %d: %v", pe.Reason, pe.Offsets, o.To, reason, at, delivered, pe)
	}
	for _, s := range says {
		if !strings.Contains(pe.Error(), s) {
			t.Errorf("the error does not say %q: %v", s, pe)
		}
	}
	return pe
}

// ended waits for the outcome, which must be an error that ends the lane.
func (o *outcome) ended(t testing.TB, want error) {
	t.Helper()
	o.wait(t)
	if _, ok := sdk.AsPartitionError(o.err); ok || !errors.Is(o.err, want) {
		t.Errorf("%v does not end the lane by %v", o.err, want)
	}
}

// holds checks the values in a target partition, and that the runs of the
// outcomes say where they are.
func holds(t testing.TB, k *kfake.Cluster, topic string, p int32, values ...string) {
	t.Helper()
	s := newTestSource(t, k, func(c *SourceConfig) { c.Topics, c.Until = []string{topic}, latest })
	tp := sdk.TopicPartition{Topic: topic, Partition: p}
	r := openReader(t, s)
	g := readUntil(t, r, func(all map[sdk.TopicPartition]*got) bool { return all[tp] != nil && all[tp].last })[tp]
	var found []string
	for i := range g.records {
		found = append(found, string(g.records[i].Value))
	}
	if strings.Join(found, ",") != strings.Join(values, ",") {
		t.Errorf("%s holds %d values %.300v, want %d: %.300v", tp, len(found), found, len(values), values)
	}
}

// produceVersion are the versions of a cluster with an older produce.
func produceVersion(v int16) *kversion.Versions {
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.Produce), v)
	return versions
}

// oldTransactions are the versions of a cluster without transaction.version 2.
func oldTransactions() *kversion.Versions {
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.Produce), 11)
	versions.SetMaxKeyVersion(int16(kmsg.EndTxn), 4)
	versions.SetMaxKeyVersion(int16(kmsg.ApiVersions), 2) // tells no features
	return versions
}
