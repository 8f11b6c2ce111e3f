// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/klamm-io/klamm/core/plugin"
)

// Format returns the text of a file in HCL's own syntax in its canonical form,
// which is its own canonical form. It changes nothing but spaces. A text that
// does not parse is refused; the catalog says what in it is secret.
func Format(filename string, text []byte, catalog *plugin.Catalog) ([]byte, hcl.Diagnostics) {
	l := newLoader(Options{Catalog: catalog})
	if len(text) > maxFile {
		l.errorf(nil, "Cannot read file", "%s is larger than 1 MiB.", filename)
	} else {
		l.parseSource(&source{name: filename, dir: filepath.Dir(filename), text: slices.Clone(text)})
	}
	if l.failed() {
		return nil, l.finish()
	}
	return canonical(text), nil
}

// maxRounds bounds how often a text is formatted. Two rounds are the rule: HCL
// does not promise that its formatter comes to rest at once, so one more asks.
const maxRounds = 10

// canonical formats a text until that changes nothing more. A text that does
// not come to rest, or would not mean the same, stays as it is.
func canonical(text []byte) []byte {
	current := text
	for range maxRounds {
		next := hclwrite.Format(current)
		if bytes.Equal(next, current) {
			return current
		}
		if !sameTokens(text, next) {
			return text
		}
		current = next
	}
	return text
}

// sameTokens reports whether two texts differ in nothing but the spaces
// between their tokens.
func sameTokens(a, b []byte) bool {
	before, diags := hclsyntax.LexConfig(a, "", hcl.InitialPos)
	after, diags2 := hclsyntax.LexConfig(b, "", hcl.InitialPos)
	return len(diags) == len(diags2) && slices.EqualFunc(before, after, func(x, y hclsyntax.Token) bool {
		return x.Type == y.Type && bytes.Equal(x.Bytes, y.Bytes)
	})
}
