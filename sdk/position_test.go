// SPDX-License-Identifier: Apache-2.0

package sdk_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/klamm-io/klamm/sdk"
)

func drawPosition(t *rapid.T) sdk.Position {
	id := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")
	return sdk.Position{
		Stream: sdk.Stream{
			TopicPartition: sdk.TopicPartition{
				Topic:     rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9._-]{1,20}`), rapid.String()).Draw(t, "topic"),
				Partition: rapid.Int32Range(0, math.MaxInt32).Draw(t, "partition"),
			},
			TopicID: sdk.TopicID(id),
		},
		Offset:      rapid.Int64Range(0, math.MaxInt64).Draw(t, "offset"),
		LeaderEpoch: rapid.Int32Range(sdk.NoEpoch, math.MaxInt32).Draw(t, "epoch"),
		Token:       string(rapid.SliceOf(rapid.Byte()).Draw(t, "token")),
	}
}

func TestPositionRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawPosition(t)
		e, err := sdk.EncodePosition(want)
		if err != nil {
			t.Fatal(err)
		}
		got, ok, err := sdk.DecodePosition(e.Key, e.Value)
		if err != nil || !ok || got != want {
			t.Fatalf("entry %q %s reads as %+v, %t, %v; want %+v", e.Key, e.Value, got, ok, err, want)
		}
		if e.Key != sdk.PositionKey(want.TopicPartition) {
			t.Fatalf("key %q", e.Key)
		}
	})
}

// The stored form is read by later versions and by people: it does not change.
func TestPositionStoredForm(t *testing.T) {
	e, err := sdk.EncodePosition(sdk.Position{
		Stream: sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: "a/b", Partition: 7}, TopicID: sdk.TopicID{0xab, 15: 1}},
		Offset: 42, LeaderEpoch: 3, Token: "t",
	})
	if err != nil {
		t.Fatal(err)
	}
	const key, value = "position/a%2Fb/7", `{"v":1,"topic_id":"ab000000-0000-0000-0000-000000000001","offset":42,"leader_epoch":3,"token":"dA=="}`
	if e.Key != key || string(e.Value) != value {
		t.Errorf("got %s %s\nwant %s %s", e.Key, e.Value, key, value)
	}
}

func TestDecodePositionRefuses(t *testing.T) {
	const zero = "00000000-0000-0000-0000-000000000000"
	tests := []struct {
		name  string
		key   string
		value string
		says  string
	}{
		{"newer version", "position/a/0", `{"v":2,"topic_id":"` + zero + `","offset":1,"leader_epoch":0}`, "version 2; this Klamm reads version 1"},
		{"no version", "position/a/0", `{}`, "version 0"},
		{"no partition", "position/a", `{"v":1}`, "no partition"},
		{"negative partition", "position/a/-1", `{"v":1}`, "not a partition"},
		{"partition out of range", "position/a/2147483648", `{"v":1}`, "not a partition"},
		{"a second key of a partition", "position/a/+1", `{"v":1}`, `"position/a/1"`},
		{"a second key of a topic", "position/%61/1", `{"v":1}`, `"position/a/1"`},
		{"bad escape", "position/%zz/1", `{"v":1}`, "escape"},
		{"removed value", "position/a/0", ``, "JSON"},
		{"not an object", "position/a/0", `[1]`, "array"},
		{"offset as text", "position/a/0", `{"v":1,"offset":"1"}`, "offset"},
		{"no topic id", "position/a/0", `{"v":1,"offset":1}`, "topic id"},
		{"negative offset", "position/a/0", `{"v":1,"topic_id":"` + zero + `","offset":-1}`, "offset -1"},
		{"epoch below none", "position/a/0", `{"v":1,"topic_id":"` + zero + `","leader_epoch":-2}`, "leader epoch -2"},
		{"bad token", "position/a/0", `{"v":1,"topic_id":"` + zero + `","token":"*"}`, "base64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, ok, err := sdk.DecodePosition(tt.key, []byte(tt.value))
			if err == nil {
				t.Fatalf("read as %+v", p)
			}
			if !ok || p != (sdk.Position{}) {
				t.Errorf("beside the error: %+v, %t", p, ok)
			}
			if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), `"`+tt.key+`"`) {
				t.Errorf("error %q does not say %q and the key", err, tt.says)
			}
		})
	}
}

func TestDecodePositionLeavesOtherKeysAlone(t *testing.T) {
	for _, key := range []string{"", "pipeline", "map/a/0/1", "position", "positions/a/0", "Position/a/0"} {
		if p, ok, err := sdk.DecodePosition(key, []byte("anything")); ok || err != nil {
			t.Errorf("key %q: %+v, %t, %v", key, p, ok, err)
		}
	}
}

func FuzzDecodePosition(f *testing.F) {
	f.Add("position/a/0", []byte(`{"v":1,"topic_id":"00000000-0000-0000-0000-000000000000","offset":1,"leader_epoch":-1,"token":"dA=="}`))
	f.Add("position/a%2Fb/7", []byte(`{"v":2}`))
	f.Add("map/a/0/0", []byte(`{}`))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		p, ok, err := sdk.DecodePosition(key, value)
		switch {
		case ok != strings.HasPrefix(key, "position/"):
			t.Fatalf("key %q: ok %t", key, ok)
		case !ok && err != nil, err != nil && !strings.Contains(err.Error(), "reading stored position "):
			t.Fatalf("key %q: %v", key, err)
		case !ok || err != nil:
			return
		}
		if p.Offset < 0 || p.Partition < 0 || p.LeaderEpoch < sdk.NoEpoch {
			t.Fatalf("%q %s reads as %+v", key, value, p)
		}
		e, err := sdk.EncodePosition(p)
		if err != nil || e.Key != key {
			t.Fatalf("%+v goes back to %q, %v; it came from %q", p, e.Key, err, key)
		}
		again, _, err := sdk.DecodePosition(e.Key, e.Value)
		if err != nil || again != p {
			t.Fatalf("%+v reads again as %+v, %v", p, again, err)
		}
		if newer := bytes.Replace(e.Value, []byte(`"v":1`), []byte(`"v":2`), 1); true {
			if _, _, err := sdk.DecodePosition(key, newer); err == nil {
				t.Fatalf("%s is accepted", newer)
			}
		}
	})
}

func TestTopicID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := sdk.TopicID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		if got, err := sdk.ParseTopicID(id.String()); err != nil || got != id {
			t.Fatalf("%s reads as %s, %v", id, got, err)
		}
	})
	for _, s := range []string{
		"", "0", strings.Repeat("0", 32), strings.Repeat("0", 36), "00000000-0000-0000-0000-00000000000g",
		"00000000-0000-0000-0000-0000000000000", "0000000-00000-0000-0000-000000000000", "{0000000-0000-0000-0000-00000000000}",
	} {
		if id, err := sdk.ParseTopicID(s); err == nil || !strings.Contains(err.Error(), "topic id") {
			t.Errorf("%q reads as %s, %v", s, id, err)
		}
	}
}
