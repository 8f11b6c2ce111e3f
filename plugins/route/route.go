// SPDX-License-Identifier: Apache-2.0

// Package route sends each record to the topic that an expression names.
package route

import (
	"context"
	"fmt"
	"regexp"

	"github.com/klamm-io/klamm/plugins/expression"
	"github.com/klamm-io/klamm/sdk"
)

// Config is the block `transform "route"`.
type Config struct {
	Topic sdk.Expression `hcl:"topic" doc:"The name of the topic that the record goes to. Where the sink creates topics, it is made when the first record goes there, like the source's. A record for which it gives no name of a topic is rejected (see on_reject)."`
}

// Plugin is the plugin "route".
func Plugin() sdk.Plugin {
	return sdk.Plugin{
		Name:      "route",
		Summary:   "Sends each record to the topic that an expression names. Its partition keeps its number.",
		Transform: func() sdk.TransformConfig { return &Config{} },
	}
}

// Validate implements [sdk.Validator].
func (c *Config) Validate() []sdk.Invalid {
	return expression.Check("topic", string(c.Topic), expression.Text)
}

// RoutesRecords implements [sdk.RecordRouter].
func (c *Config) RoutesRecords() {}

var legal = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// NewTransform implements [sdk.TransformConfig].
func (c *Config) NewTransform(context.Context, sdk.Env) (sdk.Transform, error) {
	topic, err := expression.Compile(string(c.Topic), expression.Text)
	if err != nil {
		return nil, err
	}
	var records expression.Records
	return sdk.Each(func(_ context.Context, b *sdk.Batch, r *sdk.Record) error {
		e := records.Get(b, r)
		defer records.Put(e)
		name, err := topic.Text(e)
		switch {
		case err != nil:
			return sdk.Reject(err)
		case name == "." || name == ".." || !legal.MatchString(name):
			return sdk.Reject(fmt.Errorf("%.249q cannot be the name of a topic", name))
		case name != e.Topic:
			r.Topic = name
		}
		return nil
	}), nil
}
