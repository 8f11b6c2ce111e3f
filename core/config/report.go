// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
)

// maxReported is how many errors are shown; what follows is mostly a
// consequence of these.
const maxReported = 20

func (l *loader) report(diags ...*hcl.Diagnostic) { l.diags = append(l.diags, diags...) }

func (l *loader) errorf(subject *hcl.Range, summary, format string, args ...any) {
	l.report(&hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  summary,
		Detail:   fmt.Sprintf(format, args...),
		Subject:  subject,
	})
}

// finish puts the diagnostics in order and gives each its source line.
func (l *loader) finish() hcl.Diagnostics {
	for _, d := range l.diags {
		if d.Subject != nil && l.sources[d.Subject.Filename] != nil {
			d.Subject = l.sources[d.Subject.Filename].real(*d.Subject).Ptr()
		}
	}
	slices.SortStableFunc(l.diags, compareDiagnostics)
	diags := slices.CompactFunc(l.diags, func(a, b *hcl.Diagnostic) bool { return compareDiagnostics(a, b) == 0 })
	rest := len(diags) - maxReported
	if rest > 0 {
		diags = append(diags[:maxReported:maxReported], &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  fmt.Sprintf("%d more errors", rest),
			Detail:   "Correct the ones above first.",
		})
	}
	for i, d := range diags {
		diags[i] = &hcl.Diagnostic{
			Severity: d.Severity,
			Summary:  l.secrets.scrub(d.Summary),
			Detail:   l.secrets.scrub(d.Detail),
			Subject:  d.Subject,
		}
		if d.Subject != nil {
			diags[i].Extra = l.snippet(*d.Subject)
		}
	}
	return diags
}

func compareDiagnostics(a, b *hcl.Diagnostic) int {
	if a.Subject == nil || b.Subject == nil {
		if (a.Subject == nil) != (b.Subject == nil) {
			return cmp.Compare(boolInt(a.Subject != nil), boolInt(b.Subject != nil))
		}
		return cmp.Or(cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Detail, b.Detail))
	}
	return cmp.Or(
		cmp.Compare(a.Subject.Filename, b.Subject.Filename),
		cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte),
		cmp.Compare(a.Summary, b.Summary),
		cmp.Compare(a.Detail, b.Detail),
	)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// place is a range in prose.
func place(r hcl.Range) string { return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line) }

// sentence is the text of an error as a sentence.
func sentence(text string) string {
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// didYouMean is a sentence that suggests the most similar of the names, or
// nothing.
func didYouMean(given string, names []string) string {
	if best := suggest(given, names); best != "" {
		return fmt.Sprintf(" Did you mean %q?", best)
	}
	return ""
}

func suggest(given string, names []string) string {
	names = slices.Sorted(slices.Values(names))
	best, bestDistance := "", 3
	for _, name := range names {
		if d := levenshtein.Distance(given, name, nil); d < bestDistance && d < len(name) {
			best, bestDistance = name, d
		}
	}
	return best
}

// oneOf lists what may be written.
func oneOf(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	switch len(quoted) {
	case 0:
		return "nothing"
	case 1:
		return quoted[0]
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}
