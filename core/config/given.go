// SPDX-License-Identifier: Apache-2.0

package config

import (
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// EnvPrefix begins the names of environment variables that set variables.
const EnvPrefix = "KLAMM_VAR_"

// Assignment sets variables from outside the files: one of the two is given.
type Assignment struct {
	Var  string // "name=value", as given with -var
	File string // a file of them, as given with -var-file
}

// givenVariable is a value from outside the files; origin says where in prose.
type givenVariable struct {
	text   string
	attr   *hcl.Attribute // in a file, instead of the text
	origin string
}

// givenVariables are the values of the environment, then those of -var and
// -var-file in their order: a later one wins.
func (l *loader) givenVariables() map[string]givenVariable {
	given := map[string]givenVariable{}
	for _, name := range keysOf(l.variables) {
		if text, ok := l.lookupEnv(EnvPrefix + name); ok {
			given[name] = givenVariable{text: text, origin: "the environment variable " + EnvPrefix + name}
		}
	}
	for _, a := range l.vars {
		if a.File != "" {
			l.variableFile(a.File, given)
			continue
		}
		name, text, ok := strings.Cut(a.Var, "=")
		switch {
		case !ok || strings.TrimSpace(name) == "":
			l.errorf(nil, "Invalid -var", `Write the variable's name, "=" and the value: -var name=value.`)
		case l.variables[name] == nil:
			l.errorf(nil, "Unknown variable", "-var sets %q, but no variable of that name is declared.%s", name, didYouMean(name, keysOf(l.variables)))
		default:
			given[name] = givenVariable{text: text, origin: "-var " + name}
		}
	}
	return given
}

// variableFile reads a file of variables: name = value, or a JSON object.
func (l *loader) variableFile(name string, given map[string]givenVariable) {
	if l.sources[name] != nil && !l.varFiles[name] {
		l.errorf(nil, "Cannot read file", "%s is a part of the configuration, so it cannot be a file of variables too.", name)
		return
	}
	text, err := readFile(name)
	if err != nil {
		l.errorf(nil, "Cannot read file", "%s", sentence(err.Error()))
		return
	}
	l.varFiles[name] = true
	// What begins a line is the name of a variable here.
	names := l.secrets.names
	for _, v := range keysOf(l.variables) {
		if l.variables[v].sensitive {
			l.secrets.names = append(l.secrets.names, v)
		}
	}
	body := l.parseSource(&source{name: name, dir: filepath.Dir(name), text: text})
	l.secrets.names = names
	if body == nil {
		return
	}
	attrs, diags := body.JustAttributes()
	l.report(diags...)
	for _, attr := range inOrder(attrs) {
		v := l.variables[attr.Name]
		if v == nil {
			l.errorf(&attr.NameRange, "Unknown variable", "No variable named %q is declared.%s", attr.Name, didYouMean(attr.Name, keysOf(l.variables)))
			continue
		}
		if v.sensitive {
			l.hide(attr.Range)
		}
		given[attr.Name] = givenVariable{attr: attr, origin: name}
	}
}

// place is where a value from a file stands, or else the variable's block.
func (g givenVariable) place(v *variable) hcl.Range {
	if g.attr != nil {
		return g.attr.Expr.Range()
	}
	return v.block.DefRange
}

// parseGiven reads a value from outside. In a file it is an expression of
// constants; elsewhere it is the text itself for simple types, and such an
// expression for others.
func (l *loader) parseGiven(v *variable, g givenVariable) cty.Value {
	if g.attr != nil {
		return l.constantGiven(v, g.attr.Expr)
	}
	if v.sensitive {
		l.secrets.addText(g.text)
	}
	if v.literal {
		return cty.StringVal(g.text)
	}
	src := &source{name: "<" + g.origin + ">", text: []byte(g.text)}
	if !v.sensitive {
		l.sources[src.name] = src
	}
	if len(g.text) > maxFile {
		l.errorf(&v.block.DefRange, "Value too large", "The value from %s is larger than 1 MiB.", g.origin)
		return cty.DynamicVal
	}
	if !l.guard(src) {
		return cty.DynamicVal
	}
	expr, diags := hclsyntax.ParseExpression(src.text, src.name, hcl.InitialPos)
	if !diags.HasErrors() {
		return l.constantGiven(v, expr)
	}
	l.reportGiven(v, diags)
	return cty.DynamicVal
}

// constantGiven evaluates an expression that cannot refer to anything.
func (l *loader) constantGiven(v *variable, expr hcl.Expression) cty.Value {
	if !l.affordable(expr, nil) {
		return cty.DynamicVal
	}
	value, diags := expr.Value(nil)
	if diags.HasErrors() {
		l.reportGiven(v, diags)
		return cty.DynamicVal
	}
	return value
}

func (l *loader) reportGiven(v *variable, diags hcl.Diagnostics) {
	if v.sensitive {
		diags = hcl.Diagnostics{diags[0]}
		diags[0].Subject = &v.block.DefRange
	}
	l.reportEvaluation(diags, v.sensitive)
}
