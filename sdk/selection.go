// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Selection selects names by patterns: a glob (`*`, `?`, `[a-z]`), a regular
// expression between slashes that must match the whole name, or either with a
// leading `!`, which excludes. Excludes always win. It is safe for concurrent
// use.
type Selection struct {
	include, exclude []namePattern
}

type namePattern struct {
	glob string
	re   *regexp.Regexp
}

func (p namePattern) match(name string) bool {
	if p.re != nil {
		return p.re.MatchString(name)
	}
	ok, _ := path.Match(p.glob, name) // the pattern was checked when compiled
	return ok
}

// literal reports whether the pattern can match nothing but itself.
func (p namePattern) literal() bool {
	return p.re == nil && !strings.ContainsAny(p.glob, `*?[\`)
}

// PatternError is a pattern that cannot be used; Index is its place in the list.
type PatternError struct {
	Index   int
	Pattern string
	Err     error
}

func (e *PatternError) Error() string { return fmt.Sprintf("pattern %q: %v", e.Pattern, e.Err) }
func (e *PatternError) Unwrap() error { return e.Err }

// NewSelection compiles patterns. An error is a *PatternError.
func NewSelection(patterns []string) (*Selection, error) {
	s := &Selection{}
	for i, text := range patterns {
		body, exclude := strings.CutPrefix(text, "!")
		p, err := compilePattern(body)
		if err != nil {
			return nil, &PatternError{Index: i, Pattern: text, Err: err}
		}
		if exclude {
			s.exclude = append(s.exclude, p)
		} else {
			s.include = append(s.include, p)
		}
	}
	if len(s.include) == 0 && len(s.exclude) > 0 {
		return nil, &PatternError{Index: 0, Pattern: patterns[0], Err: fmt.Errorf(`there are only excludes; add a pattern to select from, such as "*"`)}
	}
	return s, nil
}

func compilePattern(body string) (namePattern, error) {
	switch {
	case body == "":
		return namePattern{}, fmt.Errorf("a pattern must not be empty")
	case strings.HasPrefix(body, "/"):
		if len(body) < 3 || !strings.HasSuffix(body, "/") {
			return namePattern{}, fmt.Errorf("a regular expression stands between two slashes, such as \"/orders-[0-9]+/\"")
		}
		expr := body[1 : len(body)-1]
		if _, err := regexp.Compile(expr); err != nil { // "a)|(b" is one only between parentheses
			return namePattern{}, fmt.Errorf("not a regular expression: %w", err)
		}
		re, err := regexp.Compile(`^(?:` + expr + `)$`)
		if err != nil {
			return namePattern{}, fmt.Errorf("not a regular expression: %w", err)
		}
		return namePattern{re: re}, nil
	}
	if _, err := path.Match(body, ""); err != nil {
		return namePattern{}, fmt.Errorf("not a glob: %w", err)
	}
	return namePattern{glob: body}, nil
}

// Match reports whether the name is selected.
func (s *Selection) Match(name string) bool {
	for _, p := range s.exclude {
		if p.match(name) {
			return false
		}
	}
	for _, p := range s.include {
		if p.match(name) {
			return true
		}
	}
	return false
}

// Names reports whether the name is selected by a pattern that is the name
// itself, not only by a wider one.
func (s *Selection) Names(name string) bool {
	if !s.Match(name) {
		return false
	}
	for _, p := range s.include {
		if p.literal() && p.glob == name {
			return true
		}
	}
	return false
}

// Literals are the names that are selected by being written out.
func (s *Selection) Literals() []string {
	var names []string
	for _, p := range s.include {
		if p.literal() && s.Match(p.glob) {
			names = append(names, p.glob)
		}
	}
	return names
}
