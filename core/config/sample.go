// SPDX-License-Identifier: Apache-2.0

package config

import (
	"regexp/syntax"
	"strings"
)

// isLiteral reports whether a topic pattern is the name of one topic.
func isLiteral(pattern string) bool {
	return pattern != "" && !strings.HasPrefix(pattern, "!") && !strings.HasPrefix(pattern, "/") && !strings.ContainsAny(pattern, `*?[\`)
}

// sample returns a name that a topic pattern selects, with filler for what it
// leaves open; false for an exclude, and for a pattern it cannot make one of.
func sample(pattern, filler string) (string, bool) {
	switch {
	case strings.HasPrefix(pattern, "!"):
		return "", false
	case strings.HasPrefix(pattern, "/"):
		re, err := syntax.Parse(strings.Trim(pattern, "/"), syntax.Perl)
		if err != nil {
			return "", false
		}
		var b strings.Builder
		ok := sampleRegexp(&b, re.Simplify(), filler)
		return b.String(), ok && b.Len() <= maxSample
	}
	return sampleGlob(pattern, filler), true
}

const maxSample = 249 // the longest name a topic may have

func sampleGlob(pattern, filler string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '*':
			b.WriteString(filler)
		case '?':
			b.WriteByte('x')
		case '[':
			member, length := classMember(pattern[i:])
			b.WriteByte(member)
			i += length - 1
		case '\\':
			if i++; i < len(pattern) {
				b.WriteByte(pattern[i])
			}
		default:
			b.WriteByte(pattern[i])
		}
	}
	return b.String()
}

// classMember returns a member of the class that a glob begins with, and the
// length of the class.
func classMember(glob string) (member byte, length int) {
	end := strings.IndexByte(glob, ']')
	if end < 2 {
		return 'x', len(glob)
	}
	body := glob[1:end]
	if !strings.HasPrefix(body, "^") {
		return body[0], end + 1
	}
	for _, candidate := range []byte("x0_.-aZ") {
		if !strings.ContainsRune(body, rune(candidate)) {
			return candidate, end + 1
		}
	}
	return 'x', end + 1
}

// sampleRegexp writes a string that the expression matches.
func sampleRegexp(b *strings.Builder, re *syntax.Regexp, filler string) bool {
	if b.Len() > maxSample {
		return false
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return false
		}
		b.WriteRune(re.Rune[0])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('x')
	case syntax.OpStar, syntax.OpPlus:
		if op := re.Sub[0].Op; op == syntax.OpAnyChar || op == syntax.OpAnyCharNotNL {
			b.WriteString(filler)
			return true
		}
		return sampleRegexp(b, re.Sub[0], filler)
	case syntax.OpCapture, syntax.OpQuest, syntax.OpAlternate:
		return sampleRegexp(b, re.Sub[0], filler)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if !sampleRegexp(b, sub, filler) {
				return false
			}
		}
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpBeginText, syntax.OpEndLine, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
	default:
		return false
	}
	return true
}
