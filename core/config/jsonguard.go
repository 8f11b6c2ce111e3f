// SPDX-License-Identifier: Apache-2.0

package config

import (
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// guardJSON is the guard of the JSON parser, which recurses once per bracket.
// It tells strings from brackets just as the parser does, or it could be
// deceived about the depth.
func (l *loader) guardJSON(src *source) bool {
	var open []byte
	at := func(i, length int) *hcl.Range {
		return &hcl.Range{Filename: src.name, Start: src.pos(i), End: src.pos(i + length)}
	}
	for i := 0; i < len(src.text); i++ {
		switch c := src.text[i]; c {
		case '"':
			end, joined := stringEnd(src.text, i)
			if joined >= 0 {
				_, length := utf8.DecodeRune(src.text[joined:])
				l.errorf(at(joined, length), "Unsupported character", "This character joins the one after it. Before a quotation mark or a backslash write it as \\uXXXX.")
				return false
			}
			i = end - 1
		case '{', '[':
			if open = append(open, c); len(open) > maxNesting {
				l.errorf(at(i, 1), "Nesting too deep", "Objects and arrays may be nested %d deep. Give the inner part a name of its own in locals.", maxNesting)
				return false
			}
		case '}', ']':
			// Both opening brackets are two before their closing ones.
			if n := len(open); n > 0 && open[n-1] == c-2 {
				open = open[:n-1]
			}
		}
	}
	return true
}

// stringEnd returns where the string ends that begins at i, or a place in it
// where the parser would take a character and what follows it for one.
func stringEnd(text []byte, i int) (end, joined int) {
	escaping, prepended := false, -1
	for i++; i < len(text); {
		r, length := utf8.DecodeRune(text[i:])
		switch {
		case prepended >= 0 && (r == '"' || r == '\\'):
			return i, prepended
		case r == '\\':
			escaping = !escaping
		case r == '"' && !escaping:
			return i + 1, -1
		case r < ' ':
			return i, -1
		default:
			escaping = false
		}
		prepended = -1
		if unicode.In(r, unicode.Prepended_Concatenation_Mark, prepending) {
			prepended = i
		}
		i += length
	}
	return i, -1
}

// prepending are the letters that Unicode joins to what follows them.
var prepending = &unicode.RangeTable{
	R16: []unicode.Range16{{0x070f, 0x070f, 1}, {0x0d4e, 0x0d4e, 1}},
	R32: []unicode.Range32{
		{0x111c2, 0x111c3, 1},
		{0x1193f, 0x1193f, 1},
		{0x11941, 0x11941, 1},
		{0x11a3a, 0x11a3a, 1},
		{0x11a84, 0x11a89, 1},
		{0x11d46, 0x11d46, 1},
		{0x11f02, 0x11f02, 1},
	},
}

// pos is the place of a byte.
func (src *source) pos(at int) hcl.Pos {
	p := hcl.Pos{Line: 1, Column: 1, Byte: at}
	begin := 0
	for i, c := range src.text[:at] {
		if c == '\n' {
			p.Line, begin = p.Line+1, i+1
		}
	}
	p.Column += utf8.RuneCount(src.text[begin:at])
	return p
}
