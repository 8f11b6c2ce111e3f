// SPDX-License-Identifier: Apache-2.0

// Package filter passes the records for which an expression is true. A batch of
// which it drops nothing stays as it was read.
package filter

import (
	"context"

	"github.com/klamm-io/klamm/plugins/expression"
	"github.com/klamm-io/klamm/sdk"
)

// Config is the block `transform "filter"`.
type Config struct {
	Where sdk.Expression `hcl:"where" doc:"True for the records that pass; the others are dropped. One for which it is neither true nor false is rejected (see on_reject)."`
}

// Plugin is the plugin "filter".
func Plugin() sdk.Plugin {
	return sdk.Plugin{
		Name:      "filter",
		Summary:   "Drops the records for which an expression is false.",
		Transform: func() sdk.TransformConfig { return &Config{} },
	}
}

// Validate implements [sdk.Validator].
func (c *Config) Validate() []sdk.Invalid {
	return expression.Check("where", string(c.Where), expression.Condition)
}

// NewTransform implements [sdk.TransformConfig].
func (c *Config) NewTransform(context.Context, sdk.Env) (sdk.Transform, error) {
	where, err := expression.Compile(string(c.Where), expression.Condition)
	if err != nil {
		return nil, err
	}
	var records expression.Records
	return sdk.Each(func(_ context.Context, b *sdk.Batch, r *sdk.Record) error {
		e := records.Get(b, r)
		defer records.Put(e)
		pass, err := where.Condition(e)
		switch {
		case err != nil:
			return sdk.Reject(err)
		case !pass:
			return sdk.ErrDrop
		}
		return nil
	}), nil
}
