// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that is written as a string: "30s", "5m".
type Duration time.Duration

func (d Duration) String() string { return time.Duration(d).String() }

// ParseDuration reads a positive duration.
func ParseDuration(s string) (Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf(`%q is not a duration; write a positive number with its unit, such as "30s" or "5m"`, s)
	}
	return Duration(d), nil
}

// Expression is a text that a stage compiles when it is made and evaluates for
// each record. In a file it is written out: ${} in it is refused.
type Expression string

// Expressions are expressions by a name.
type Expressions map[string]string

// Bytes is a number of bytes that is written as a string: "64MiB", "1GB".
type Bytes int64

var byteUnits = []struct {
	name string
	size int64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"TiB", 1 << 40},
	{"kB", 1e3},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"B", 1},
}

// String writes the largest unit that leaves a whole number, a binary one first.
func (b Bytes) String() string {
	for _, u := range []int{3, 2, 1, 0, 8, 7, 6, 4} {
		if unit := byteUnits[u]; b != 0 && int64(b)%unit.size == 0 {
			return strconv.FormatInt(int64(b)/unit.size, 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

// ParseBytes reads a positive number of bytes with an optional unit.
func ParseBytes(s string) (Bytes, error) {
	bad := fmt.Errorf(`%q is not a size; write a positive number with its unit, such as "64MiB"`, s)
	number, size := s, int64(1)
	for _, u := range byteUnits {
		if n, ok := strings.CutSuffix(s, u.name); ok {
			number, size = strings.TrimSpace(n), u.size
			break
		}
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil && n > 0 && n <= math.MaxInt64/size {
		return Bytes(n * size), nil
	}
	n, err := strconv.ParseFloat(number, 64) // "1.5"
	if n *= float64(size); err != nil || math.IsNaN(n) || n < 1 || n >= math.MaxInt64 {
		return 0, bad
	}
	return Bytes(n), nil
}

// Secret is a string that prints as ***. A plugin reads it with Reveal at the
// place where it is used. Package fmt asks no method of an unexported field, nor
// below a pointer whose verb does not fit (%s of a struct): a struct that is
// printed keeps its secrets exported and behind no pointer of its own.
type Secret string

const redacted = "***"

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string { return redacted }

// GoString keeps the secret out of %#v.
func (s Secret) GoString() string { return redacted }

// Format keeps the secret out of every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText keeps the secret out of JSON and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
