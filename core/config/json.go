// SPDX-License-Identifier: Apache-2.0

package config

import (
	encoding "encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
)

// isJSON reports whether a file is written in HCL's JSON syntax.
func isJSON(filename string) bool { return strings.HasSuffix(filename, ".json") }

// native turns the content of a JSON body into what the same content would be
// in HCL's own syntax, so that nothing after this has to tell the two apart. In
// JSON every string is a template.
func (l *loader) native(content *hcl.BodyContent) {
	for _, attr := range content.Attributes {
		attr.Expr = l.nativeExpr(attr.Expr)
	}
	number := map[hcl.Range]int{}
	for _, b := range content.Blocks {
		number[b.TypeRange]++
	}
	for _, b := range content.Blocks {
		switch {
		case len(b.LabelRanges) > 0:
			b.DefRange = b.LabelRanges[len(b.LabelRanges)-1]
		case number[b.TypeRange] == 1:
			b.DefRange = b.TypeRange
		default:
			b.DefRange = b.Body.MissingItemRange() // of an array: tells one from the other
		}
	}
}

// unknownExpr stands for an expression about which an error was reported.
func unknownExpr(r hcl.Range) hclsyntax.Expression {
	return &hclsyntax.LiteralValueExpr{Val: cty.DynamicVal, SrcRange: r}
}

// nativeExpr returns the expression that a JSON value stands for.
func (l *loader) nativeExpr(expr hcl.Expression) hclsyntax.Expression {
	if n, is := expr.(hclsyntax.Expression); is {
		return n
	}
	at := expr.Range()
	if items, diags := hcl.ExprList(expr); !diags.HasErrors() {
		list := &hclsyntax.TupleConsExpr{SrcRange: at, OpenRange: expr.StartRange()}
		for _, item := range items {
			list.Exprs = append(list.Exprs, l.nativeExpr(item))
		}
		return list
	}
	if pairs, diags := hcl.ExprMap(expr); !diags.HasErrors() {
		return l.nativeObject(expr, pairs)
	}
	v, diags := expr.Value(nil)
	switch {
	case diags.HasErrors():
		l.report(diags...)
		return unknownExpr(at)
	case v.Type() == cty.String && !v.IsNull():
		return l.template(v.AsString(), at)
	}
	return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: at}
}

func (l *loader) nativeObject(expr hcl.Expression, pairs []hcl.KeyValuePair) hclsyntax.Expression {
	object := &hclsyntax.ObjectConsExpr{SrcRange: expr.Range(), OpenRange: expr.StartRange()}
	taken := map[string]hcl.Range{}
	for _, p := range pairs {
		if key, diags := p.Key.Value(nil); !diags.HasErrors() {
			if other, is := taken[key.AsString()]; is {
				l.errorf(p.Key.Range().Ptr(), "Duplicate key", "This key of the object stands already at %s.", place(other))
				return unknownExpr(expr.Range())
			}
			taken[key.AsString()] = p.Key.Range()
		}
		object.Items = append(object.Items, hclsyntax.ObjectConsItem{KeyExpr: l.nativeExpr(p.Key), ValueExpr: l.nativeExpr(p.Value)})
	}
	return object
}

// template parses the text of a JSON string.
func (l *loader) template(text string, at hcl.Range) hclsyntax.Expression {
	start := l.insideString(at)
	tokens, _ := hclsyntax.LexTemplate([]byte(text), at.Filename, start)
	if !l.guardTokens(tokens) {
		return unknownExpr(at)
	}
	expr, diags := hclsyntax.ParseTemplate([]byte(text), at.Filename, start)
	if diags.HasErrors() {
		l.report(diags...)
		return unknownExpr(at)
	}
	switch e := expr.(type) {
	case *hclsyntax.TemplateExpr:
		e.SrcRange = at
	case *hclsyntax.TemplateWrapExpr:
		e.SrcRange = at
	}
	return expr
}

// expression parses the text of a JSON string that is an expression rather
// than a template, such as the type of a variable; nil if it does not parse.
func (l *loader) expression(expr hcl.Expression) hclsyntax.Expression {
	v, diags := expr.Value(nil)
	if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
		return l.nativeExpr(expr)
	}
	at, text := expr.Range(), []byte(v.AsString())
	start := l.insideString(at)
	tokens, _ := hclsyntax.LexExpression(text, at.Filename, start)
	if !l.guardTokens(tokens) {
		return nil
	}
	parsed, diags := hclsyntax.ParseExpression(text, at.Filename, start)
	if diags.HasErrors() {
		l.report(diags...)
		return nil
	}
	return parsed
}

// insideString is where the content of a JSON string begins. It notes strings
// with escapes, in which places are counted as if there were none.
func (l *loader) insideString(at hcl.Range) hcl.Pos {
	if src := l.sources[at.Filename]; src != nil && strings.Contains(string(at.SliceBytes(src.text)), `\`) {
		src.escaped = append(src.escaped, at)
	}
	return hcl.Pos{Line: at.Start.Line, Column: at.Start.Column + 1, Byte: at.Start.Byte + 1}
}

// real returns where a range really is that may lie in a string with escapes.
func (src *source) real(r hcl.Range) hcl.Range {
	for _, s := range src.escaped {
		if r.Start.Byte > s.Start.Byte && r.Start.Byte < s.End.Byte {
			r.Start, r.End = src.inString(s, r.Start.Byte), src.inString(s, r.End.Byte)
			return r
		}
	}
	return r
}

// inString finds a byte of a string's value in its text.
func (src *source) inString(s hcl.Range, virtual int) hcl.Pos {
	at, last := s.Start.Byte+1, min(s.End.Byte, len(src.text))-1
	for decoded := at; decoded < virtual && at < last; {
		raw, value := escape(src.text[at:last])
		at, decoded = at+raw, decoded+value
	}
	return hcl.Pos{
		Line: s.Start.Line, Byte: at,
		Column: s.Start.Column + utf8.RuneCount(src.text[s.Start.Byte:at]),
	}
}

// escape returns how long the escape is that text begins with, and how long
// what it stands for; without one, both are a byte.
func escape(text []byte) (raw, value int) {
	if text[0] != '\\' || len(text) < 2 {
		return 1, 1
	}
	if text[1] != 'u' || len(text) < 6 {
		return min(2, len(text)), 1
	}
	switch digits := strings.ToLower(string(text[2:6])); {
	case digits[0] == 'd' && digits[1] >= '8' && digits[1] <= 'b' && len(text) >= 12:
		return 12, 4
	case digits < "0080":
		return 6, 1
	case digits < "0800":
		return 6, 2
	}
	return 6, 3
}

// parse parses a file, which has passed the guard.
func (src *source) parse() (*hcl.File, hcl.Diagnostics) {
	if isJSON(src.name) {
		return json.Parse(src.text, src.name)
	}
	return hclsyntax.ParseConfig(src.text, src.name, hcl.InitialPos)
}

// firstJSON is the first syntax error of a JSON file: the others follow from
// it, and one is always that there is no object.
func (src *source) firstJSON(diags hcl.Diagnostics) hcl.Diagnostics {
	first := diags[0]
	for _, d := range diags {
		if d.Summary != "Root value must be object" {
			first = d
			break
		}
	}
	if strings.HasPrefix(first.Summary, "Missing attribute sep") {
		first.Summary = "Missing comma"
	}
	// HCL has moved on by the time it reports a comma or a bracket.
	var syntax *encoding.SyntaxError
	if errors.As(encoding.Unmarshal(src.text, new(encoding.RawMessage)), &syntax) && misplaced(first.Summary) {
		at := min(max(int(syntax.Offset), 1), len(src.text)) - 1
		first.Subject = &hcl.Range{Filename: src.name, Start: src.pos(at), End: src.pos(at + 1)}
	}
	if first.Subject != nil && src.secretLines[first.Subject.Start.Line] {
		first.Detail = "The details are left out: the line may hold a secret."
	}
	return hcl.Diagnostics{first}
}

func misplaced(summary string) bool {
	return summary == "Missing comma" || summary == "Invalid array value" || strings.HasPrefix(summary, "Mismatched")
}
