// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"
)

// letters is a partition with one record for each letter; equal letters are
// equal records.
func letters(text string) Content {
	records := make([]Record, len(text))
	for i, letter := range []byte(text) {
		records[i] = NewRecord(&kgo.Record{Value: []byte{letter}, Timestamp: time.UnixMilli(1)})
		records[i].Offset = int64(i)
	}
	return Content{Topic: "letters", Partitions: []Partition{{Records: records}}}
}

func TestReplays(t *testing.T) {
	tests := []struct {
		name           string
		source, target string
		want           []string
	}{
		{"none", "abcdef", "abcdef", nil},
		{"of everything", "abcdef", "abcdefabcdef", nil},
		{"of a suffix in the middle", "abcdef", "abcdcdef", nil},
		{"of a suffix at the end", "abcdef", "abcdefef", nil},
		{"replayed itself", "abcdef", "abcdbcbcdef", nil},
		{"setting in earlier each time", "abcdef", "abcdcdbcdef", nil},
		{"of equal records", "aabaab", "aabaabaab", nil},
		{"of equal records, cursor further back", "abaac", "abaabaac", nil},
		{"not of a suffix", "abcdef", "abcdbcef", []string{"duplicated 2"}},
		{"with a hole", "abcdef", "abcdefacdef", []string{"duplicated 1"}},
		{"without an end", "abcdef", "abcdefcd", []string{"duplicated 2"}},
		{"ahead of the first delivery", "abcdef", "abecdef", []string{"reordered 1"}},
		{"from a late record", "abcdef", "abdecdef", []string{"reordered 1"}},
		{"over a missing record", "abcdef", "abdeabdef", []string{"missing 1", "duplicated 2"}},
		{"with an unknown record", "abcdef", "abcdcxdef", []string{"extra 1"}},
		{"of a changed order", "abcdef", "abcdedcdef", nil},
		{"nothing delivered", "abcdef", "", []string{"missing 6"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Diff(letters(test.source), letters(test.target), Options{AllowReplays: true})
			if d := cmp.Diff(test.want, summary(got)); d != "" {
				t.Errorf("differences (-want +got):\n%s\n%s", d, Report(got))
			}
		})
	}
}

// replayed draws a target that delivers source with replays, following the
// definition in the package comment literally.
func replayed(t *rapid.T, source string) (target string, replays int) {
	cursor := 0
	for cursor < len(source) {
		if replays < 5 && cursor > 0 && rapid.IntRange(0, 3).Draw(t, "crash") == 0 {
			cursor = rapid.IntRange(0, cursor-1).Draw(t, "position")
			replays++
		}
		target += source[cursor : cursor+1]
		cursor++
	}
	return target, replays
}

func TestReplaysAreAccepted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.StringMatching(`[a-z]{0,30}`).Draw(t, "source")
		target, replays := replayed(t, source)
		if got := Diff(letters(source), letters(target), Options{AllowReplays: true}); len(got) > 0 {
			t.Fatalf("%s for %s is refused: %s", target, source, Report(got))
		}
		got := Diff(letters(source), letters(target), Options{})
		if (len(got) > 0) != (replays > 0) {
			t.Fatalf("%s for %s, replays not allowed: %s", target, source, Report(got))
		}
	})
}

// Few letters make equal records and therefore many ways to read a target;
// the check agrees with trying them all.
func TestReplaysAgreeWithTryingAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.StringMatching(`[ab]{0,6}`).Draw(t, "source")
		target := rapid.StringMatching(`[ab]{0,10}`).Draw(t, "target")
		want := reachable(source, target)
		got := Diff(letters(source), letters(target), Options{AllowReplays: true})
		if (len(got) == 0) != want {
			t.Fatalf("%s for %s: allowed %v, reported: %s", target, source, want, Report(got))
		}
	})
}

// reachable follows every cursor there can be.
func reachable(source, target string) bool {
	cursors := []int{0}
	for i := range target {
		var next []int
		for _, cursor := range cursors {
			for place := 0; place <= min(cursor, len(source)-1); place++ {
				if source[place] == target[i] && !slices.Contains(next, place+1) {
					next = append(next, place+1)
				}
			}
		}
		cursors = next
	}
	return slices.Contains(cursors, len(source))
}

func TestIdentityHasNoDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		content := letters(rapid.StringMatching(`[a-d]{0,40}`).Draw(t, "source"))
		for _, options := range []Options{{}, {AllowReplays: true}} {
			if got := Diff(content, content, options); len(got) > 0 {
				t.Fatal(Report(got))
			}
		}
	})
}

// Whatever is not equal is reported, also if nothing fits it well.
func TestInequalityIsReported(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.StringMatching(`[a-d]{0,8}`).Draw(t, "source")
		target := rapid.StringMatching(`[a-d]{0,8}`).Draw(t, "target")
		got := Diff(letters(source), letters(target), Options{})
		if (len(got) == 0) != (source == target) {
			t.Fatalf("%s for %s: %s", target, source, Report(got))
		}
	})
}
