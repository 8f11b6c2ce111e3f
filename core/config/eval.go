// SPDX-License-Identifier: Apache-2.0

package config

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// each is what each.key and each.value are in an instance of a block; nil
// where there is no for_each.
type each struct{ key, value measured }

// evaluate returns the value of an expression. Whatever is wrong is reported,
// and the value is then unknown.
func (l *loader) evaluate(expr hcl.Expression, e *each) cty.Value {
	return l.evaluateSecret(expr, e, false)
}

// evaluateSecret is evaluate for what may be a secret literal: messages then
// do not quote what stands there.
func (l *loader) evaluateSecret(expr hcl.Expression, e *each, secret bool) cty.Value {
	names := map[string]map[string]cty.Value{}
	var refs []measured
	for _, t := range expr.Variables() {
		v, ok := l.resolve(t, e, secret)
		if !ok {
			continue
		}
		secret = secret || v.sensitive
		refs = append(refs, v)
		root := t.RootName()
		if names[root] == nil {
			names[root] = map[string]cty.Value{}
		}
		names[root][memberName(t)] = v.Value
	}
	if len(refs) < len(expr.Variables()) || !l.affordable(expr, refs) {
		return cty.DynamicVal
	}
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: l.functionsFor(expr.Range().Filename)}
	for root, members := range names {
		ctx.Variables[root] = cty.ObjectVal(members)
	}
	v, diags := expr.Value(ctx)
	if diags.HasErrors() {
		l.reportEvaluation(diags, secret || callsSensitive(expr))
		return cty.DynamicVal
	}
	if err := checkSize(v); err != nil {
		l.errorf(expr.Range().Ptr(), "Value too large", "%s", sentence(err.Error()))
		return cty.DynamicVal
	}
	if v.ContainsMarked() {
		l.secrets.add(v)
	}
	return v
}

// reportEvaluation reports what HCL says about an expression, without the
// details if they could quote a secret.
func (l *loader) reportEvaluation(diags hcl.Diagnostics, secret bool) {
	for _, d := range diags {
		if extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](d); ok {
			if why, ok := unsupportedFunctions[extra.CalledFunctionName()]; ok {
				d.Summary, d.Detail = "Unsupported function", why
			}
		} else if secret && !ofLiteralEnv(d) {
			d.Detail = "The details are left out: the expression holds a sensitive value."
		}
		l.report(d)
	}
}

// ofLiteralEnv reports whether a diagnostic is about env("NAME"), the name written
// out: that is no secret, and what is wrong is that it has no value.
func ofLiteralEnv(d *hcl.Diagnostic) bool {
	extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
	return ok && extra.CalledFunctionName() == "env" && extra.FunctionCallError() != nil &&
		d.Expression != nil && len(d.Expression.Variables()) == 0
}

func callsSensitive(expr hcl.Expression) bool {
	node, ok := expr.(hclsyntax.Node)
	if !ok {
		return false
	}
	found := false
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && call.Name == "sensitive" {
			found = true
		}
		return nil
	})
	return found
}

// memberName is the NAME in var.NAME; empty if the traversal has none.
func memberName(t hcl.Traversal) string {
	if len(t) < 2 {
		return ""
	}
	switch step := t[1].(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String {
			return step.Key.AsString()
		}
	}
	return ""
}

// resolve returns what the first two steps of a reference name. In a secret
// place a word that is no reference may be the secret without its quotes.
func (l *loader) resolve(t hcl.Traversal, e *each, secret bool) (measured, bool) {
	root, name := t.RootName(), memberName(t)
	switch root {
	case "var", "local", "cluster", "each":
		if name == "" {
			l.errorf(t.SourceRange().Ptr(), "Invalid reference", "Write the name too: %s.NAME.", root)
			return unknown, false
		}
	}
	switch root {
	case "var":
		return l.resolveVariable(t, name)
	case "local":
		return l.resolveLocal(t, name)
	case "cluster":
		return l.resolveCluster(t, name)
	case "each":
		return l.resolveEach(t, name, e)
	}
	if secret {
		l.errorf(t.SourceRange().Ptr(), "Invalid reference", "Text stands in double quotes; a reference begins with var, local, cluster or each.")
	} else {
		l.errorf(t.SourceRange().Ptr(), "Invalid reference", "There is nothing named %q here.%s", root, l.suggestReference(root))
	}
	return unknown, false
}

// suggestReference says what a bare word was meant to be.
func (l *loader) suggestReference(word string) string {
	switch {
	case l.clusters[word] != nil:
		return " Write cluster." + word + "."
	case l.locals[word] != nil:
		return " Write local." + word + "."
	case l.variables[word] != nil:
		return " Write var." + word + "."
	}
	if s := suggest(word, []string{"var", "local", "cluster", "each"}); s != "" {
		return ` Did you mean "` + s + `"?`
	}
	return " Text stands in double quotes; a reference begins with var, local, cluster or each."
}

func (l *loader) resolveEach(t hcl.Traversal, name string, e *each) (measured, bool) {
	switch {
	case e == nil:
		l.errorf(t.SourceRange().Ptr(), "Invalid reference", "each.%s exists only in a block with for_each.", name)
	case name == "key":
		return e.key, true
	case name == "value":
		return e.value, true
	default:
		l.errorf(t.SourceRange().Ptr(), "Invalid reference", "There is each.key and each.value, not each.%s.%s", name, didYouMean(name, []string{"key", "value"}))
	}
	return unknown, false
}

// maxDepth bounds how many locals may hang from each other in a chain.
const maxDepth = 500

// descend counts into the resolution of a name that another one needs.
func (l *loader) descend(at hcl.Range) bool {
	if l.depth >= maxDepth {
		l.errorf(&at, "References too deep", "More than %d names refer to each other in a chain.", maxDepth)
		return false
	}
	l.depth++
	return true
}

func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
