// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// variable is a variable block.
type variable struct {
	name        string
	block       *hcl.Block
	typ         cty.Type
	defaults    *typeexpr.Defaults // of optional attributes of an object type
	fallback    *hcl.Attribute     // the attribute default
	literal     bool               // a value from outside is the text itself
	sensitive   bool
	nullable    bool
	validations hcl.Blocks
	flawed      bool // the block was not understood; the value stays unknown
	value       measured
	at          hcl.Range // of the value in a file of variables; otherwise the block's header
}

var variableBlock = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{
		{Name: "type"}, {Name: "default"}, {Name: "description"}, {Name: "sensitive"}, {Name: "nullable"},
	},
	Blocks: []hcl.BlockHeaderSchema{{Type: "validation"}},
}

func (l *loader) declareVariables(blocks hcl.Blocks) {
	for _, b := range blocks {
		name := b.Labels[0]
		if !hclsyntax.ValidIdentifier(name) {
			l.errorf(&b.LabelRanges[0], "Invalid variable name", "A name begins with a letter, and goes on with letters, digits, underscores and hyphens.")
			continue
		}
		if other := l.variables[name]; other != nil {
			l.errorf(&b.DefRange, "Duplicate variable", "var.%s is declared already at %s.", name, place(other.block.DefRange))
			continue
		}
		l.variables[name] = l.declareVariable(name, b)
	}
	given := l.givenVariables()
	for _, name := range keysOf(l.variables) {
		v := l.variables[name]
		if v.flawed {
			continue
		}
		value := l.variableValue(v, given)
		if v.sensitive {
			l.secrets.add(value)
			value = value.Mark(sensitive)
		}
		v.value = measure(value)
	}
}

func (l *loader) declareVariable(name string, b *hcl.Block) *variable {
	before := len(l.diags)
	v := &variable{name: name, block: b, typ: cty.DynamicPseudoType, literal: true, nullable: true, value: unknown, at: b.DefRange}
	content := l.content(b.Body, "variable", variableBlock)
	attrs := content.Attributes
	if attr := attrs["type"]; attr != nil {
		typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(attr.Expr)
		l.report(diags...)
		v.typ, v.defaults, v.literal = typ, defaults, typ.IsPrimitiveType()
	}
	v.sensitive = l.constantBool(attrs["sensitive"], false)
	v.nullable = l.constantBool(attrs["nullable"], true)
	if attr := attrs["description"]; attr != nil {
		if d := l.constant(attr); known(d) && d.Type() != cty.String {
			l.errorf(attr.Expr.Range().Ptr(), "Invalid description", "A description is a string.")
		}
	}
	v.fallback = attrs["default"]
	if v.sensitive && v.fallback != nil {
		l.hide(v.fallback.Range)
	}
	v.validations = content.Blocks
	v.flawed = len(l.diags) > before
	return v
}

// constant evaluates an attribute that must not refer to anything.
func (l *loader) constant(attr *hcl.Attribute) cty.Value {
	if refs := attr.Expr.Variables(); len(refs) > 0 {
		l.errorf(refs[0].SourceRange().Ptr(), "Reference not allowed", "The attribute %q of a variable cannot refer to anything. Text stands in double quotes; for a value made from others use locals.", attr.Name)
		return cty.DynamicVal
	}
	return l.evaluate(attr.Expr, nil)
}

func (l *loader) constantBool(attr *hcl.Attribute, otherwise bool) bool {
	if attr == nil {
		return otherwise
	}
	v := l.constant(attr)
	if !known(v) {
		return otherwise
	}
	b, err := convert.Convert(v, cty.Bool)
	if err != nil || b.IsNull() || b.IsMarked() {
		l.errorf(attr.Expr.Range().Ptr(), "Invalid "+attr.Name, "Write true or false.")
		return otherwise
	}
	return b.True()
}

func (l *loader) variableValue(v *variable, given map[string]givenVariable) cty.Value {
	if g, ok := given[v.name]; ok {
		value := l.parseGiven(v, g)
		v.at = g.place(v)
		if value = l.convertVariable(v, value, v.at, "The value from "+g.origin); !value.IsNull() || v.nullable {
			return value
		}
	}
	if v.fallback == nil {
		if g, ok := given[v.name]; ok {
			l.errorf(&v.at, "Variable is null", "The value from %s is null, and the variable is not nullable.", g.origin)
			return cty.DynamicVal
		}
		l.errorf(&v.block.DefRange, "Missing variable", "var.%s has no default and was not set. Give -var '%s=...' or a -var-file, or set %s%s.", v.name, v.name, EnvPrefix, v.name)
		return cty.DynamicVal
	}
	value := l.constantFallback(v)
	value = l.convertVariable(v, value, v.fallback.Expr.Range(), "The default")
	if value.IsNull() && !v.nullable {
		l.errorf(v.fallback.Expr.Range().Ptr(), "Variable is null", "The default is null, and the variable is not nullable.")
	}
	return value
}

func (l *loader) constantFallback(v *variable) cty.Value {
	if v.sensitive && len(v.fallback.Expr.Variables()) > 0 {
		l.errorf(v.fallback.Expr.Range().Ptr(), "Reference not allowed", "The default of a variable cannot refer to anything. Text stands in double quotes.")
		return cty.DynamicVal
	}
	if v.sensitive {
		return l.evaluateSecret(v.fallback.Expr, nil, true)
	}
	return l.constant(v.fallback)
}

func (l *loader) convertVariable(v *variable, value cty.Value, at hcl.Range, what string) cty.Value {
	if !known(value) {
		return cty.DynamicVal
	}
	if v.defaults != nil && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	converted, err := convert.Convert(value, v.typ)
	if err == nil {
		err = checkSize(converted)
	}
	switch {
	case err != nil && v.sensitive:
		l.errorf(&at, "Invalid value for variable", "%s does not fit the type of var.%s.", what, v.name)
	case err != nil:
		l.errorf(&at, "Invalid value for variable", "%s does not fit the type of var.%s: %s.", what, v.name, err)
	}
	if err != nil {
		return cty.DynamicVal
	}
	return converted
}

func (l *loader) resolveVariable(t hcl.Traversal, name string) (measured, bool) {
	v := l.variables[name]
	if v == nil {
		l.errorf(t.SourceRange().Ptr(), "Unknown variable", "There is no variable named %q.%s", name, didYouMean(name, keysOf(l.variables)))
		return unknown, false
	}
	return v.value, v.value.known
}

var validationBlock = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{
	{Name: "condition", Required: true}, {Name: "error_message", Required: true},
}}

// validateVariables evaluates the validation blocks.
func (l *loader) validateVariables() {
	for _, name := range keysOf(l.variables) {
		v := l.variables[name]
		for _, b := range v.validations {
			attrs := l.content(b.Body, "validation", validationBlock).Attributes
			if attrs["condition"] == nil || attrs["error_message"] == nil {
				continue
			}
			l.validate(v, attrs["condition"].Expr, attrs["error_message"].Expr)
		}
	}
}

func (l *loader) validate(v *variable, condition, message hcl.Expression) {
	if !refersTo(condition, v.name) {
		l.errorf(condition.Range().Ptr(), "Condition without the variable", "A condition looks at the value: it refers to var.%s.", v.name)
		return
	}
	result, _ := l.evaluate(condition, nil).Unmark()
	if !known(result) {
		return
	}
	holds, err := convert.Convert(result, cty.Bool)
	if err != nil || holds.IsNull() {
		l.errorf(condition.Range().Ptr(), "Invalid condition", "A condition is true or false.")
		return
	}
	text := l.evaluate(message, nil)
	rule := fmt.Sprintf("This was checked by the validation at %s.", place(condition.Range()))
	switch {
	case holds.True() || !known(text):
	case text.ContainsMarked():
		l.errorf(&v.at, "Invalid value for variable", "The value does not pass a validation. Its message is left out, for it holds a sensitive value.\n%s", rule)
	case text.IsNull() || text.Type() != cty.String:
		l.errorf(message.Range().Ptr(), "Invalid error_message", "A message is a string.")
	default:
		l.errorf(&v.at, "Invalid value for variable", "%s\n%s", text.AsString(), rule)
	}
}

func refersTo(expr hcl.Expression, name string) bool {
	return slices.ContainsFunc(expr.Variables(), func(t hcl.Traversal) bool {
		return t.RootName() == "var" && memberName(t) == name
	})
}
