// SPDX-License-Identifier: Apache-2.0

package sdk_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/sdk"
)

type fakeEncoded struct {
	bytes   []byte
	records []sdk.Record
	err     error
	decoded int
	given   int // back
}

func (e *fakeEncoded) Bytes() []byte { return e.bytes }

func (e *fakeEncoded) Count() int { return len(e.records) }

func (e *fakeEncoded) Release() { e.given++ }

func (e *fakeEncoded) Decode() ([]sdk.Record, error) {
	e.decoded++
	return e.records, e.err
}

var batchSource = sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: "orders", Partition: 2}, TopicID: sdk.TopicID{9}}

func TestBatchDecodesOnce(t *testing.T) {
	e := &fakeEncoded{bytes: []byte("raw bytes"), records: []sdk.Record{{Offset: 5, Value: []byte("v")}}}
	b := sdk.NewEncodedBatch(batchSource, sdk.Offsets{From: 5, To: 8}, e)
	b.Topic = "renamed"
	if e.decoded != 0 || b.Size() != 9 || b.Newest != -1 {
		t.Fatalf("decoded %d times, size %d, newest %d", e.decoded, b.Size(), b.Newest)
	}
	for range 3 {
		got, err := b.Records()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e.records, got); diff != "" {
			t.Fatal(diff)
		}
	}
	if e.decoded != 1 {
		t.Errorf("decoded %d times", e.decoded)
	}
	if got, ok := b.Encoded(); !ok || got != sdk.Encoded(e) {
		t.Error("looking at the records dropped the bytes")
	}
	if b.Size() != 9 {
		t.Errorf("size %d after decoding", b.Size())
	}
}

func TestBatchWithoutRecordsIsDecodedOnce(t *testing.T) {
	e := &fakeEncoded{}
	b := sdk.NewEncodedBatch(batchSource, sdk.Offsets{From: 5, To: 8}, e)
	for range 2 {
		if records, err := b.Records(); err != nil || len(records) > 0 {
			t.Fatal(records, err)
		}
	}
	if e.decoded != 1 {
		t.Errorf("decoded %d times", e.decoded)
	}
}

func TestBatchDecodeErrorStays(t *testing.T) {
	e := &fakeEncoded{err: errors.New("offset 6: bad checksum")}
	b := sdk.NewEncodedBatch(batchSource, sdk.Offsets{From: 5, To: 8}, e)
	for range 2 {
		if _, err := b.Records(); !errors.Is(err, e.err) {
			t.Fatalf("got %v", err)
		}
	}
	if e.decoded != 1 {
		t.Errorf("decoded %d times", e.decoded)
	}
	b.SetRecords(nil)
	if records, err := b.Records(); err != nil || len(records) != 0 {
		t.Errorf("after SetRecords: %v, %v", records, err)
	}
}

func TestSetRecordsReplacesTheBytes(t *testing.T) {
	e := &fakeEncoded{bytes: make([]byte, 1000), records: []sdk.Record{{Offset: 5}, {Offset: 6}}}
	b := sdk.NewEncodedBatch(batchSource, sdk.Offsets{From: 5, To: 8}, e)
	want := []sdk.Record{{Offset: 6, Key: []byte("k"), Value: []byte("vv"), Headers: []sdk.Header{{Key: "hhh", Value: []byte("4444")}}}}
	b.SetRecords(want)
	if _, ok := b.Encoded(); ok {
		t.Error("the bytes survived")
	}
	got, err := b.Records()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || e.decoded != 0 {
		t.Errorf("decoded %d times; records %s", e.decoded, diff)
	}
	if b.Size() != 1+2+3+4 {
		t.Errorf("size %d", b.Size())
	}
}

func TestBatchIsReleasedOnce(t *testing.T) {
	for name, use := range map[string]func(*sdk.Batch){
		"as read": func(*sdk.Batch) {},
		"decoded": func(b *sdk.Batch) { b.Records() },
		// The new records may still point into the bytes.
		"replaced": func(b *sdk.Batch) { b.SetRecords([]sdk.Record{{Offset: 5}}) },
	} {
		t.Run(name, func(t *testing.T) {
			e := &fakeEncoded{bytes: []byte("raw bytes"), records: []sdk.Record{{Offset: 5}}}
			b := sdk.NewEncodedBatch(batchSource, sdk.Offsets{From: 5, To: 8}, e)
			use(b)
			if e.given != 0 {
				t.Fatal("the bytes were given back before the batch was released")
			}
			b.Release()
			b.Release()
			if e.given != 1 {
				t.Errorf("the bytes were given back %d times", e.given)
			}
			if _, ok := b.Encoded(); ok {
				t.Error("the bytes can still be had")
			}
		})
	}
	sdk.NewBatch(batchSource, sdk.Offsets{From: 5, To: 8}, nil).Release() // has nothing to give
}

func TestBatchNext(t *testing.T) {
	b := sdk.NewBatch(batchSource, sdk.Offsets{From: 5, To: 8}, nil)
	if got, want := b.Next(), (sdk.Position{Stream: batchSource, Offset: 8, LeaderEpoch: sdk.NoEpoch}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	b.LeaderEpoch, b.Token, b.Topic = 3, "t", "elsewhere"
	if got, want := b.Next(), (sdk.Position{Stream: batchSource, Offset: 8, LeaderEpoch: 3, Token: "t"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
