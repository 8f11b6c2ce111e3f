// SPDX-License-Identifier: Apache-2.0

package config

import "github.com/klamm-io/klamm/sdk"

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
