// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"fmt"
	"reflect"
)

// Values is a block's content in its wire form: labels and attributes by name
// (string, bool, int64, float64, []string, map[string]string, *Cluster; an
// attribute that is left out has no entry), nested blocks as []Values.
type Values map[string]any

// Decode fills a config struct, given by pointer, over the defaults it holds.
// Values must fit the struct's schema, as whoever evaluated the file has made
// sure; an error names the attribute.
func Decode(values Values, config any) error {
	return decode(values, reflect.ValueOf(config).Elem())
}

func decode(values Values, v reflect.Value) error {
	for _, f := range fields(v) {
		value, ok := values[f.name]
		if !ok {
			continue
		}
		if f.kind == "block" {
			if err := decodeBlocks(value, f); err != nil {
				return err
			}
			continue
		}
		if err := decodeAttribute(value, f); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

func decodeBlocks(value any, f field) error {
	blocks, ok := value.([]Values)
	if !ok {
		return fmt.Errorf("%s: want blocks, got %T", f.name, value)
	}
	elem := f.value.Type().Elem()
	for _, b := range blocks {
		item := reflect.New(elem)
		if err := decode(b, item.Elem()); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if f.value.Kind() == reflect.Slice {
			f.value.Set(reflect.Append(f.value, item.Elem()))
		} else {
			f.value.Set(item)
		}
	}
	return nil
}

func decodeAttribute(value any, f field) error {
	switch f.value.Interface().(type) {
	case Duration:
		s, _ := value.(string)
		d, err := ParseDuration(s)
		if err != nil {
			return err
		}
		f.value.Set(reflect.ValueOf(d))
		return nil
	case Bytes:
		s, _ := value.(string)
		b, err := ParseBytes(s)
		if err != nil {
			return err
		}
		f.value.Set(reflect.ValueOf(b))
		return nil
	}
	rv := reflect.ValueOf(value)
	if !rv.IsValid() || !rv.CanConvert(f.value.Type()) || (rv.Kind() != f.value.Kind() && !(rv.CanInt() && f.value.CanInt())) {
		return fmt.Errorf("want %s, got %T", f.value.Type(), value)
	}
	if rv.CanInt() && f.value.CanInt() && f.value.OverflowInt(rv.Int()) {
		return fmt.Errorf("%d is out of range", rv.Int())
	}
	f.value.Set(rv.Convert(f.value.Type()))
	return nil
}
