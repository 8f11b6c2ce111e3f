// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"errors"
	"reflect"

	"github.com/klamm-io/klamm/sdk"
)

// What evaluating costs is counted in bytes looked at or made, whatever machine it
// runs on: what is rejected today is rejected tomorrow. Outside of loops a part of an
// expression is evaluated at most once, so only what can grow beyond the record is
// counted there.
const (
	baseWork  = 16 << 20
	workTimes = 16 // the record's size
	stepWork  = 64 // of a round of a loop, and of an element of what is looked at
)

var errTooMuch = errors.New("it takes more work than a record of this size may")

func workLimit(r *sdk.Record) int64 { return baseWork + workTimes*int64(r.Size()) }

// spend counts work.
func (r *Record) spend(n int64) error {
	if r.work -= n; r.work < 0 {
		return errTooMuch
	}
	return nil
}

// charge counts what it takes to look at all of a value. A value whose parts are
// one and the same many times counts each time.
func (r *Record) charge(v any) error {
	switch v := v.(type) {
	case nil, bool, int, float64:
		return nil
	case string:
		return r.spend(int64(len(v)))
	case []byte:
		return r.spend(int64(len(v)))
	case []any:
		if err := r.spend(stepWork * int64(len(v))); err != nil {
			return err
		}
		for _, item := range v {
			if err := r.charge(item); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		if err := r.spend(stepWork * int64(len(v))); err != nil {
			return err
		}
		for key, item := range v {
			if err := errors.Join(r.spend(int64(len(key))), r.charge(item)); err != nil {
				return err
			}
		}
		return nil
	}
	return r.chargeOther(reflect.ValueOf(v))
}

// chargeOther counts what functions of the language make: slices and maps of one
// type.
func (r *Record) chargeOther(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := errors.Join(r.spend(stepWork), r.charge(v.Index(i).Interface())); err != nil {
				return err
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if err := errors.Join(r.spend(stepWork), r.charge(entries.Key().Interface()), r.charge(entries.Value().Interface())); err != nil {
				return err
			}
		}
	}
	return nil
}
