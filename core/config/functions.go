// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/klamm-io/klamm/sdk"
)

// functionsFor returns what expressions of a file can call; file() reads
// relative to the file.
func (l *loader) functionsFor(filename string) map[string]function.Function {
	dir := "."
	if src := l.sources[filename]; src != nil && src.dir != "" {
		dir = src.dir
	}
	if l.functions[dir] == nil {
		l.functions[dir] = allFunctions(l.lookupEnv, dir)
	}
	return l.functions[dir]
}

func allFunctions(lookupEnv func(string) (string, bool), dir string) map[string]function.Function {
	all := standardFunctions()
	all["env"] = envFunction(lookupEnv)
	all["file"] = fileFunction(dir)
	all["fileexists"] = fileExistsFunction(dir)
	return all
}

// FunctionNames are the names of all functions, sorted.
func FunctionNames() []string { return keysOf(allFunctions(nil, "")) }

// standardFunctions have Terraform's names and meaning. There is none whose
// result differs from one load to the next.
func standardFunctions() map[string]function.Function {
	return map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "max": stdlib.MaxFunc,
		"min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "signum": stdlib.SignumFunc,

		"chomp": stdlib.ChompFunc, "endswith": matchFunction(strings.HasSuffix), "format": narrow(modest(stdlib.FormatFunc)),
		"formatlist": narrow(modest(stdlib.FormatListFunc)), "join": modest(stdlib.JoinFunc), "lower": stdlib.LowerFunc,
		"regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc, "replace": modest(replaceFunction),
		"split": stdlib.SplitFunc, "startswith": matchFunction(strings.HasPrefix), "strcontains": matchFunction(strings.Contains),
		"strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc,
		"trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc,
		"upper": stdlib.UpperFunc,

		"chunklist": stdlib.ChunklistFunc, "coalesce": coalesceFunction, "coalescelist": stdlib.CoalesceListFunc,
		"compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc,
		"distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc,
		"index": indexFunction, "keys": stdlib.KeysFunc, "length": lengthFunction, "lookup": lookupFunction,
		"merge": stdlib.MergeFunc, "range": stdlib.RangeFunc, "reverse": stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc, "setproduct": modest(stdlib.SetProductFunc),
		"setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc,
		"sort": stdlib.SortFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,

		"csvdecode": stdlib.CSVDecodeFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,

		"tobool": stdlib.MakeToFunc(cty.Bool), "tolist": uniform(cty.List),
		"tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)), "tonumber": stdlib.MakeToFunc(cty.Number),
		"toset": uniform(cty.Set), "tostring": stdlib.MakeToFunc(cty.String),

		"bytes": bytesFunction, "duration": durationFunction,

		"can": canFunction, "try": tryFunction,

		"sensitive": markFunction(true), "nonsensitive": markFunction(false),
	}
}

// maxProduct bounds what the functions may make whose results grow with the
// product of their arguments.
const maxProduct = 4 << 20

// modest keeps a function from results that are far larger than its arguments.
func modest(f function.Function) function.Function {
	return checked(f, func(args []cty.Value) error {
		product := 1
		for _, arg := range args {
			var s size
			if err := s.add(arg); err != nil {
				return err
			}
			if product *= max(1, s.text, s.elements); product > maxProduct {
				return errors.New("the result could become larger than 4 MiB")
			}
		}
		return nil
	})
}

var wideVerb = regexp.MustCompile(`%[^%a-zA-Z]*\d{4,}`)

// narrow keeps a formatting function from padding to any width.
func narrow(f function.Function) function.Function {
	return checked(f, func(args []cty.Value) error {
		if len(args) > 0 && args[0].Type() == cty.String && wideVerb.MatchString(args[0].AsString()) {
			return errors.New("a width may have three digits")
		}
		return nil
	})
}

// checked looks at the arguments of a function before it is called.
func checked(f function.Function, check func(args []cty.Value) error) function.Function {
	return function.New(&function.Spec{
		Params:   f.Params(),
		VarParam: f.VarParam(),
		Type:     f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			plain := make([]cty.Value, len(args))
			for i, arg := range args {
				plain[i], _ = arg.UnmarkDeep()
			}
			if err := check(plain); err != nil {
				return cty.NilVal, limitError{err}
			}
			return f.Call(args)
		},
	})
}

// durationFunction gives the seconds of a duration, so that one can calculate
// with it: an attribute takes the number as well.
var durationFunction = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "text", Type: cty.String}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		d, err := sdk.ParseDuration(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		return cty.ParseNumberVal(fmt.Sprintf("%d.%09d", d/sdk.Duration(time.Second), d%sdk.Duration(time.Second)))
	},
})

// bytesFunction gives the bytes of a size.
var bytesFunction = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "text", Type: cty.String}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		b, err := sdk.ParseBytes(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		return cty.NumberIntVal(int64(b)), nil
	},
})

// replaceFunction replaces a substring, or what a regular expression between
// slashes matches.
var replaceFunction = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "str", Type: cty.String}, {Name: "substr", Type: cty.String}, {Name: "replace", Type: cty.String},
	},
	Type: function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		pattern := args[1].AsString()
		if len(pattern) > 1 && strings.HasPrefix(pattern, "/") && strings.HasSuffix(pattern, "/") {
			return stdlib.RegexReplace(args[0], cty.StringVal(pattern[1:len(pattern)-1]), args[2])
		}
		return stdlib.Replace(args[0], args[1], args[2])
	},
})

// lengthFunction counts the elements of a collection or the characters of a
// string.
var lengthFunction = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		switch v := args[0]; {
		case v.Type() == cty.String:
			return stdlib.Strlen(v)
		case v.CanIterateElements():
			return cty.NumberIntVal(int64(v.LengthInt())), nil
		}
		return cty.NilVal, function.NewArgErrorf(0, "write a string, a list, a set or a map")
	},
})

// uniform converts to a collection. What cty does to find the type that the
// elements have in common takes the square of their number, so it is spared
// where they have one type already.
func uniform(collection func(cty.Type) cty.Type) function.Function {
	general := stdlib.MakeToFunc(collection(cty.DynamicPseudoType))
	target := func(v cty.Value) (cty.Type, error) {
		if t := v.Type(); t.IsTupleType() && t.Length() > 0 {
			types := t.TupleElementTypes()
			if first := types[0]; !slices.ContainsFunc(types, func(t cty.Type) bool { return !t.Equals(first) }) {
				return collection(first), nil
			}
		}
		return general.ReturnTypeForValues([]cty.Value{v})
	}
	return function.New(&function.Spec{
		Params: general.Params(),
		Type:   func(args []cty.Value) (cty.Type, error) { return target(args[0]) },
		Impl:   func(args []cty.Value, t cty.Type) (cty.Value, error) { return convert.Convert(args[0], t) },
	})
}

func matchFunction(match func(s, part string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "str", Type: cty.String}, {Name: "part", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(match(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

func markFunction(on bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{
			Name: "value", Type: cty.DynamicPseudoType,
			AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true,
		}},
		Type: func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if on {
				return args[0].Mark(sensitive), nil
			}
			plain, _ := args[0].UnmarkDeep()
			return plain, nil
		},
	})
}

func envFunction(lookup func(string) (string, bool)) function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "name", Type: cty.String}},
		VarParam: &function.Parameter{Name: "default", Type: cty.String},
		Type:     function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[0].AsString()
			value, ok := lookup(name)
			switch {
			case len(args) > 2:
				return cty.NilVal, function.NewArgErrorf(2, "env takes a name and at most one default")
			case ok && !utf8.ValidString(value):
				return cty.NilVal, function.NewArgErrorf(0, "the environment variable %s is not UTF-8 text", name)
			case ok:
				return cty.StringVal(value), nil
			case len(args) == 2:
				return args[1], nil
			}
			return cty.NilVal, function.NewArgErrorf(0, "the environment variable %s is not set; set it, or give a default: env(%q, \"...\")", name, name)
		},
	})
}

func fileFunction(dir string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			path := within(dir, args[0].AsString())
			text, err := readFile(path)
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			if !utf8.Valid(text) {
				return cty.NilVal, function.NewArgErrorf(0, "%s is not UTF-8 text", path)
			}
			return cty.StringVal(string(text)), nil
		},
	})
}

func fileExistsFunction(dir string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(isFile(within(dir, args[0].AsString()))), nil
		},
	})
}

// within resolves a path relative to a directory; an absolute one stands for
// itself.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
