// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/klamm-io/klamm/sdk"
)

// decode evaluates a block for one instance, fills the config struct (given by
// pointer, holding its defaults) and lets it validate itself. It returns what
// was evaluated, and false if something is wrong.
func (l *loader) decode(c *content, config any, e *each) (sdk.Values, bool) {
	values, ok := l.values(c, e)
	if !ok {
		return nil, false
	}
	// One attribute at a time, to know which one an error is about.
	for _, name := range keysOf(values) {
		if err := sdk.Decode(sdk.Values{name: values[name]}, config); err != nil {
			text := strings.TrimPrefix(err.Error(), name+": ")
			l.errorf(c.find(name).Ptr(), "Invalid value for "+c.word(name), "%s", sentence(text))
			ok = false
		}
	}
	if !ok || c.suspect() {
		return values, ok
	}
	for _, bad := range validate(config, values) {
		at, expr := c.locate(bad.Path)
		at, more := l.within(at, expr, bad.Within, e)
		l.errorf(&at, bad.Summary, "%s%s", bad.Detail, more)
		ok = false
	}
	return values, ok
}

// validate lets a config struct look at itself, and first at what was written.
func validate(config any, values sdk.Values) []sdk.Invalid {
	if w, is := config.(written); is {
		if bad := w.validateWritten(values); len(bad) > 0 {
			return bad
		}
	}
	if v, is := config.(sdk.Validator); is {
		return v.Validate()
	}
	return nil
}

// values evaluates a block into its wire form.
func (l *loader) values(c *content, e *each) (sdk.Values, bool) {
	values, ok := sdk.Values{}, true
	for i, label := range c.schema.Labels {
		if i >= len(c.labels) {
			continue
		}
		if len(label.Enum) > 0 && !slices.Contains(label.Enum, c.labels[i]) {
			l.errorf(&c.labelRanges[i], "Invalid "+label.Name, "Write %s.%s", oneOf(label.Enum), didYouMean(c.labels[i], label.Enum))
			ok = false
		}
		values[label.Name] = c.labels[i]
	}
	for _, a := range c.schema.Attributes {
		value, good := l.attribute(c, a, e)
		ok = ok && good
		if value != nil {
			values[a.Name] = value
		}
	}
	for _, b := range c.schema.Blocks {
		var nested []sdk.Values
		for _, n := range c.blocks[b.Name] {
			v, good := l.values(n, e)
			ok = ok && good
			nested = append(nested, v)
		}
		if nested != nil {
			values[b.Name] = nested
		}
	}
	return values, ok
}

// attribute evaluates one attribute; the value is nil if it is unset.
func (l *loader) attribute(c *content, a sdk.Attribute, e *each) (any, bool) {
	attr := c.attrs[a.Name]
	missing := func(at hcl.Range) (any, bool) {
		if a.Required && !c.flawed {
			l.errorf(&at, "Missing required argument", "%q is required here.%s", c.word(a.Name), example(c.header.Filename, c.word(a.Name), a.Type))
		}
		return nil, !a.Required
	}
	if attr == nil {
		return missing(c.header)
	}
	if a.Type == sdk.TypeCluster {
		return l.clusterAttribute(attr, e, missing)
	}
	if a.Secret {
		l.hide(attr.Range)
	}
	if (a.Type == sdk.TypeExpression || a.Type == sdk.TypeExpressions) && !l.plainText(attr, a.Type) {
		return nil, false
	}
	v := l.evaluateSecret(attr.Expr, e, a.Secret)
	switch {
	case !known(v):
		return nil, false
	case a.Secret:
		l.secrets.add(v)
		v, _ = v.UnmarkDeep()
	case v.ContainsMarked():
		l.errorf(attr.Expr.Range().Ptr(), "Sensitive value where it would be shown", "%q is shown in names, status and messages, so it takes no sensitive value. If the value is no secret, wrap it in nonsensitive().", attr.Name)
		return nil, false
	}
	if v.IsNull() {
		return missing(attr.Expr.Range())
	}
	return l.convertAttribute(attr, a, v)
}

// example says what to write for a required attribute.
func example(filename, word string, t sdk.Type) string {
	switch t {
	case sdk.TypeCluster:
		return " Write " + referenceTo(filename, word, "cluster.NAME") + "."
	case sdk.TypeStrings:
		return " Write " + assigned(filename, word, `["..."]`) + "."
	case sdk.TypeString, sdk.TypeExpression:
		return " Write " + assigned(filename, word, `"..."`) + "."
	}
	return ""
}

// assigned is an attribute with its value, as the file's syntax has it.
func assigned(filename, word, value string) string {
	if isJSON(filename) {
		return fmt.Sprintf("%q: %s", word, value)
	}
	return word + " = " + value
}

func (l *loader) convertAttribute(attr *hcl.Attribute, a sdk.Attribute, v cty.Value) (any, bool) {
	switch a.Type {
	case sdk.TypeStrings:
		return l.stringList(attr, v)
	case sdk.TypeMap, sdk.TypeExpressions:
		return l.stringMap(attr, v)
	}
	value, problem := scalar(a, v)
	if problem != "" {
		l.errorf(attr.Expr.Range().Ptr(), "Invalid value for "+attr.Name, "%s", problem)
		return nil, false
	}
	if a.Secret {
		return sdk.Secret(value.(string)), true
	}
	if text, is := value.(string); is && len(a.Enum) > 0 && !slices.Contains(a.Enum, text) {
		if why := unsupportedValues[a.Name][text]; why != "" {
			l.errorf(attr.Expr.Range().Ptr(), "Unsupported value", "%s", why)
		} else {
			l.errorf(attr.Expr.Range().Ptr(), "Invalid value for "+attr.Name, "Write %s.%s", oneOf(a.Enum), didYouMean(text, a.Enum))
		}
		return nil, false
	}
	return value, true
}

// scalar converts a value to the Go value of a simple type, or says what is
// wrong with it. It never quotes a secret.
func scalar(a sdk.Attribute, v cty.Value) (value any, problem string) {
	switch a.Type {
	case sdk.TypeBool:
		b, err := convert.Convert(v, cty.Bool)
		if err != nil {
			return nil, "Write true or false."
		}
		return b.True(), ""
	case sdk.TypeInteger, sdk.TypeNumber:
		n, err := convert.Convert(v, cty.Number)
		if err != nil {
			return nil, "Write a number, without quotes."
		}
		return number(a.Type, n.AsBigFloat())
	}
	if v.Type() == cty.Number && (a.Type == sdk.TypeDuration || a.Type == sdk.TypeBytes) {
		return quantity(a.Type, v.AsBigFloat())
	}
	s, err := convert.Convert(v, cty.String)
	if err != nil {
		return nil, fmt.Sprintf("Write one string, not %s.", withArticle(v.Type().FriendlyName()))
	}
	switch a.Type {
	case sdk.TypeDuration:
		if _, err := sdk.ParseDuration(s.AsString()); err != nil {
			return nil, sentence(err.Error())
		}
	case sdk.TypeBytes:
		if _, err := sdk.ParseBytes(s.AsString()); err != nil {
			return nil, sentence(err.Error())
		}
	}
	return s.AsString(), ""
}

// quantity is the text of a duration given as a number of seconds, or of a size
// given as a number of bytes, of which a fraction is left out.
func quantity(t sdk.Type, f *big.Float) (value any, problem string) {
	example := "such as 30, or a string with its unit, such as \"30s\""
	if t == sdk.TypeDuration {
		f = new(big.Float).Mul(f, big.NewFloat(float64(time.Second)))
		f.Add(f, big.NewFloat(0.5)) // to the nearest nanosecond
	} else {
		example = "such as 65536, or a string with its unit, such as \"64KiB\""
	}
	n, _ := f.Int64()
	if n <= 0 || n == math.MaxInt64 {
		return nil, fmt.Sprintf("Write a positive number of %s, %s.", units[t], example)
	}
	if t == sdk.TypeDuration {
		return sdk.Duration(n).String(), ""
	}
	return sdk.Bytes(n).String(), ""
}

// units are what a number counts in an attribute of the type.
var units = map[sdk.Type]string{sdk.TypeDuration: "seconds", sdk.TypeBytes: "bytes"}

func number(t sdk.Type, f *big.Float) (value any, problem string) {
	if t == sdk.TypeNumber {
		n, _ := f.Float64()
		return n, ""
	}
	n, accuracy := f.Int64()
	switch {
	case !f.IsInt():
		return nil, "Write a whole number."
	case accuracy != big.Exact:
		return nil, "The number is out of range."
	}
	return n, ""
}

func (l *loader) stringList(attr *hcl.Attribute, v cty.Value) (any, bool) {
	t := v.Type()
	if !t.IsTupleType() && !t.IsListType() && !t.IsSetType() {
		l.errorf(attr.Expr.Range().Ptr(), "Invalid value for "+attr.Name, "Write a list of strings: %s.", assigned(attr.Range.Filename, attr.Name, `["...", "..."]`))
		return nil, false
	}
	list, ok := []string{}, true
	for i, item := range v.AsValueSlice() {
		s, good := l.stringElement(attr, fmt.Sprintf("[%d]", i), item)
		list, ok = append(list, s), ok && good
	}
	return list, ok
}

func (l *loader) stringMap(attr *hcl.Attribute, v cty.Value) (any, bool) {
	if t := v.Type(); !t.IsMapType() && !t.IsObjectType() {
		value := `{ "..." = "..." }`
		if isJSON(attr.Range.Filename) {
			value = `{"...": "..."}`
		}
		l.errorf(attr.Expr.Range().Ptr(), "Invalid value for "+attr.Name, "Write a map of strings: %s.", assigned(attr.Range.Filename, attr.Name, value))
		return nil, false
	}
	m, ok := map[string]string{}, true
	for key, item := range v.AsValueMap() {
		s, good := l.stringElement(attr, fmt.Sprintf("[%q]", key), item)
		m[key], ok = s, ok && good
	}
	return m, ok
}

func (l *loader) stringElement(attr *hcl.Attribute, index string, v cty.Value) (string, bool) {
	s, err := convert.Convert(v, cty.String)
	if err != nil || s.IsNull() {
		l.errorf(element(attr, index).Range().Ptr(), "Invalid value for "+attr.Name, "Every element is a string; this one is %s.", kindOf(v))
		return "", false
	}
	return s.AsString(), true
}

func kindOf(v cty.Value) string {
	if v.IsNull() {
		return "null"
	}
	return withArticle(v.Type().FriendlyName())
}

func withArticle(noun string) string {
	switch noun {
	case "object":
		return "an object"
	case "tuple":
		return "a list"
	}
	return "a " + noun
}

func stringIs(v cty.Value, text string) bool {
	return v.Type() == cty.String && v.IsKnown() && !v.IsNull() && v.AsString() == text
}
