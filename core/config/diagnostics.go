// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcled"
)

// Diagnostic is one message as machines read it, in the shape that Terraform
// gave it.
type Diagnostic struct {
	Severity string   `json:"severity"` // "error" or "warning"
	Summary  string   `json:"summary"`
	Detail   string   `json:"detail"`
	Range    *Range   `json:"range,omitempty"`
	Snippet  *Snippet `json:"snippet,omitempty"`
}

// Range is the part of a file a diagnostic is about.
type Range struct {
	Filename string `json:"filename"`
	Start    Pos    `json:"start"`
	End      Pos    `json:"end"`
}

// Pos is a place in a file; line and column count from 1, bytes from 0.
type Pos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// Snippet is the source line a diagnostic is about, and which bytes of it.
// Context is the header of the top-level block around it.
type Snippet struct {
	Context              *string `json:"context"`
	Code                 string  `json:"code"`
	StartLine            int     `json:"start_line"`
	HighlightStartOffset int     `json:"highlight_start_offset"`
	HighlightEndOffset   int     `json:"highlight_end_offset"`
	Values               []any   `json:"values"`
}

// Describe returns diagnostics of [Load] for encoding as JSON.
func Describe(diags hcl.Diagnostics) []Diagnostic {
	described := make([]Diagnostic, 0, len(diags))
	for _, d := range diags {
		out := Diagnostic{Severity: "error", Summary: d.Summary, Detail: d.Detail}
		if d.Severity == hcl.DiagWarning {
			out.Severity = "warning"
		}
		if r := d.Subject; r != nil {
			out.Range = &Range{Filename: r.Filename, Start: Pos(r.Start), End: Pos(r.End)}
		}
		out.Snippet, _ = d.Extra.(*Snippet)
		described = append(described, out)
	}
	return described
}

// WriteDiagnostics writes diagnostics of [Load] for people, each with its
// source line and a caret under what it is about.
func WriteDiagnostics(w io.Writer, diags hcl.Diagnostics, color bool) error {
	var text strings.Builder
	for i, d := range Describe(diags) {
		if i > 0 {
			text.WriteByte('\n')
		}
		writeDiagnostic(&text, d, color)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func writeDiagnostic(w *strings.Builder, d Diagnostic, color bool) {
	paint := func(code, text string) string {
		if !color {
			return text
		}
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	title, code := "Error", "1;31"
	if d.Severity == "warning" {
		title, code = "Warning", "1;33"
	}
	fmt.Fprintf(w, "%s: %s\n", paint(code, title), paint("1", printable(d.Summary)))
	if d.Range != nil {
		fmt.Fprintf(w, "  --> %s:%d:%d\n", printable(d.Range.Filename), d.Range.Start.Line, d.Range.Start.Column)
	}
	if s := d.Snippet; s != nil {
		before, marked := s.Code[:s.HighlightStartOffset], s.Code[s.HighlightStartOffset:s.HighlightEndOffset]
		margin := strings.Repeat(" ", len(fmt.Sprint(s.StartLine)))
		fmt.Fprintf(w, " %d | %s\n", s.StartLine, printable(s.Code))
		carets := cmp.Or(blank(marked, '^'), "^")
		fmt.Fprintf(w, " %s | %s%s\n", margin, blank(before, ' '), paint(code, carets))
	}
	if d.Detail != "" {
		fmt.Fprintf(w, "  %s\n", strings.ReplaceAll(printable(d.Detail), "\n", "\n  "))
	}
}

// snippet returns the source line at r, or nil if there is none that may be
// shown.
func (l *loader) snippet(r hcl.Range) *Snippet {
	src := l.sources[r.Filename]
	if src == nil || src.secretLines[r.Start.Line] || r.Start.Byte > len(src.text) {
		return nil
	}
	begin := strings.LastIndexByte(string(src.text[:r.Start.Byte]), '\n') + 1
	end := len(src.text)
	if i := strings.IndexByte(string(src.text[r.Start.Byte:]), '\n'); i >= 0 {
		end = r.Start.Byte + i
	}
	line := strings.TrimSuffix(string(src.text[begin:end]), "\r")
	if l.secrets.scrub(line) != line {
		return nil
	}
	s := &Snippet{Code: line, StartLine: r.Start.Line, Values: []any{}, Context: l.context(src, r)}
	s.HighlightStartOffset = min(r.Start.Byte-begin, len(line))
	s.HighlightEndOffset = min(max(r.End.Byte-begin, s.HighlightStartOffset), len(line))
	s.shorten()
	return s
}

// context is the header of the block that a range stands in, or in JSON the
// property; nil outside of both.
func (l *loader) context(src *source, r hcl.Range) *string {
	if src.file == nil {
		return nil
	}
	header := l.secrets.scrub(hcled.ContextString(src.file, r.Start.Byte))
	if header == "" {
		return nil
	}
	return &header
}

const (
	shownBefore = 80
	shownAfter  = 160
)

// shorten cuts a very long line to what surrounds the highlight.
func (s *Snippet) shorten() {
	if len(s.Code) <= shownBefore+shownAfter {
		return
	}
	from := max(0, s.HighlightStartOffset-shownBefore)
	for from > 0 && !utf8.RuneStart(s.Code[from]) {
		from--
	}
	to := min(len(s.Code), s.HighlightStartOffset+shownAfter)
	for to < len(s.Code) && !utf8.RuneStart(s.Code[to]) {
		to++
	}
	s.Code = s.Code[from:to]
	s.HighlightStartOffset -= from
	s.HighlightEndOffset = min(s.HighlightEndOffset-from, len(s.Code))
}

// blank replaces what a terminal shows of text by mark, keeping tabs, so that
// what follows stands under what followed the text.
func blank(text string, mark rune) string {
	var b strings.Builder
	for _, r := range printable(text) {
		switch {
		case r == '\t':
			b.WriteRune('\t')
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana):
			b.WriteRune(mark)
			b.WriteRune(mark)
		default:
			b.WriteRune(mark)
		}
	}
	return b.String()
}

// printable replaces control characters, which a file must not send to the
// terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' && r != '\n' {
			return '\uFFFD'
		}
		return r
	}, text)
}
