// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"

	"github.com/klamm-io/klamm/sdk"
)

// TopicMapping is how the pipeline's transforms rename topics, in their order.
func (p *Pipeline) TopicMapping() sdk.TopicMapping {
	var m sdk.TopicMapping
	for _, t := range p.Transforms {
		if mapper, ok := t.Config.(sdk.TopicMapper); ok {
			m = append(m, mapper.TopicMapping()...)
		}
	}
	return m
}

// RoutesRecords reports whether a transform sends records to topics by what is in
// them, so that the mapping does not say all.
func (p *Pipeline) RoutesRecords() bool {
	return slices.ContainsFunc(p.Transforms, func(t Stage[sdk.TransformConfig]) bool {
		_, routes := t.Config.(sdk.RecordRouter)
		return routes
	})
}
