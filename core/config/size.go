// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"math"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

const (
	maxElements = 100_000 // in one value, at all depths
	maxText     = 8 << 20 // bytes of all strings in one value
	maxExponent = 1 << 11 // of a number, to base 2: about 1e600
	maxWork     = 1 << 28 // bytes one expression may produce, as estimated
)

// size is what a value takes, roughly.
type size struct{ elements, text int }

func (s *size) add(v cty.Value) error {
	return cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		v, _ = v.Unmark()
		s.elements++
		if v.IsKnown() && !v.IsNull() {
			switch v.Type() {
			case cty.String:
				s.text += len(v.AsString())
			case cty.Number:
				if f := v.AsBigFloat(); f.IsInf() || f.MantExp(nil) > maxExponent {
					return false, errors.New("a number is too large")
				}
			}
		}
		switch {
		case s.elements > maxElements:
			return false, errors.New("the value has more than 100000 elements")
		case s.text > maxText:
			return false, errors.New("the value holds more than 8 MiB of text")
		}
		return true, nil
	})
}

// measured is a value that has a name, with what its users need to know.
type measured struct {
	cty.Value
	size      size
	sensitive bool
	known     bool // see [known]
}

func measure(v cty.Value) measured {
	m := measured{Value: v, sensitive: v.ContainsMarked(), known: known(v)}
	_ = m.size.add(v) // it was checked when it was made
	return m
}

var unknown = measured{Value: cty.DynamicVal}

// known reports whether nothing is missing from a value because of an error
// already reported.
func known(v cty.Value) bool { return v.IsWhollyKnown() }

// checkSize refuses values that would multiply from local to local.
func checkSize(v cty.Value) error {
	var s size
	return s.add(v)
}

// affordable refuses an expression whose value could be far larger than what
// it is made from: many uses of a large value, or loops within loops.
func (l *loader) affordable(expr hcl.Expression, refs []measured) bool {
	node, ok := expr.(hclsyntax.Node)
	if !ok {
		return true
	}
	length := float64(expr.Range().End.Byte - expr.Range().Start.Byte)
	total, largest := length, length
	for _, r := range refs {
		total += float64(r.size.elements + r.size.text)
		largest = max(largest, float64(r.size.elements))
	}
	work := total
	if depth := loopDepth(node); depth > 0 {
		work *= math.Pow(largest, float64(depth-1))
	}
	if work > maxWork {
		l.errorf(expr.Range().Ptr(), "Expression too costly", "Its value could become too large: loops within loops, or many uses of a large value. Divide it over several locals.")
		return false
	}
	return true
}

// loopDepth is how deep for expressions are nested.
func loopDepth(node hclsyntax.Node) int {
	w := &loopWalker{}
	_ = hclsyntax.Walk(node, w)
	return w.deepest
}

type loopWalker struct{ depth, deepest int }

// Enter implements [hclsyntax.Walker].
func (w *loopWalker) Enter(n hclsyntax.Node) hcl.Diagnostics {
	if _, ok := n.(*hclsyntax.ForExpr); ok {
		w.depth++
		w.deepest = max(w.deepest, w.depth)
	}
	return nil
}

// Exit implements [hclsyntax.Walker].
func (w *loopWalker) Exit(n hclsyntax.Node) hcl.Diagnostics {
	if _, ok := n.(*hclsyntax.ForExpr); ok {
		w.depth--
	}
	return nil
}
