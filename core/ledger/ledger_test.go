// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/klamm-io/klamm/sdk"
)

// stored is a ledger after entries were committed to it, beside another's.
func stored(t rapid.TB, entries ...sdk.Entry) map[string][]byte {
	t.Helper()
	all := map[string][]byte{"journal/1": []byte("another's")}
	for _, e := range entries {
		if e.Value == nil {
			delete(all, e.Key)
		} else {
			all[e.Key] = e.Value
		}
	}
	return all
}

func must[T any](t rapid.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var (
	anyPartition = rapid.Custom(func(t *rapid.T) sdk.TopicPartition {
		return sdk.TopicPartition{Topic: rapid.StringN(1, 20, -1).Draw(t, "topic"), Partition: rapid.Int32Range(0, 1<<20).Draw(t, "partition")}
	})
	anyTime = rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "seconds"), rapid.Int64Range(0, 1e9-1).Draw(t, "nanos")).UTC()
	})
	anyText = rapid.String()
)

func TestBirthRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var streams []sdk.Stream
		for _, topic := range rapid.SliceOfDistinct(rapid.String(), rapid.ID).Draw(t, "topics") {
			for i := range rapid.Int32Range(1, 3).Draw(t, "partitions") {
				streams = append(streams, sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: topic, Partition: i}, TopicID: sdk.TopicID{byte(len(topic)), 7}})
			}
		}
		want := NewBirth(Identity{Pipeline: "copy", Source: "a", Sink: "b", Lanes: 8, Created: "2026-01-02T03:04:05Z"}, streams)
		c := must[*Control](t)(DecodeControl(stored(t, must[[]sdk.Entry](t)(want.Entries())...)))
		if diff := cmp.Diff(want, c.Birth, cmp.AllowUnexported(Birth{}, Identity{}, knownTopic{}, versioned{})); diff != "" {
			t.Fatal(diff)
		}
		for _, s := range streams {
			later, again := s, s
			later.Partition += 3
			again.TopicID = sdk.TopicID{0xff}
			if !c.Birth.Has(s) || c.Birth.Has(later) || c.Birth.Has(again) {
				t.Fatalf("%s: has %t, a later partition %t, a later topic %t", s, c.Birth.Has(s), c.Birth.Has(later), c.Birth.Has(again))
			}
		}
	})
}

func TestLaneRoundTrip(t *testing.T) {
	entryOf := func(t *rapid.T) func(sdk.Entry, error) sdk.Entry { return must[sdk.Entry](t) }
	rapid.Check(t, func(t *rapid.T) {
		tp, at := anyPartition.Draw(t, "partition"), anyTime.Draw(t, "at")
		position := sdk.Position{Stream: sdk.Stream{TopicPartition: tp, TopicID: sdk.TopicID{9}}, Offset: 7, LeaderEpoch: 3, Target: anyText.Draw(t, "target")}
		place := PlaceOf(position)
		want := &Lane{
			State:     &State{versioned{version}, "running", at, "host:1", 4, anyText.Draw(t, "error"), at, Batches{5, map[string]int64{anyText.Draw(t, "reason"): 3}}},
			Positions: map[sdk.TopicPartition]sdk.Position{tp: position},
			Stops:     map[sdk.TopicPartition]Stop{tp: {versioned{version}, sdk.ReasonGap, sdk.Offsets{From: 1, To: 5}, "lost", at, &place}},
			Gaps: []Gap{
				{position.Stream, sdk.Offsets{From: 1, To: 5}, 0, sdk.ReasonGap, "on_gap", "lost", at},
				{position.Stream, sdk.Offsets{From: 9, To: 12}, 2, sdk.ReasonRejected, "on_reject", "", at.Add(1)},
				{position.Stream, sdk.Offsets{From: 9, To: OpenEnd}, 0, sdk.ReasonRecreated, "on_recreate", "", at.Add(2)},
			},
			Moved:    map[sdk.TopicPartition]Moved{tp: {versioned{version}, "id", 1, 5, "positions skip", at, ""}},
			segments: map[sdk.TopicPartition][]storedSegment{tp: {{7, []byte("{}")}}},
		}
		entries := []sdk.Entry{
			entryOf(t)(want.State.Entry()), entryOf(t)(sdk.EncodePosition(position)), entryOf(t)(want.Stops[tp].Entry(tp)),
			{Key: "map/" + url.PathEscape(tp.Topic) + "/" + strconv.Itoa(int(tp.Partition)) + "/00000000000000000007", Value: []byte("{}")},
			entryOf(t)(want.Gaps[2].Entry()), entryOf(t)(want.Gaps[1].Entry()), entryOf(t)(want.Gaps[0].Entry()), entryOf(t)(want.Moved[tp].Entry(tp)),
		}
		got := must[*Lane](t)(DecodeLane(stored(t, entries...)))
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(State{}, Stop{}, Moved{}, versioned{}, Lane{}, storedSegment{})); diff != "" {
			t.Fatal(diff)
		}
		got = must[*Lane](t)(DecodeLane(stored(t, append(entries, UnstopEntry(tp))...)))
		if len(got.Stops) > 0 {
			t.Fatalf("stops %v", got.Stops)
		}
	})
}

func TestControlRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tp, at := anyPartition.Draw(t, "partition"), anyTime.Draw(t, "at")
		scopes := []Scope{Everything(), {tp.Topic, AllPartitions}, Scope(tp)}
		m := Move{versioned{version}, tp, "id", Place{sdk.TopicID{1}.String(), 5, -1}, true, "positions skip", at}
		entries := []sdk.Entry{must[sdk.Entry](t)(m.Entry())}
		want := Pauses{}
		for _, s := range scopes {
			want[s] = Pause{versioned{version}, "2026-01-02T03:04:05Z", anyText.Draw(t, "by")}
			entries = append(entries, must[sdk.Entry](t)(want[s].Entry(s)))
		}
		c := must[*Control](t)(DecodeControl(stored(t, entries...)))
		if diff := cmp.Diff(want, c.Pauses, cmp.AllowUnexported(Pause{}, versioned{})); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(map[sdk.TopicPartition]Move{tp: m}, c.Moves, cmp.AllowUnexported(Move{}, versioned{})); diff != "" {
			t.Fatal(diff)
		}
		for _, s := range scopes {
			entries = append(entries, ResumeEntry(s))
		}
		if c = must[*Control](t)(DecodeControl(stored(t, append(entries, UnmoveEntry(tp))...))); len(c.Pauses)+len(c.Moves) > 0 {
			t.Fatalf("left over %+v", c)
		}
	})
}

func TestPausesHold(t *testing.T) {
	orders0, orders1, carts0 := sdk.TopicPartition{Topic: "orders"}, sdk.TopicPartition{Topic: "orders", Partition: 1}, sdk.TopicPartition{Topic: "carts"}
	tests := []struct {
		name   string
		scopes []Scope
		want   [3]bool
	}{
		{"nothing", nil, [3]bool{}},
		{"the pipeline", []Scope{Everything()}, [3]bool{true, true, true}},
		{"a topic", []Scope{{"orders", AllPartitions}}, [3]bool{true, true, false}},
		{"a partition", []Scope{{"orders", 1}}, [3]bool{false, true, false}},
		{"a partition and a topic", []Scope{{"orders", 0}, {"carts", AllPartitions}}, [3]bool{true, false, true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := Pauses{}
			for _, s := range tt.scopes {
				p[s] = Pause{}
			}
			if got := [3]bool{p.Hold(orders0), p.Hold(orders1), p.Hold(carts0)}; got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestGapBetween(t *testing.T) {
	at := func(id byte, offset int64) sdk.Position {
		return sdk.Position{Stream: sdk.Stream{TopicID: sdk.TopicID{id}}, Offset: offset}
	}
	tests := []struct {
		name     string
		from, to sdk.Position
		reason   sdk.Reason
		want     sdk.Offsets
		none     bool
	}{
		{"forward", at(1, 5), at(1, 9), sdk.ReasonGap, sdk.Offsets{From: 5, To: 9}, false},
		{"nowhere", at(1, 5), at(1, 5), sdk.ReasonGap, sdk.Offsets{}, true},
		{"back", at(1, 9), at(1, 5), ReasonSkipped, sdk.Offsets{}, true},
		{"truncated", at(1, 9), at(1, 5), sdk.ReasonTruncated, sdk.Offsets{From: 5, To: 9}, false},
		{"past a truncated log", at(1, 9), at(1, 12), sdk.ReasonTruncated, sdk.Offsets{From: 9, To: 12}, false},
		{"another topic", at(1, 9), at(2, 0), sdk.ReasonRecreated, sdk.Offsets{From: 9, To: OpenEnd}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, ok := GapBetween(tt.from, tt.to, tt.reason)
			if ok == tt.none || g.Offsets != tt.want || ok && (g.Stream != tt.from.Stream || g.Reason != tt.reason) {
				t.Errorf("got %+v, %t", g, ok)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	const id = `{"v":1,"pipeline":"copy","source":"a","sink":"b"}`
	tests := []struct {
		name, key, value, says string
		control                bool
	}{
		{"newer identity", "pipeline", `{"v":2}`, `"pipeline": it has version 2; this Klamm reads version 1`, true},
		{"broken identity", "pipeline", `{`, `reading the stored record "pipeline"`, true},
		{"newer topic", "known/a", `{"v":2}`, `"known/a": it has version 2`, true},
		{"broken topic", "known/a", `x`, `reading the stored record "known/a"`, true},
		{"broken name", "known/%", `{"v":1}`, `the stored key "known/%"`, true},
		{"broken pause", "pause/a/x", `{"v":1}`, `"x" is not a partition`, true},
		{"newer pause", "pause", `{"v":9}`, `"pause": it has version 9`, true},
		{"move without a partition", "move/a", `{"v":1}`, `"move/a" names no partition`, true},
		{"newer gap", "gap/a/0/1", `{"v":2}`, `"gap/a/0/1": it has version 2`, false},
		{"gap without a topic id", "gap/a/0/1", `{"v":1}`, `"gap/a/0/1"`, false},
		{"negative partition", "stop/a/-1", `{"v":1}`, `"-1" is not a partition`, false},
		{"broken position", "position/a/0", `{}`, `"position/a/0"`, false},
		{"broken state", "lane", `[]`, `"lane"`, false},
		{"no version", "moved/a/0", `{}`, `version 0`, false},
		{"segment without an offset", "map/a/0", `{}`, `"map/a/0": "" is not an offset`, false},
		{"segment at no offset", "map/a/0/-0000000000000000001", `{}`, `is not an offset`, false},
		{"segment beyond all offsets", "map/a/0/99999999999999999999", `{}`, `is not an offset`, false},
		{"segment under a short key", "map/a/0/7", `{}`, `the key of this segment is "map/a/0/00000000000000000007"`, false},
		{"segment of another spelling", "map/%61/0/00000000000000000007", `{}`, `the key of this segment is "map/a/0/00000000000000000007"`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			entries := map[string][]byte{"pipeline": []byte(id), tt.key: []byte(tt.value)}
			var err error
			if tt.control {
				_, err = DecodeControl(entries)
			} else {
				_, err = DecodeLane(entries)
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q in it", err, tt.says)
			}
		})
	}
	if c, err := DecodeControl(map[string][]byte{"known/a": []byte(`{"v":1}`)}); err != nil || c.Birth != nil {
		t.Errorf("never run: %+v, %v", c, err)
	}
}
