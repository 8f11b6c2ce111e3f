// SPDX-License-Identifier: Apache-2.0

package config

import (
	"regexp"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// maxInstances is how many instances one for_each may make.
const maxInstances = 10_000

var legalKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// instance is one of the blocks that a for_each stands for; without for_each
// there is one, with an empty key.
type instance struct {
	key  string
	each *each
}

// dotted is the name of an instance.
func dotted(name, key string) string {
	if key == "" {
		return name
	}
	return name + "." + key
}

// forEachOf is the block's for_each, or nil.
func (l *loader) forEachOf(b *hcl.Block) *hcl.Attribute {
	content, _, _ := b.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "for_each"}}})
	attr := content.Attributes["for_each"]
	if attr != nil {
		attr.Expr = l.nativeExpr(attr.Expr)
	}
	return attr
}

// instances evaluates a for_each; false if something is wrong with it.
func (l *loader) instances(b *hcl.Block, attr *hcl.Attribute) ([]instance, bool) {
	if attr == nil {
		return []instance{{}}, true
	}
	at := attr.Expr.Range()
	v := l.evaluate(attr.Expr, nil)
	if !known(v) {
		return nil, false
	}
	invalid := func(detail string) ([]instance, bool) {
		l.errorf(&at, "Invalid for_each", "%s", detail)
		return nil, false
	}
	if v.ContainsMarked() {
		if _, marks := v.Unmark(); len(marks) > 0 || v.Type().IsSetType() {
			return invalid("The keys become names, so they must not be sensitive.")
		}
	}
	t := v.Type()
	isSet := t.IsSetType() && (t.ElementType() == cty.String || v.LengthInt() == 0)
	switch {
	case v.IsNull():
		return invalid("The value is null. Write a map or a set of strings; an empty one makes no " + b.Type + ".")
	case t.IsTupleType() || t.IsListType():
		return invalid("Write a map or a set of strings; a list becomes a set with toset([...]).")
	case !isSet && !t.IsMapType() && !t.IsObjectType():
		return invalid("Write a map or a set of strings.")
	case v.LengthInt() > maxInstances:
		return invalid("There may be 10000 instances of a block.")
	}
	var all []instance
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if isSet {
			key = value
		}
		if key.IsNull() || !legalKey.MatchString(key.AsString()) {
			return invalid("Keys become part of a name: they are made of letters, digits, underscores and hyphens.")
		}
		all = append(all, instance{key: key.AsString(), each: &each{key: measure(key), value: measure(value)}})
	}
	return all, true
}
