// SPDX-License-Identifier: Apache-2.0

package sdk

import "reflect"

// Encode is the inverse of [Decode]: the wire form of a config struct, given by
// pointer, over defaults of the same type, or nil for none. Optional fields that
// are zero are left out, unless the default is not: then the zero is what was
// asked for. Secrets stay of type [Secret].
func Encode(config, defaults any) Values {
	v := reflect.ValueOf(config).Elem()
	byDefault := reflect.Zero(v.Type())
	if defaults != nil {
		byDefault = reflect.ValueOf(defaults).Elem()
	}
	return encode(v, byDefault)
}

func encode(v, defaults reflect.Value) Values {
	values, byDefault := Values{}, fields(defaults)
	for i, f := range fields(v) {
		switch {
		case f.kind == "block" && f.value.IsZero():
		case f.kind == "block" && f.value.Kind() == reflect.Pointer:
			values[f.name] = []Values{encode(f.value.Elem(), reflect.Zero(f.value.Type().Elem()))}
		case f.kind == "block":
			var blocks []Values
			for i := range f.value.Len() {
				blocks = append(blocks, encode(f.value.Index(i), reflect.Zero(f.value.Type().Elem())))
			}
			values[f.name] = blocks
		case f.value.IsZero() && (f.kind != "" || f.value.Kind() == reflect.Pointer) && byDefault[i].value.IsZero():
		default:
			values[f.name] = encodeAttribute(f.value)
		}
	}
	return values
}

func encodeAttribute(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case Duration:
		return x.String()
	case Bytes:
		return x.String()
	case Expression:
		return string(x)
	case Expressions:
		return map[string]string(x)
	}
	if v.CanInt() {
		return v.Int()
	}
	return v.Interface()
}
