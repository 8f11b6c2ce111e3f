// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// standard decodes as encoding/json does, with numbers as they are written.
func standard(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more behind it")
	}
	return v, nil
}

// FuzzDecodeJSON holds the decoder against encoding/json.
func FuzzDecodeJSON(f *testing.F) {
	for _, text := range []string{
		`{"a": [1, -0, 2.50, 1e3, 1E-400, 1e999, 12345678901234567890], "b": {"": null}, "a": true}`, ` "\u00fc\ud83d\ude00\ud83dx\udc00\/\b\"" `,
		`[]`, `{}`, `01`, `1.`, `-`, `.5`, `+1`, `[1,]`, `{"a"}`, `{a:1}`, `tru`, "\"\t\"", `"\x"`, `"\u12"`, `"\ud800\u0041"`, `[[[[1]]]] x`, `nul`, `1 2`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !utf8.Valid(raw) {
			if _, err := decodeJSON(raw); err == nil {
				t.Fatalf("%q is not UTF-8", raw)
			}
			return
		}
		want, wrong := standard(raw)
		got, err := decodeJSON(raw)
		if (err != nil) != (wrong != nil) {
			t.Fatalf("%q: %v, and the standard library says %v", raw, err, wrong)
		}
		if diff := cmp.Diff(want, got, cmp.FilterValues(numbers, cmp.Comparer(sameNumber))); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", raw, diff)
		}
	})
}

func numbers(a, b any) bool {
	_, is := a.(json.Number)
	_, is2 := b.(json.Number)
	return is || is2
}

// sameNumber compares a number as it is written with what it became.
func sameNumber(a, b any) bool {
	n, is := a.(json.Number)
	if !is {
		a, b = b, a
		n, is = a.(json.Number)
	}
	switch v := b.(type) {
	case int:
		i, err := n.Int64()
		return is && err == nil && i == int64(v)
	case float64:
		f, err := n.Float64()
		return is && err == nil && f == v && strings.ContainsAny(n.String(), ".eE")
	case json.Number:
		return n == v
	}
	return false
}

func TestDeepJSON(t *testing.T) {
	for depth, good := range map[int]bool{5_000: true, 20_000: false} {
		text := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		if _, err := decodeJSON([]byte(text)); (err == nil) != good {
			t.Errorf("%d deep: %v", depth, err)
		}
	}
}
