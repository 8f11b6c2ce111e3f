// SPDX-License-Identifier: Apache-2.0

package sdk_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/klamm-io/klamm/sdk"
)

func TestParseDuration(t *testing.T) {
	tests := []struct {
		name string
		text string
		want time.Duration // 0: refused
	}{
		{"seconds", "30s", 30 * time.Second},
		{"mixed", "1h2m3.5s", time.Hour + 2*time.Minute + 3500*time.Millisecond},
		{"without a unit", "30", 0},
		{"zero", "0s", 0},
		{"negative", "-5m", 0},
		{"empty", "", 0},
		{"days", "1d", 0},
		{"beyond the range", "9999999h", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := sdk.ParseDuration(tt.text)
			if time.Duration(got) != tt.want || (err == nil) != (tt.want != 0) {
				t.Errorf("ParseDuration(%q) = %v, %v; want %v", tt.text, got, err, tt.want)
			}
		})
	}
}

func TestParseBytes(t *testing.T) {
	tests := []struct {
		name string
		text string
		want sdk.Bytes // 0: refused
	}{
		{"binary", "64MiB", 64 << 20},
		{"decimal", "1GB", 1e9},
		{"small k", "5kB", 5000},
		{"with a space", "5 KiB", 5 << 10},
		{"fraction", "1.5KiB", 1536},
		{"plain number", "1000", 1000},
		{"bytes", "17B", 17},
		{"the largest", "9223372036854775807B", math.MaxInt64},
		{"above the exact floats", "9007199254740993", 1<<53 + 1},
		{"one too many", "9223372036854775808", 0},
		{"too many with a unit", "8388608TiB", 0},
		{"less than a byte", "0.1B", 0},
		{"zero", "0MiB", 0},
		{"negative", "-1MiB", 0},
		{"not a number", "NaN", 0},
		{"infinite", "infMiB", 0},
		{"unit alone", "MiB", 0},
		{"empty", "", 0},
		{"lower case", "1mib", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := sdk.ParseBytes(tt.text)
			if got != tt.want || (err == nil) != (tt.want != 0) {
				t.Errorf("ParseBytes(%q) = %d, %v; want %d", tt.text, int64(got), err, int64(tt.want))
			}
		})
	}
}

func TestConfigValuesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := sdk.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, "duration"))
		if got, err := sdk.ParseDuration(d.String()); err != nil || got != d {
			t.Errorf("duration %d prints as %s, read as %d, %v", int64(d), d, int64(got), err)
		}
		b := sdk.Bytes(rapid.Int64Range(1, math.MaxInt64).Draw(t, "bytes"))
		b >>= rapid.IntRange(0, 60).Draw(t, "shift")
		b = max(b, 1)
		if got, err := sdk.ParseBytes(b.String()); err != nil || got != b {
			t.Errorf("size %d prints as %s, read as %d, %v", int64(b), b, int64(got), err)
		}
	})
}

func TestBytesString(t *testing.T) {
	tests := []struct {
		name string
		b    sdk.Bytes
		want string
	}{
		{"binary unit", 256 << 20, "256MiB"},
		{"largest that divides", 3 << 40, "3TiB"},
		{"decimal unit", 5_000_000, "5MB"},
		{"no unit divides", 1001, "1001B"},
		{"zero", 0, "0B"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.b.String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
