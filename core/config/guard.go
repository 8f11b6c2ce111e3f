// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

const (
	maxNesting = 100
	maxChain   = 200
)

// guard refuses text that the HCL parser must not see: it recurses once per
// bracket and per operator without a limit, and a stack that overflows cannot
// be recovered from. It looks at tokens only, for the lexer does not recurse.
// It also notes which lines hold secrets.
func (l *loader) guard(src *source) bool {
	if i := bytes.IndexByte(src.text, 0); i >= 0 || !utf8.Valid(src.text) {
		l.errorf(&hcl.Range{Filename: src.name, Start: hcl.InitialPos, End: hcl.InitialPos},
			"Not a text file", "The file is not UTF-8 text. Save it as UTF-8 without a byte order mark.")
		src.text = nil
		return false
	}
	tokens, _ := hclsyntax.LexConfig(src.text, src.name, hcl.InitialPos)
	if isJSON(src.name) && !l.guardJSON(src) || !isJSON(src.name) && !l.guardTokens(tokens) {
		src.secretLines = l.secrets.lines(src, nil)
		src.hideMore()
		return false
	}
	src.secretLines = l.secrets.lines(src, tokens)
	src.openString = slices.ContainsFunc(tokens, func(t hclsyntax.Token) bool { return t.Type == hclsyntax.TokenQuotedNewline })
	return true
}

func (l *loader) guardTokens(tokens hclsyntax.Tokens) bool {
	var n nesting
	for i := range tokens {
		n.next(tokens[i:])
		switch {
		case len(n.levels) > maxNesting || n.controls > maxNesting:
			l.errorf(&tokens[i].Range, "Nesting too deep", "Brackets, blocks and templates may be nested %d deep. Give the inner part a name of its own in locals.", maxNesting)
			return false
		case n.chain() > maxChain:
			l.errorf(&tokens[i].Range, "Expression too long", "One expression may have %d operators. Give a part of it a name of its own in locals.", maxChain)
			return false
		}
	}
	return true
}

// nesting follows how deep a recursive parser would be.
type nesting struct {
	levels   []level
	chain0   int // operators outside all brackets
	controls int // %{ if } and %{ for } that are open
	prev     hclsyntax.TokenType
}

type level struct {
	open  hclsyntax.TokenType
	chain int // operators since the last separator
}

func (n *nesting) chain() int { return *n.counter() }

func (n *nesting) counter() *int {
	if len(n.levels) == 0 {
		return &n.chain0
	}
	return &n.levels[len(n.levels)-1].chain
}

// next takes the first of the tokens.
func (n *nesting) next(tokens hclsyntax.Tokens) {
	t := tokens[0].Type
	switch t {
	case hclsyntax.TokenOBrack:
		if n.isIndex() {
			*n.counter()++
		}
	case hclsyntax.TokenTemplateControl:
		if len(tokens) > 1 {
			n.control(string(tokens[1].Bytes))
		}
	case hclsyntax.TokenComma:
		*n.counter() = 0
	case hclsyntax.TokenNewline:
		if len(n.levels) == 0 || n.levels[len(n.levels)-1].open == hclsyntax.TokenOBrace {
			*n.counter() = 0
		}
	default:
		if isOperator(t) {
			*n.counter()++
		}
	}
	switch bracket(t) {
	case 1:
		n.levels = append(n.levels, level{open: t})
	case -1:
		n.levels = n.levels[:max(0, len(n.levels)-1)]
	}
	n.prev = t
}

// isIndex reports whether a bracket that opens now would follow a value.
func (n *nesting) isIndex() bool {
	switch n.prev {
	case hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCBrace, hclsyntax.TokenCQuote, hclsyntax.TokenIdent:
		return true
	}
	return false
}

func (n *nesting) control(keyword string) {
	switch keyword {
	case "if", "for":
		n.controls++
	case "endif", "endfor":
		n.controls = max(0, n.controls-1)
	}
}

func isOperator(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenPercent,
		hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
		hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenAnd, hclsyntax.TokenOr,
		hclsyntax.TokenBang, hclsyntax.TokenQuestion:
		return true
	}
	return false
}
