// SPDX-License-Identifier: Apache-2.0

// Package plugins lists the built-in plugins: the whole distribution.
package plugins

import (
	"github.com/klamm-io/klamm/plugins/filter"
	"github.com/klamm-io/klamm/plugins/kafka"
	"github.com/klamm-io/klamm/plugins/rename"
	"github.com/klamm-io/klamm/plugins/route"
	"github.com/klamm-io/klamm/plugins/set"
	"github.com/klamm-io/klamm/sdk"
)

// All returns the built-in plugins.
func All() []sdk.Plugin {
	return []sdk.Plugin{
		filter.Plugin(),
		kafka.Plugin(),
		rename.Plugin(),
		route.Plugin(),
		set.Plugin(),
	}
}
