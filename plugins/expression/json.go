// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"bytes"
	"encoding/json"
	"reflect"
	"time"
)

var timeType = reflect.TypeFor[time.Time]()

// mayBeJSON looks at how a text begins.
func mayBeJSON(raw []byte, scalars bool) bool {
	text := bytes.TrimLeft(raw, " \t\r\n")
	if len(text) == 0 {
		return false
	}
	switch c := text[0]; c {
	case '{', '[', '"':
		return true
	case '-', 't', 'f', 'n':
		return scalars
	default:
		return scalars && '0' <= c && c <= '9'
	}
}

// encodeJSON encodes a value compactly; objects with their keys in order.
func encodeJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// kindOf says in a user's words what a value is.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nil"
	case string:
		return "a text"
	case []byte:
		return "bytes"
	case bool:
		return "true or false"
	case time.Time:
		return "a time"
	case time.Duration:
		return "a duration"
	case json.Number:
		return "a number of more than 64 bits"
	}
	switch reflect.TypeOf(v).Kind() {
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Map:
		return "a map"
	case reflect.Func:
		return "a function"
	}
	return "a number"
}
