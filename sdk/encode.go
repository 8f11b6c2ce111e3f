// SPDX-License-Identifier: Apache-2.0

package sdk

import "reflect"

// Encode is the inverse of [Decode]: the wire form of a config struct, given by
// pointer. Fields that are zero are left out. Secrets stay of type [Secret].
func Encode(config any) Values { return encode(reflect.ValueOf(config).Elem()) }

func encode(v reflect.Value) Values {
	values := Values{}
	for _, f := range fields(v) {
		switch {
		case f.value.IsZero():
		case f.kind == "block" && f.value.Kind() == reflect.Pointer:
			values[f.name] = []Values{encode(f.value.Elem())}
		case f.kind == "block":
			var blocks []Values
			for i := range f.value.Len() {
				blocks = append(blocks, encode(f.value.Index(i)))
			}
			values[f.name] = blocks
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
	}
	if v.CanInt() {
		return v.Int()
	}
	return v.Interface()
}
