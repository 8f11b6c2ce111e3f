// SPDX-License-Identifier: Apache-2.0

package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// progress is how far something that is resolved on demand has come.
type progress int

const (
	unresolved progress = iota
	resolving
	resolved
)

// local is one attribute of a locals block; it is evaluated when first needed.
type local struct {
	attr  *hcl.Attribute
	state progress
	value measured
}

func (l *loader) declareLocals(blocks hcl.Blocks) {
	for _, b := range blocks {
		attrs, diags := b.Body.JustAttributes()
		l.report(diags...)
		for _, attr := range inOrder(attrs) {
			if !hclsyntax.ValidIdentifier(attr.Name) {
				l.errorf(&attr.NameRange, "Invalid name of a local", "A name begins with a letter, and goes on with letters, digits, underscores and hyphens.")
				continue
			}
			attr.Expr = l.nativeExpr(attr.Expr)
			if other := l.locals[attr.Name]; other != nil {
				l.errorf(&attr.NameRange, "Duplicate local", "local.%s is declared already at %s.", attr.Name, place(other.attr.NameRange))
				continue
			}
			l.locals[attr.Name] = &local{attr: attr, value: unknown}
		}
	}
}

// resolveLocals evaluates all locals, so that errors in unused ones are found.
func (l *loader) resolveLocals() {
	for _, name := range keysOf(l.locals) {
		l.localValue(l.locals[name])
	}
}

func (l *loader) resolveLocal(t hcl.Traversal, name string) (measured, bool) {
	lo := l.locals[name]
	if lo == nil {
		l.errorf(t.SourceRange().Ptr(), "Unknown local", "There is no local named %q.%s", name, didYouMean(name, keysOf(l.locals)))
		return unknown, false
	}
	if lo.state == resolving {
		l.errorf(t.SourceRange().Ptr(), "Reference in a circle", "The value of local.%s depends on itself.", name)
		return unknown, false
	}
	v := l.localValue(lo)
	return v, v.known
}

func (l *loader) localValue(lo *local) measured {
	if lo.state == unresolved && l.descend(lo.attr.NameRange) {
		lo.state = resolving
		lo.value = measure(l.evaluate(lo.attr.Expr, nil))
		lo.state = resolved
		l.depth--
	}
	return lo.value
}
