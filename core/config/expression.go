// SPDX-License-Identifier: Apache-2.0

package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/klamm-io/klamm/sdk"
)

// Expressions of a plugin are text to this language. What a plugin finds wrong in
// one is shown where it stands in the file.

// plainText refuses ${} and %{} in an expression: they would put the text of a
// value into it, where the reader sees a name of the expression's own. What is
// computed in another way says so by itself; in JSON that is a string which is
// nothing but one ${}.
func (l *loader) plainText(attr *hcl.Attribute, t sdk.Type) bool {
	texts := []hcl.Expression{attr.Expr}
	if pairs, diags := hcl.ExprMap(attr.Expr); t == sdk.TypeExpressions && !diags.HasErrors() {
		texts = nil
		for _, p := range pairs {
			texts = append(texts, p.Value)
		}
	}
	plain := true
	for _, text := range texts {
		if at, is := interpolation(text); is {
			l.errorf(&at, "Template in an expression", "Each record is looked at by the expression itself; ${} and %%{} would change its text when the file is loaded. %s", insteadOf(attr, t))
			plain = false
		}
	}
	return plain
}

func insteadOf(attr *hcl.Attribute, t sdk.Type) string {
	example := `format("value.region == %q", var.region)`
	if isJSON(attr.Range.Filename) {
		example = `"${format(\"value.region == %q\", var.region)}"`
	}
	if t == sdk.TypeExpression {
		example = assigned(attr.Range.Filename, attr.Name, example)
	}
	return "To use a value of the file, make the text by a function: " + example + "."
}

// interpolation finds the first template sequence of a text.
func interpolation(expr hcl.Expression) (hcl.Range, bool) {
	switch e := expr.(type) {
	case *hclsyntax.TemplateWrapExpr:
		return e.Wrapped.Range(), !isJSON(e.SrcRange.Filename)
	case *hclsyntax.TemplateExpr:
		for _, part := range e.Parts {
			if _, literal := part.(*hclsyntax.LiteralValueExpr); !literal {
				return part.Range(), true
			}
		}
	}
	return hcl.Range{}, false
}

// within narrows the place of a text to a part of it. If the text is not written
// out there, the place stays, and more says which part is meant.
func (l *loader) within(at hcl.Range, expr hcl.Expression, span sdk.Span, e *each) (_ hcl.Range, more string) {
	if expr == nil || span == (sdk.Span{}) {
		return at, ""
	}
	if t, is := expr.(*hclsyntax.TemplateExpr); is {
		from, found := l.placeInText(t, span.From)
		to, found2 := l.placeInText(t, span.To)
		if found && found2 {
			return hcl.Range{Filename: at.Filename, Start: from, End: to}, ""
		}
	}
	v := l.evaluate(expr, e)
	if !known(v) || v.IsNull() || v.Type() != cty.String || v.ContainsMarked() {
		return at, ""
	}
	text := v.AsString()
	if span.From > len(text) {
		return at, ""
	}
	before := text[:span.From]
	line := before[strings.LastIndexByte(before, '\n')+1:]
	rest, _, _ := strings.Cut(text[span.From:], "\n")
	return at, fmt.Sprintf(" The text is:\n%s%s\n%s^", line, rest, strings.Repeat(" ", utf8.RuneCountInString(line)))
}

// placeInText finds where a byte of a text stands that is written out.
func (l *loader) placeInText(t *hclsyntax.TemplateExpr, offset int) (hcl.Pos, bool) {
	src := l.sources[t.SrcRange.Filename]
	if src == nil {
		return hcl.Pos{}, false
	}
	text, base, inJSON := src.text, 0, isJSON(src.name)
	if inJSON {
		var decoded string
		if json.Unmarshal(t.SrcRange.SliceBytes(src.text), &decoded) != nil {
			return hcl.Pos{}, false
		}
		text, base = []byte(decoded), t.SrcRange.Start.Byte+1
	}
	escapes := !inJSON && t.SrcRange.Start.Byte < len(text) && text[t.SrcRange.Start.Byte] == '"'
	for i, part := range t.Parts {
		literal, is := part.(*hclsyntax.LiteralValueExpr)
		if !is || literal.Val.Type() != cty.String {
			return hcl.Pos{}, false
		}
		value, r := literal.Val.AsString(), literal.SrcRange
		if offset > len(value) || offset == len(value) && i < len(t.Parts)-1 {
			offset -= len(value)
			continue
		}
		from, to := r.Start.Byte-base, r.End.Byte-base
		if from < 0 || to > len(text) || from > to {
			return hcl.Pos{}, false
		}
		at := from + rawOffset(string(text[from:to]), value, offset, escapes)
		if !inJSON {
			return src.pos(at), true
		}
		start := t.SrcRange.Start
		return hcl.Pos{Line: start.Line, Column: start.Column + 1 + utf8.RuneCount(text[:at]), Byte: base + at}, true
	}
	return hcl.Pos{}, false
}

// rawOffset returns where in the raw text of a literal a byte of its value stands.
// The raw text has escapes, and in an indented heredoc more white space.
func rawOffset(raw, value string, offset int, escapes bool) int {
	at, have := 0, 0
	for at < len(raw) && have < offset {
		rest := raw[at:]
		switch {
		case strings.HasPrefix(rest, "$${"), strings.HasPrefix(rest, "%%{"):
			at, have = at+2, have+1
		case escapes && rest[0] == '\\' && len(rest) > 1:
			length := map[byte]int{'u': 6, 'U': 10}[rest[1]]
			_, size := utf8.DecodeRuneInString(value[have:])
			at, have = at+min(max(length, 2), len(rest)), have+size
		case rest[0] == value[have]:
			at, have = at+1, have+1
		default:
			at++ // white space that the heredoc is indented by
		}
	}
	for at < len(raw) && have < len(value) && raw[at] != value[have] && (raw[at] == ' ' || raw[at] == '\t') {
		at++
	}
	return at
}
