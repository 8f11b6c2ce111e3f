// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/vm/runtime"
)

// function is a function of ours, or one of the language's that would not do: it can
// make more than the record allows, gives another answer each time, or none that is
// of use here. The record comes first; the signatures are without it.
type function struct {
	call         func(r *Record, args []any) (any, error)
	signatures   []any
	usage, gives string // for the documentation
}

// own are the functions that authors call.
var own = map[string]function{
	"string":   {toText, []any{new(func(any) string)}, "string(x)", "a text, bytes or a time as text, nil as an empty one, all else as JSON"},
	"replace":  {replace, []any{new(func(string, string, string) string)}, "replace(text, old, new)", "the text with every old replaced by new"},
	"join":     {join, []any{new(func(any) string), new(func(any, string) string)}, "join(array, separator)", "the texts of an array in one; the separator may be left out"},
	"keys":     {keys, []any{new(func(any) []any)}, "keys(map)", "the keys of a map, in their order"},
	"values":   {values, []any{new(func(any) []any)}, "values(map)", "the values of a map, in the order of their keys"},
	"toJSON":   {toJSON, []any{new(func(any) string)}, "toJSON(x)", "a value in JSON, without white space, keys in their order"},
	"fromJSON": {fromJSON, []any{new(func(string) any)}, "fromJSON(text)", "what a text is in JSON"},
	"merge":    {merge, []any{new(func(any, ...any) map[string]any)}, "merge(map, map...)", "one map of all; where they have a key in common the last one counts"},
	"omit":     {omit, []any{new(func(any, ...string) map[string]any)}, "omit(map, key...)", "the map without those keys"},
}

// Functions documents what is different from expr-lang: calls of functions with what
// they give, and the names of those that are not there with the reason.
func Functions() (here, missing map[string]string) {
	here = map[string]string{}
	for _, f := range own {
		here[f.usage] = f.gives
	}
	return here, maps.Clone(refusedFunctions)
}

// late are the names of what is decoded when it is asked for.
var late = map[string]bool{"key": true, "value": true, "headers": true}

// deep are the functions of the language that look at all of a value.
var deep = map[string]bool{"min": true, "max": true, "mean": true, "median": true, "flatten": true, "sum": true, "sort": true, "concat": true}

// refusedFunctions are functions of the language that are not there.
var refusedFunctions = map[string]string{
	"now":       "a record means the same whenever it is read; go by timestamp",
	"timezone":  "it depends on the machine; times are in UTC",
	"repeat":    "it makes more than there is in a record",
	"uniq":      "it takes the square of the number of elements",
	"toPairs":   "write keys() and values()",
	"fromPairs": "write a map, or merge()",
}

// hidden is the name of a function that no author can write.
func hidden(name string) string { return " " + name }

// functions is an option of the compiler.
func functions(c *conf.Config) {
	for name := range refusedFunctions {
		c.Disabled[name] = true
	}
	for name, f := range own {
		c.Disabled[name] = true
		c.Functions[name] = typed(name, f.call, false, f.signatures...)
		c.Functions[hidden(name)] = typed(name, f.call, true, f.signatures...)
	}
	internal := func(name string, call func(r *Record, args []any) (any, error), signature any) {
		c.Functions[hidden(name)] = typed(name, call, true, signature)
	}
	internal("key", func(r *Record, _ []any) (any, error) { return r.key(), nil }, new(func() any))
	internal("value", func(r *Record, _ []any) (any, error) { return r.value(), nil }, new(func() any))
	internal("headers", func(r *Record, _ []any) (any, error) { return r.headersByName(), nil }, new(func() map[string]string))
	internal("round", func(r *Record, _ []any) (any, error) { return nil, r.spend(stepWork) }, new(func() any))
	internal("add", add, new(func(any, any) any))
	internal("addText", add, new(func(string, string) string))
	internal("count", func(r *Record, args []any) (any, error) { return args[0], r.charge(args[0]) }, new(func(any) any))
	internal("countText", func(r *Record, args []any) (any, error) { return args[0], r.charge(args[0]) }, new(func(string) string))
}

// typed makes a function of the language. withRecord says that its first argument is
// the record.
func typed(name string, call func(r *Record, args []any) (any, error), withRecord bool, signatures ...any) *builtin.Function {
	f := &builtin.Function{Name: name, Func: func(args ...any) (any, error) { return call(args[0].(*Record), args[1:]) }}
	for _, s := range signatures {
		t := reflect.TypeOf(s).Elem()
		if withRecord {
			in := []reflect.Type{reflect.TypeFor[*Record]()}
			for i := range t.NumIn() {
				in = append(in, t.In(i))
			}
			t = reflect.FuncOf(in, []reflect.Type{t.Out(0)}, t.IsVariadic())
		}
		f.Types = append(f.Types, t)
	}
	return f
}

// argument is an argument of a type that the compiler could not make sure of.
func argument[T any](args []any, i int, want string) (v T, err error) {
	v, ok := args[i].(T)
	if !ok {
		return v, fmt.Errorf("argument %d is %s, not %s", i+1, kindOf(args[i]), want)
	}
	return v, nil
}

// add is the operator +, which makes texts longer.
func add(r *Record, args []any) (any, error) {
	a, ok := args[0].(string)
	b, ok2 := args[1].(string)
	if !ok || !ok2 {
		return runtime.Add(args[0], args[1]), nil
	}
	if err := r.spend(int64(len(a) + len(b))); err != nil {
		return nil, err
	}
	return a + b, nil
}

func toText(r *Record, args []any) (any, error) {
	switch v := args[0].(type) {
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	case nil:
		return "", nil
	case fmt.Stringer:
		return v.String(), nil
	}
	return toJSON(r, args)
}

func replace(r *Record, args []any) (any, error) {
	var texts [3]string
	for i := range texts {
		var err error
		if texts[i], err = argument[string](args, i, "a text"); err != nil {
			return nil, err
		}
	}
	text, old, with := texts[0], texts[1], texts[2]
	if err := r.spend(int64(len(text) + strings.Count(text, old)*len(with))); err != nil {
		return nil, err
	}
	return strings.ReplaceAll(text, old, with), nil
}

func join(r *Record, args []any) (any, error) {
	separator := ""
	if len(args) > 1 {
		var err error
		if separator, err = argument[string](args, 1, "a text"); err != nil {
			return nil, err
		}
	}
	if err := r.charge(args[0]); err != nil {
		return nil, err
	}
	var texts []string
	switch list := args[0].(type) {
	case []string:
		texts = list
	case []any:
		for i := range list {
			text, ok := list[i].(string)
			if !ok {
				return nil, fmt.Errorf("element %d is %s, not a text", i, kindOf(list[i]))
			}
			texts = append(texts, text)
		}
	default:
		return nil, fmt.Errorf("argument 1 is %s, not an array", kindOf(args[0]))
	}
	if err := r.spend(int64(len(texts) * len(separator))); err != nil {
		return nil, err
	}
	return strings.Join(texts, separator), nil
}

// object is a map with texts as keys.
func object(r *Record, args []any, i int) (map[string]any, error) {
	switch m := args[i].(type) {
	case map[string]any:
		return m, r.spend(stepWork * int64(len(m)))
	case map[string]string:
		out := make(map[string]any, len(m))
		for key, v := range m {
			out[key] = v
		}
		return out, r.spend(stepWork * int64(len(m)))
	}
	return nil, fmt.Errorf("argument %d is %s, not a map", i+1, kindOf(args[i]))
}

// keys are in their order, so that they are the same each time.
func keys(r *Record, args []any) (any, error) {
	m, err := object(r, args, 0)
	out := []any{}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out = append(out, key)
	}
	return out, err
}

// values are in the order of their keys.
func values(r *Record, args []any) (any, error) {
	m, err := object(r, args, 0)
	out := []any{}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[key])
	}
	return out, err
}

func toJSON(r *Record, args []any) (any, error) {
	if err := r.charge(args[0]); err != nil {
		return nil, err
	}
	raw, err := encodeJSON(args[0])
	return string(raw), err
}

func fromJSON(r *Record, args []any) (any, error) {
	text, err := argument[string](args, 0, "a text")
	if err != nil {
		return nil, err
	}
	if err := r.spend(int64(len(text))); err != nil {
		return nil, err
	}
	return decodeJSON([]byte(text))
}

// merge gives a map with what is in all of the maps; the last one counts.
func merge(r *Record, args []any) (any, error) {
	out := map[string]any{}
	for i := range args {
		m, err := object(r, args, i)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, m)
	}
	return out, nil
}

// omit gives a map without some of its keys.
func omit(r *Record, args []any) (any, error) {
	m, err := object(r, args, 0)
	if err != nil {
		return nil, err
	}
	out := maps.Clone(m)
	for i := range args[1:] {
		key, err := argument[string](args, i+1, "a text")
		if err != nil {
			return nil, err
		}
		delete(out, key)
	}
	return out, nil
}
