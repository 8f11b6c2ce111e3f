// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// Functions of Terraform whose namesakes in cty mean something else.

// indexFunction finds the first element of a list that equals a value; cty's
// takes the element at an index.
var indexFunction = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}, {Name: "value", Type: cty.DynamicPseudoType}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if t := args[0].Type(); !t.IsListType() && !t.IsTupleType() {
			return cty.NilVal, function.NewArgErrorf(0, "write a list")
		}
		for i, item := range args[0].AsValueSlice() {
			if equal, err := stdlib.Equal(item, args[1]); err == nil && equal.True() {
				return cty.NumberIntVal(int64(i)), nil
			}
		}
		return cty.NilVal, function.NewArgErrorf(1, "the list has no such element")
	},
})

// coalesceFunction returns the first argument that is neither null nor an empty
// string; cty's takes an empty string for a value.
var coalesceFunction = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "values", Type: cty.DynamicPseudoType, AllowNull: true, AllowMarked: true, AllowDynamicType: true},
	Type: func(args []cty.Value) (cty.Type, error) {
		types := make([]cty.Type, len(args))
		for i, arg := range args {
			types[i] = arg.Type()
		}
		t, _ := convert.UnifyUnsafe(types)
		if t == cty.NilType {
			return cty.NilType, errors.New("all arguments must have the same type")
		}
		return t, nil
	},
	Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
		// What was passed over decides what is returned, so its marks count.
		var passed []cty.ValueMarks
		for _, arg := range args {
			plain, marks := arg.Unmark()
			passed = append(passed, marks)
			v, err := convert.Convert(plain, t)
			if err != nil {
				return cty.NilVal, err
			}
			if v.IsNull() || stringIs(v, "") {
				continue
			}
			return v.WithMarks(passed...), nil
		}
		return cty.NilVal, errors.New("every argument is null or an empty string")
	},
})

// lookupFunction is cty's, with which the default must be given.
var lookupFunction = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "map", Type: cty.DynamicPseudoType, AllowMarked: true}, {Name: "key", Type: cty.String, AllowMarked: true},
	},
	VarParam: &function.Parameter{Name: "default", Type: cty.DynamicPseudoType, AllowMarked: true},
	Type: func(args []cty.Value) (cty.Type, error) {
		switch len(args) {
		case 2:
			return cty.DynamicPseudoType, nil
		case 3:
			return stdlib.LookupFunc.ReturnTypeForValues(args)
		}
		return cty.NilType, errors.New("lookup takes a map, a key and at most one default")
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if len(args) == 3 {
			return stdlib.LookupFunc.Call(args)
		}
		m, marks := args[0].Unmark()
		key, keyMarks := args[1].Unmark()
		if t := m.Type(); !t.IsMapType() && !t.IsObjectType() {
			return cty.NilVal, function.NewArgErrorf(0, "write a map")
		}
		v, ok := m.AsValueMap()[key.AsString()]
		if !ok {
			return cty.NilVal, function.NewArgErrorf(1, "the map has no key %q, and no default is given", key.AsString())
		}
		return v.WithMarks(marks, keyMarks), nil
	},
})
