// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr/vm"

	"github.com/klamm-io/klamm/sdk"
)

// Record is what expressions see of a record, and what evaluating them needs. Key,
// value and headers are decoded when an expression first asks for them, through
// functions of the same names: their fields here only say that there are such
// names.
type Record struct {
	Topic     string            `expr:"topic"`
	Partition int               `expr:"partition"`
	Offset    int               `expr:"offset"`
	Timestamp time.Time         `expr:"timestamp"`
	Key       any               `expr:"key"`
	Value     any               `expr:"value"`
	Headers   map[string]string `expr:"headers"`
	RawKey    []byte            `expr:"raw_key"`
	RawValue  []byte            `expr:"raw_value"`

	headers []sdk.Header
	decoded struct{ key, value, headers bool }
	work    int64 // that is left
	vm      vm.VM
}

// Records keeps Records for use by one goroutine after the other. Its zero value
// is ready.
type Records struct{ free sync.Pool }

// Get makes a Record of one in a batch. It is given back with Put, and with it
// what was evaluated may not be used any more.
func (p *Records) Get(b *sdk.Batch, r *sdk.Record) *Record {
	e, ok := p.free.Get().(*Record)
	if !ok {
		e = &Record{}
	}
	machine := e.vm
	*e = Record{
		Topic: r.Topic, Partition: int(b.Source.Partition), Offset: int(r.Offset), Timestamp: r.Time(),
		RawKey: r.Key, RawValue: r.Value, headers: r.Headers, work: workLimit(r), vm: machine,
	}
	if e.Topic == "" {
		e.Topic = b.Topic
	}
	return e
}

// Put gives a Record back.
func (p *Records) Put(e *Record) {
	e.Key, e.Value, e.Headers, e.RawKey, e.RawValue, e.headers = nil, nil, nil, nil, nil, nil
	p.free.Put(e)
}

// key is the key: an object or an array if it is one in JSON, else the text. A
// number stays a text, for keys are compared with texts.
func (r *Record) key() any {
	if !r.decoded.key {
		r.decoded.key = true
		r.Key = decode(r.RawKey, false)
	}
	return r.Key
}

// value is the value: what it is in JSON, else the text.
func (r *Record) value() any {
	if !r.decoded.value {
		r.decoded.value = true
		r.Value = decode(r.RawValue, true)
	}
	return r.Value
}

// headersByName are the headers as texts; of those with one name, the last.
func (r *Record) headersByName() map[string]string {
	if !r.decoded.headers {
		r.decoded.headers = true
		r.Headers = make(map[string]string, len(r.headers))
		for _, h := range r.headers {
			r.Headers[h.Key] = string(h.Value)
		}
	}
	return r.Headers
}

// decode gives nil for nil, JSON if it is JSON, text if it is UTF-8, else the bytes.
func decode(raw []byte, scalars bool) any {
	switch {
	case raw == nil:
		return nil
	case !utf8.Valid(raw):
		return raw
	case mayBeJSON(raw, scalars):
		if v, err := decodeJSON(raw); err == nil {
			return v
		}
	}
	return string(raw)
}

// Condition evaluates an expression that gives true or false.
func (p *Program) Condition(r *Record) (bool, error) {
	out, err := p.run(r)
	if err != nil {
		return false, err
	}
	b, ok := out.(bool)
	if !ok {
		return false, p.unwanted(out)
	}
	return b, nil
}

// Text evaluates an expression that gives a text.
func (p *Program) Text(r *Record) (string, error) {
	out, err := p.run(r)
	if err != nil {
		return "", err
	}
	s, ok := out.(string)
	if !ok {
		return "", p.unwanted(out)
	}
	return s, nil
}

// Milliseconds evaluates an expression that gives a time, as milliseconds since the
// epoch.
func (p *Program) Milliseconds(r *Record) (int64, error) {
	out, err := p.run(r)
	if err != nil {
		return 0, err
	}
	ms, ok := milliseconds(out)
	if !ok {
		return 0, p.unwanted(out)
	}
	return ms, nil
}

// Bytes evaluates an expression to what a key, a value or a header holds: nil for
// nil, bytes and texts as they are, all else as JSON.
func (p *Program) Bytes(r *Record) ([]byte, error) {
	out, err := p.run(r)
	if err != nil {
		return nil, err
	}
	switch v := out.(type) {
	case nil:
		return nil, nil
	case []byte:
		return v, nil
	case string:
		return []byte(v), nil
	}
	if err := r.charge(out); err != nil {
		return nil, p.failed(err)
	}
	raw, err := encodeJSON(out)
	if err != nil {
		return nil, p.failed(err)
	}
	return raw, nil
}

func (p *Program) unwanted(out any) error {
	return fmt.Errorf("it gives %s, not %s: %q", kindOf(out), p.want, short(p.text))
}

// milliseconds is a time, or a whole number, that Kafka can store as a timestamp.
func milliseconds(v any) (int64, bool) {
	switch v := v.(type) {
	case time.Time:
		ms := v.UnixMilli()
		return ms, ms >= 0
	case int:
		return int64(v), v >= 0
	case float64:
		ms := int64(v)
		return ms, ms >= 0 && float64(ms) == v
	}
	return 0, false
}
