// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"fmt"
	"reflect"
	"strings"
)

// Type is the type of an attribute as a user writes it.
type Type string

// The types of attributes.
const (
	TypeString      Type = "string"
	TypeBool        Type = "bool"
	TypeInteger     Type = "integer"
	TypeNumber      Type = "number"
	TypeStrings     Type = "list(string)"
	TypeMap         Type = "map(string)"
	TypeDuration    Type = "duration"
	TypeBytes       Type = "bytes"
	TypeCluster     Type = "cluster"
	TypeExpression  Type = "expression"
	TypeExpressions Type = "map(expression)"
)

// Schema describes a block: what may stand in it, of which type, and what it
// is for. It is derived from a config struct and travels as JSON.
type Schema struct {
	Labels     []Label     `json:"labels,omitempty"`
	Attributes []Attribute `json:"attributes,omitempty"`
	Blocks     []Block     `json:"blocks,omitempty"`
}

// Label is one label of a block.
type Label struct {
	Name string   `json:"name"`
	Doc  string   `json:"doc,omitempty"`
	Enum []string `json:"enum,omitempty"`
}

// Attribute is one attribute of a block.
type Attribute struct {
	Name     string   `json:"name"`
	Type     Type     `json:"type"`
	Required bool     `json:"required,omitempty"`
	Secret   bool     `json:"secret,omitempty"`
	Enum     []string `json:"enum,omitempty"`
	// Default is what applies when the attribute is left out, as written in a
	// file; empty if nothing does.
	Default string `json:"default,omitempty"`
	Doc     string `json:"doc,omitempty"`
}

// Block is a nested block.
type Block struct {
	Name     string `json:"name"`
	Repeated bool   `json:"repeated,omitempty"` // any number; else at most one
	Doc      string `json:"doc,omitempty"`
	Schema
}

// SchemaOf derives the schema of a config struct, given by a pointer to a value
// that holds the defaults. Fields take part by their tags:
//
//	hcl:"name"            a required attribute
//	hcl:"name,optional"   an attribute with the field's value as default
//	hcl:"name,label"      a label of the block
//	hcl:"name,block"      a nested block: a pointer (at most one) or a slice
//	doc:"..."             what it is for
//	enum:"a,b,c"          the values a string may have
//
// Field types are string, bool, int, int32, int64, float64, []string,
// map[string]string, [Duration], [Bytes], [Secret], [Expression], [Expressions]
// and *[Cluster]. It panics on any other: that is a fault of the plugin's code,
// and sdktest finds it.
func SchemaOf(config any) Schema { return schemaOf(reflect.ValueOf(config).Elem()) }

type field struct {
	name, kind, doc string
	enum            []string
	value           reflect.Value
}

func fields(v reflect.Value) []field {
	var out []field
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		spec, ok := tag.Lookup("hcl")
		if !ok {
			continue
		}
		name, kind, _ := strings.Cut(spec, ",")
		f := field{name: name, kind: kind, doc: tag.Get("doc"), value: v.Field(i)}
		if e := tag.Get("enum"); e != "" {
			f.enum = strings.Split(e, ",")
		}
		out = append(out, f)
	}
	return out
}

func schemaOf(v reflect.Value) Schema {
	var s Schema
	for _, f := range fields(v) {
		switch f.kind {
		case "label":
			s.Labels = append(s.Labels, Label{Name: f.name, Doc: f.doc, Enum: f.enum})
		case "block":
			elem := f.value.Type().Elem()
			s.Blocks = append(s.Blocks, Block{
				Name: f.name, Repeated: f.value.Kind() == reflect.Slice, Doc: f.doc,
				Schema: schemaOf(reflect.New(elem).Elem()),
			})
		case "", "optional":
			typ, secret := attributeType(f)
			a := Attribute{Name: f.name, Type: typ, Required: f.kind == "", Secret: secret, Enum: f.enum, Doc: f.doc}
			if f.kind == "optional" && !f.value.IsZero() {
				a.Default = defaultText(f.value)
			}
			s.Attributes = append(s.Attributes, a)
		default:
			panic(fmt.Sprintf("sdk: field %s: unknown kind %q", f.name, f.kind))
		}
	}
	return s
}

func attributeType(f field) (typ Type, secret bool) {
	switch f.value.Interface().(type) {
	case string:
		return TypeString, false
	case Secret:
		return TypeString, true
	case bool:
		return TypeBool, false
	case int, int32, int64:
		return TypeInteger, false
	case float64:
		return TypeNumber, false
	case []string:
		return TypeStrings, false
	case map[string]string:
		return TypeMap, false
	case Duration:
		return TypeDuration, false
	case Bytes:
		return TypeBytes, false
	case *Cluster:
		return TypeCluster, false
	case Expression:
		return TypeExpression, false
	case Expressions:
		return TypeExpressions, false
	}
	panic(fmt.Sprintf("sdk: field %s: no attribute can have type %s", f.name, f.value.Type()))
}

func defaultText(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case string, Duration, Bytes, Expression:
		return fmt.Sprintf("%q", fmt.Sprint(x))
	case []string:
		quoted := make([]string, len(x))
		for i, s := range x {
			quoted[i] = fmt.Sprintf("%q", s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	default:
		return fmt.Sprint(x)
	}
}
