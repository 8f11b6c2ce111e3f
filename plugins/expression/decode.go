// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep a JSON value may be nested, as in encoding/json.
const maxDepth = 10_000

// decodeJSON decodes one JSON value, as encoding/json does, but for numbers: whole
// ones stay whole, and one that would become another number stays as it is written.
// It takes a quarter of the time that a json.Decoder takes for that.
func decodeJSON(raw []byte) (any, error) {
	text := string(raw) // what is cut out of it is not copied again
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("it is not UTF-8")
	}
	p := jsonParser{text: text}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(text) {
		return nil, p.unexpected()
	}
	return v, nil
}

type jsonParser struct {
	text string
	at   int
}

func (p *jsonParser) unexpected() error {
	if p.at >= len(p.text) {
		return fmt.Errorf("unexpected end of JSON")
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return fmt.Errorf("unexpected %q in JSON at byte %d", r, p.at)
}

func (p *jsonParser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

// next skips white space and one character; false if it is another.
func (p *jsonParser) next(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *jsonParser) value(depth int) (any, error) {
	p.space()
	if p.at >= len(p.text) {
		return nil, p.unexpected()
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("JSON nested more than %d deep", maxDepth)
	}
	switch p.text[p.at] {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		return p.string()
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	case 'n':
		return nil, p.word("null")
	}
	return p.number()
}

func (p *jsonParser) word(word string) error {
	if !strings.HasPrefix(p.text[p.at:], word) {
		return p.unexpected()
	}
	p.at += len(word)
	return nil
}

func (p *jsonParser) object(depth int) (any, error) {
	p.at++
	m := map[string]any{}
	if p.next('}') {
		return m, nil
	}
	for {
		if p.space(); p.at >= len(p.text) || p.text[p.at] != '"' {
			return nil, p.unexpected()
		}
		key, err := p.string()
		if err != nil {
			return nil, err
		}
		if !p.next(':') {
			return nil, p.unexpected()
		}
		if m[key], err = p.value(depth + 1); err != nil {
			return nil, err
		}
		if p.next('}') {
			return m, nil
		}
		if !p.next(',') {
			return nil, p.unexpected()
		}
	}
}

func (p *jsonParser) array(depth int) (any, error) {
	p.at++
	list := []any{}
	if p.next(']') {
		return list, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if p.next(']') {
			return list, nil
		}
		if !p.next(',') {
			return nil, p.unexpected()
		}
	}
}

// string reads a string. Without escapes it is a part of the text.
func (p *jsonParser) string() (string, error) {
	p.at++
	begin := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return p.text[begin : p.at-1], nil
		case c == '\\':
			return p.escaped(begin)
		case c < ' ':
			return "", p.unexpected()
		}
		p.at++
	}
	return "", p.unexpected()
}

// escaped reads on a string that began at begin, from its first escape.
func (p *jsonParser) escaped(begin int) (string, error) {
	var b strings.Builder
	b.WriteString(p.text[begin:p.at])
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return b.String(), nil
		case c < ' ':
			return "", p.unexpected()
		case c != '\\':
			b.WriteByte(c)
			p.at++
		default:
			r, ok := p.escape()
			if !ok {
				return "", p.unexpected()
			}
			b.WriteRune(r)
		}
	}
	return "", p.unexpected()
}

// escape reads an escape. Half of a surrogate pair is the replacement character.
func (p *jsonParser) escape() (rune, bool) {
	if p.at++; p.at >= len(p.text) {
		return 0, false
	}
	c := p.text[p.at]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		p.at++
		return rune("\"\\/\b\f\n\r\t"[i]), true
	}
	r, ok := p.hex()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok
	}
	before := p.at
	if strings.HasPrefix(p.text[p.at:], `\u`) {
		p.at++
		if low, ok := p.hex(); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, true
			}
		}
	}
	p.at = before
	return utf8.RuneError, true
}

// hex reads the u of an escape and its four digits.
func (p *jsonParser) hex() (rune, bool) {
	if len(p.text)-p.at < 5 || p.text[p.at] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(p.text[p.at+1:p.at+5], 16, 16)
	if err != nil {
		return 0, false
	}
	p.at += 5
	return rune(n), true
}

func (p *jsonParser) number() (any, error) {
	begin := p.at
	p.one("-")
	if !p.one("0") && !p.digits() {
		return nil, p.unexpected()
	}
	whole := true
	if p.one(".") {
		if whole = false; !p.digits() {
			return nil, p.unexpected()
		}
	}
	if p.one("eE") {
		whole = false
		p.one("+-")
		if !p.digits() {
			return nil, p.unexpected()
		}
	}
	text := p.text[begin:p.at]
	if whole {
		if n, err := strconv.Atoi(text); err == nil {
			return n, nil
		}
	} else if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f, nil
	}
	return json.Number(text), nil
}

// one skips one of some characters.
func (p *jsonParser) one(of string) bool {
	if p.at < len(p.text) && strings.IndexByte(of, p.text[p.at]) >= 0 {
		p.at++
		return true
	}
	return false
}

func (p *jsonParser) digits() bool {
	begin := p.at
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at > begin
}
