// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/customdecode"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// limitError is an error of a function that refuses too much work. No try or
// can makes it go away.
type limitError struct{ error }

// tryFunction and canFunction mean what those of HCL's tryfunc mean. They are
// others because tryfunc evaluates an argument twice, which doubles the work
// with each try in a try; because it takes a limit for any other error; and
// because what comes of a failure tells something about a secret that failed.
var tryFunction = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "expressions", Type: customdecode.ExpressionClosureType},
	Type:     function.StaticReturnType(cty.DynamicPseudoType),
	Impl:     func(args []cty.Value, _ cty.Type) (cty.Value, error) { return try(args) },
})

var canFunction = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "expression", Type: customdecode.ExpressionClosureType}},
	Type:   function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		closure := customdecode.ExpressionClosureFromVal(args[0])
		_, diags := closure.Value()
		if err := limitOf(diags); err != nil {
			return cty.NilVal, err
		}
		result := cty.BoolVal(!diags.HasErrors())
		if touchesSecret(closure) {
			result = result.Mark(sensitive)
		}
		return result, nil
	},
})

func try(args []cty.Value) (cty.Value, error) {
	if len(args) == 0 {
		return cty.NilVal, errors.New("at least one argument is required")
	}
	var failures strings.Builder
	secret := false // whether the failures so far tell something about one
	for _, arg := range args {
		closure := customdecode.ExpressionClosureFromVal(arg)
		v, diags := closure.Value()
		if err := limitOf(diags); err != nil {
			return cty.NilVal, err
		}
		if !diags.HasErrors() {
			if secret {
				v = v.Mark(sensitive)
			}
			return v, nil
		}
		secret = secret || touchesSecret(closure)
		for _, d := range diags {
			fmt.Fprintf(&failures, "\n- %s: %s", d.Summary, d.Detail)
		}
	}
	if secret {
		return cty.NilVal, errors.New("no expression succeeds")
	}
	return cty.NilVal, fmt.Errorf("no expression succeeds:%s", failures.String())
}

func limitOf(diags hcl.Diagnostics) error {
	for _, d := range diags {
		extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
		if !ok {
			continue
		}
		if limit, is := errors.AsType[limitError](extra.FunctionCallError()); is {
			return limit
		}
	}
	return nil
}

// touchesSecret reports whether an expression is made from a sensitive value.
func touchesSecret(c *customdecode.ExpressionClosure) bool {
	for _, t := range c.Expression.Variables() {
		v, diags := t.TraverseAbs(c.EvalContext)
		if diags.HasErrors() {
			// What the first steps name is there, or it would not be evaluated.
			v, diags = t[:min(2, len(t))].TraverseAbs(c.EvalContext)
		}
		if !diags.HasErrors() && v.ContainsMarked() {
			return true
		}
	}
	return callsSensitive(c.Expression)
}
