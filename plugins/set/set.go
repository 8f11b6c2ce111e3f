// SPDX-License-Identifier: Apache-2.0

// Package set replaces parts of records: keys, values, timestamps, headers.
package set

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/klamm-io/klamm/plugins/expression"
	"github.com/klamm-io/klamm/sdk"
)

// Config is the block `transform "set"`.
type Config struct {
	Key           sdk.Expression  `hcl:"key,optional" doc:"The new key: nil for none, texts and bytes as they are, all else as JSON."`
	Value         sdk.Expression  `hcl:"value,optional" doc:"The new value, in the same way; nil makes the record a tombstone. To change one field of an object: merge(value, {\"field\": ...}), or omit(value, \"field\")."`
	Timestamp     sdk.Expression  `hcl:"timestamp,optional" doc:"The new timestamp: a time, or milliseconds since the epoch."`
	Headers       sdk.Expressions `hcl:"headers,optional" doc:"Headers by name, in the same way as the key. A header takes the place of all those of its name, or is added at the end; nil leaves it out."`
	RemoveHeaders []string        `hcl:"remove_headers,optional" doc:"Which headers are removed before others are set: globs, regular expressions between slashes, and either with a leading ! to exclude."`
}

// Plugin is the plugin "set".
func Plugin() sdk.Plugin {
	return sdk.Plugin{
		Name:      "set",
		Summary:   "Replaces keys, values, timestamps and headers by what expressions give. All of them see the record as it was before. A record for which one of them gives nothing of use is rejected (see on_reject).",
		Transform: func() sdk.TransformConfig { return &Config{} },
	}
}

// Validate implements [sdk.Validator].
func (c *Config) Validate() []sdk.Invalid {
	var bad []sdk.Invalid
	if c.Key == "" && c.Value == "" && c.Timestamp == "" && len(c.Headers) == 0 && len(c.RemoveHeaders) == 0 {
		bad = append(bad, sdk.Invalid{Summary: "Nothing to set", Detail: "Give a key, a value, a timestamp, headers or remove_headers."})
	}
	check := func(path, text string, want expression.Want) {
		if text != "" {
			bad = append(bad, expression.Check(path, text, want)...)
		}
	}
	check("key", string(c.Key), expression.Anything)
	check("value", string(c.Value), expression.Anything)
	check("timestamp", string(c.Timestamp), expression.Time)
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		bad = append(bad, expression.Check(fmt.Sprintf("headers[%q]", name), c.Headers[name], expression.Anything)...)
	}
	if _, err := sdk.NewSelection(c.RemoveHeaders); err != nil {
		path := "remove_headers"
		if pe, is := errors.AsType[*sdk.PatternError](err); is {
			path = fmt.Sprintf("remove_headers[%d]", pe.Index)
		}
		bad = append(bad, sdk.Invalid{Path: path, Summary: "Invalid header pattern", Detail: err.Error() + "."})
	}
	return bad
}

// setter is a Config made ready; what it leaves alone is nil.
type setter struct {
	records               expression.Records
	key, value, timestamp *expression.Program
	headers               []header
	remove                *sdk.Selection
}

type header struct {
	name    string
	program *expression.Program
}

// NewTransform implements [sdk.TransformConfig].
func (c *Config) NewTransform(context.Context, sdk.Env) (sdk.Transform, error) {
	var failed error
	compile := func(text string, want expression.Want) *expression.Program {
		p, err := expression.Compile(text, want)
		failed = errors.Join(failed, err)
		return p
	}
	s := &setter{}
	if c.Key != "" {
		s.key = compile(string(c.Key), expression.Anything)
	}
	if c.Value != "" {
		s.value = compile(string(c.Value), expression.Anything)
	}
	if c.Timestamp != "" {
		s.timestamp = compile(string(c.Timestamp), expression.Time)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		s.headers = append(s.headers, header{name, compile(c.Headers[name], expression.Anything)})
	}
	if len(c.RemoveHeaders) > 0 {
		selection, err := sdk.NewSelection(c.RemoveHeaders)
		failed, s.remove = errors.Join(failed, err), selection
	}
	if failed != nil {
		return nil, failed
	}
	return sdk.Each(s.set), nil
}

// set sets the parts of one record, all or none.
func (s *setter) set(_ context.Context, b *sdk.Batch, r *sdk.Record) error {
	e := s.records.Get(b, r)
	defer s.records.Put(e)
	changed, err := *r, error(nil)
	if s.key != nil {
		if changed.Key, err = s.key.Bytes(e); err != nil {
			return rejected("key", err)
		}
	}
	if s.value != nil {
		if changed.Value, err = s.value.Bytes(e); err != nil {
			return rejected("value", err)
		}
	}
	if s.timestamp != nil {
		if changed.Timestamp, err = s.timestamp.Milliseconds(e); err != nil {
			return rejected("timestamp", err)
		}
		changed.AppendTime = false
	}
	if changed.Headers, err = s.setHeaders(e, r.Headers); err != nil {
		return err
	}
	*r = changed
	return nil
}

// setHeaders returns the headers as they shall be, in a slice of their own if they
// change.
func (s *setter) setHeaders(e *expression.Record, have []sdk.Header) ([]sdk.Header, error) {
	if s.remove != nil && slices.ContainsFunc(have, func(h sdk.Header) bool { return s.remove.Match(h.Key) }) {
		have = slices.DeleteFunc(slices.Clone(have), func(h sdk.Header) bool { return s.remove.Match(h.Key) })
	}
	for _, h := range s.headers {
		value, err := h.program.Bytes(e)
		if err != nil {
			return nil, rejected(fmt.Sprintf("headers[%q]", h.name), err)
		}
		have = replaced(have, h.name, value)
	}
	return have, nil
}

// replaced returns headers of which one has a new value, or is left out.
func replaced(have []sdk.Header, name string, value []byte) []sdk.Header {
	if value == nil && !slices.ContainsFunc(have, func(h sdk.Header) bool { return h.Key == name }) {
		return have
	}
	out := make([]sdk.Header, 0, len(have)+1)
	placed := value == nil
	for _, h := range have {
		if h.Key != name {
			out = append(out, h)
		} else if !placed {
			placed = true
			out = append(out, sdk.Header{Key: name, Value: value})
		}
	}
	if !placed {
		out = append(out, sdk.Header{Key: name, Value: value})
	}
	return out
}

func rejected(attribute string, err error) error {
	return sdk.Reject(fmt.Errorf("%s: %w", attribute, err))
}
