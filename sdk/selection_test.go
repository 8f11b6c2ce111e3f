// SPDX-License-Identifier: Apache-2.0

package sdk_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/sdk"
)

func TestSelection(t *testing.T) {
	tests := []struct {
		name     string
		patterns []string
		matches  []string
		not      []string
		named    []string // of matches, those selected by their own name
		literals []string
	}{
		{"nothing", nil, nil, []string{"", "a"}, nil, nil},
		{"literal", []string{"orders"}, []string{"orders"}, []string{"order", "orders2", "xorders", "Orders"}, []string{"orders"}, []string{"orders"}},
		{"dots are dots", []string{"a.b"}, []string{"a.b"}, []string{"axb"}, []string{"a.b"}, []string{"a.b"}},
		{"star", []string{"orders.*"}, []string{"orders.", "orders.eu.west"}, []string{"orders", "xorders.eu"}, nil, nil},
		{"question mark and class", []string{"t?-[a-c]"}, []string{"t1-b", "tx-a"}, []string{"t-b", "t1-d"}, nil, nil},
		{"escaped star", []string{`a\*`}, []string{"a*"}, []string{"ab"}, nil, nil},
		{"exclude wins before", []string{"!a.*", "a.*", "b"}, []string{"b"}, []string{"a.1"}, []string{"b"}, []string{"b"}},
		{"exclude wins after", []string{"*", "!*.internal"}, []string{"a"}, []string{"a.internal"}, nil, nil},
		{"exclude wins over the name itself", []string{"a", "b", "!/a|c/"}, []string{"b"}, []string{"a"}, []string{"b"}, []string{"b"}},
		{"wide and named", []string{"*", "__offsets"}, []string{"x", "__offsets"}, nil, []string{"__offsets"}, []string{"__offsets"}},
		{"regexp matches whole names", []string{"/a[0-9]+/"}, []string{"a1", "a22"}, []string{"a", "xa1", "a1x", "a1\n"}, nil, nil},
		{"alternatives are whole names", []string{"/a|bc/"}, []string{"a", "bc"}, []string{"ac", "ab", "xbc"}, nil, nil},
		{"multi-line flag", []string{"/(?m)a/"}, []string{"a"}, []string{"a\nb"}, nil, nil},
		{"excluded regexp", []string{"*", "!/x.*/"}, []string{"ax"}, []string{"x", "xy"}, nil, nil},
		{"a regexp without meta is not a name", []string{"/a/"}, []string{"a"}, nil, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := sdk.NewSelection(tt.patterns)
			if err != nil {
				t.Fatal(err)
			}
			var named []string
			for _, name := range tt.matches {
				if !s.Match(name) {
					t.Errorf("%q is not selected", name)
				}
				if s.Names(name) {
					named = append(named, name)
				}
			}
			for _, name := range tt.not {
				if s.Match(name) || s.Names(name) {
					t.Errorf("%q is selected", name)
				}
			}
			if diff := cmp.Diff(tt.named, named); diff != "" {
				t.Errorf("named (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.literals, s.Literals()); diff != "" {
				t.Errorf("literals (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSelectionRefuses(t *testing.T) {
	tests := []struct {
		name     string
		patterns []string
		index    int
		says     string
	}{
		{"empty", []string{"a", ""}, 1, "must not be empty"},
		{"empty exclude", []string{"a", "!"}, 1, "must not be empty"},
		{"only excludes", []string{"!a", "!b"}, 0, "only excludes"},
		{"open class", []string{"a", "b", "[a"}, 2, "not a glob"},
		{"open class behind a mismatch", []string{"zzz[a"}, 0, "not a glob"},
		{"trailing backslash", []string{`a\`}, 0, "not a glob"},
		{"one slash", []string{"/"}, 0, "between two slashes"},
		{"two slashes", []string{"//"}, 0, "between two slashes"},
		{"open regexp", []string{"/abc"}, 0, "between two slashes"},
		{"not a regexp", []string{"/(/"}, 0, "not a regular expression"},
		{"a regexp only between parentheses", []string{"/a)|(b/"}, 0, "not a regular expression"},
		{"excluded and wrong", []string{"a", "!/[/"}, 1, "not a regular expression"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := sdk.NewSelection(tt.patterns)
			pe, ok := errors.AsType[*sdk.PatternError](err)
			if !ok {
				t.Fatalf("got %v, want a PatternError", err)
			}
			if pe.Index != tt.index || pe.Pattern != tt.patterns[tt.index] || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v at %d, want %q at %d", err, pe.Index, tt.says, tt.index)
			}
			if strings.Contains(err.Error(), "?:") {
				t.Errorf("the error shows an expression nobody wrote: %v", err)
			}
		})
	}
}

func FuzzSelection(f *testing.F) {
	for _, seed := range []string{"orders.*", "/a|b/", "!x", `\`, "[a-", "/a)|(b/", "//", "/\\/"} {
		f.Add(seed, "orders.eu")
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		s, err := sdk.NewSelection([]string{pattern})
		if err != nil {
			if _, ok := errors.AsType[*sdk.PatternError](err); !ok {
				t.Errorf("%q: %v is no PatternError", pattern, err)
			}
			return
		}
		if s.Names(name) && (!s.Match(name) || name != pattern) {
			t.Errorf("%q names %q", pattern, name)
		}
		not, err := sdk.NewSelection([]string{pattern, "!" + pattern})
		if err != nil || not.Match(name) {
			t.Errorf("%q excluded by itself still selects %q, %v", pattern, name, err)
		}
	})
}
