// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"regexp"
	"slices"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// lines returns the numbers of the lines that hold secret literals.
func (s *secrets) lines(src *source, tokens hclsyntax.Tokens) map[int]bool {
	found := map[int]bool{}
	for i, line := range bytes.Split(src.text, []byte("\n")) {
		found[i+1] = callOfSensitive.Match(line) || escapedName.Match(line)
		for _, m := range assignment.FindAllSubmatch(line, -1) {
			found[i+1] = found[i+1] || s.isName(string(m[1]))
		}
	}
	scan, next := secretScan{tokens: tokens, lines: found, json: isJSON(src.name)}, 0
	for i, t := range tokens {
		switch {
		case i < next:
		case string(t.Bytes) == "sensitive":
			next = scan.sensitive(i)
		case scan.assigns(i) && s.isName(string(t.Bytes)):
			next = scan.markFrom(i)
		}
	}
	return found
}

// hide keeps the lines of a secret out of messages.
func (l *loader) hide(r hcl.Range) {
	if src := l.sources[r.Filename]; src != nil && src.secretLines != nil {
		for line := r.Start.Line; line <= r.End.Line; line++ {
			src.secretLines[line] = true
		}
	}
}

// hideMore is for a file that does not parse: nobody knows which default is
// that of a sensitive variable, nor where a secret of several lines ends. It
// hides all defaults, and what follows a secret line up to one that begins
// something new.
func (src *source) hideMore() {
	defaults := bytes.Contains(src.text, []byte("sensitive"))
	hide := false
	for i, line := range bytes.Split(src.text, []byte("\n")) {
		for _, m := range assignment.FindAllSubmatch(line, -1) {
			if defaults && similar(string(m[1]), "default", 2) {
				src.secretLines[i+1] = true
			}
		}
		switch {
		case src.secretLines[i+1]:
			hide = true
		case itemBegin.Match(line):
			hide = false
		case hide:
			src.secretLines[i+1] = true
		}
	}
}

var (
	itemBegin = regexp.MustCompile(`^\s*([\w-]+\s*=\s|[\w-]+[^=]*\{|\})`)
	// assignment also finds what was meant to be one.
	assignment      = regexp.MustCompile(`([\w-]+)(["{}\[\]()\s]*[=:]|[{}\[\]()\s]+")`)
	callOfSensitive = regexp.MustCompile(`\bsensitive\s*\(`)
	escapedName     = regexp.MustCompile(`\\u[0-9a-fA-F]{4}[^":]*"\s*:`) // of a JSON property
	secretWord      = regexp.MustCompile(`(?i)pass|pwd|secret|token|credential`)
)

// isName reports whether a word names a secret: by a schema, by what it says,
// or because it looks like a misspelt name.
func (s *secrets) isName(word string) bool {
	return secretWord.MatchString(word) || slices.ContainsFunc(s.names, func(name string) bool {
		return similar(word, name, min(2, len(name)/3))
	})
}

func similar(word, name string, distance int) bool {
	return max(len(word)-len(name), len(name)-len(word)) <= distance && levenshtein.Distance(word, name, nil) <= distance
}

// secretScan marks the lines of secrets that span several.
type secretScan struct {
	tokens hclsyntax.Tokens
	lines  map[int]bool
	json   bool // a value may stand in a later line than its name
}

// assigns reports whether the word at i, which may be quoted, is given a value.
func (s secretScan) assigns(i int) bool {
	for _, t := range s.tokens[i+1:] {
		switch t.Type {
		case hclsyntax.TokenEqual, hclsyntax.TokenColon:
			return true
		case hclsyntax.TokenCQuote:
		default:
			return false
		}
	}
	return false
}

// markFrom marks the lines from a token to the end of the item it begins, and
// returns the token after it.
func (s secretScan) markFrom(start int) int {
	depth := 0
	for i, t := range s.tokens[start:] {
		if t.Type == hclsyntax.TokenCQuote && depth == 0 {
			continue // of a quoted name
		}
		depth += bracket(t.Type)
		for line := t.Range.Start.Line; line <= t.Range.End.Line && t.Type != hclsyntax.TokenNewline; line++ {
			s.lines[line] = true
		}
		if depth < 0 || depth == 0 && (t.Type == hclsyntax.TokenNewline && !s.json || t.Type == hclsyntax.TokenComma) {
			return start + i
		}
	}
	return len(s.tokens)
}

// harmless are the attributes of a sensitive variable that hold no secret; any
// other is its default, perhaps misspelt.
var harmless = []string{"type", "description", "sensitive", "nullable", "condition", "error_message"}

// sensitive handles the word at i: a call of the function, or the attribute of
// a variable, whose default is then secret.
func (s secretScan) sensitive(i int) int {
	if !s.assigns(i) {
		return s.markFrom(i)
	}
	begin := i
	for depth := 0; begin > max(0, i-maxVariable) && depth <= 0; begin-- {
		depth += brace(s.tokens[begin].Type)
	}
	end, depth := begin+1, 0
	for ; end < len(s.tokens) && (depth > 0 || end <= i); end++ {
		depth += brace(s.tokens[end].Type)
		if s.assigns(end) && !slices.Contains(harmless, string(s.tokens[end].Bytes)) {
			s.markFrom(end)
		}
	}
	return end
}

// maxVariable is how many tokens of a variable block may stand before its
// attribute sensitive.
const maxVariable = 10_000

// bracket is how a token changes the nesting.
func bracket(t hclsyntax.TokenType) int {
	switch t {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
		hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return 1
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
		hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
		return -1
	}
	return 0
}

func brace(t hclsyntax.TokenType) int {
	if t == hclsyntax.TokenOBrace || t == hclsyntax.TokenCBrace {
		return bracket(t)
	}
	return 0
}
