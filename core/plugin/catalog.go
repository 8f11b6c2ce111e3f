// SPDX-License-Identifier: Apache-2.0

// Package plugin finds the plugin that a block label names.
package plugin

import (
	"fmt"
	"slices"

	"github.com/klamm-io/klamm/sdk"
)

// Kind is the kind of a stage.
type Kind string

// The kinds of stages.
const (
	Source    Kind = "source"
	Transform Kind = "transform"
	Sink      Kind = "sink"
	Sync      Kind = "sync"
)

// Catalog is the set of plugins a configuration can name. It does not change
// once made, and is safe for concurrent use.
type Catalog struct {
	byName map[string]sdk.Plugin
}

// NewCatalog makes a catalog of plugins; two of one name are refused.
func NewCatalog(plugins []sdk.Plugin) (*Catalog, error) {
	c := &Catalog{byName: make(map[string]sdk.Plugin, len(plugins))}
	for _, p := range plugins {
		if _, ok := c.byName[p.Name]; ok {
			return nil, fmt.Errorf("two plugins are named %q", p.Name)
		}
		c.byName[p.Name] = p
	}
	return c, nil
}

// Lookup returns the plugin of that name, whatever its kinds.
func (c *Catalog) Lookup(name string) (sdk.Plugin, bool) {
	p, ok := c.byName[name]
	return p, ok
}

// All returns the plugins in the order of their names.
func (c *Catalog) All() []sdk.Plugin {
	all := make([]sdk.Plugin, 0, len(c.byName))
	for _, p := range c.byName {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b sdk.Plugin) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return all
}

// Names returns the names of the plugins that have a stage of that kind, sorted.
func (c *Catalog) Names(kind Kind) []string {
	var names []string
	for _, p := range c.All() {
		if Has(p, kind) {
			names = append(names, p.Name)
		}
	}
	return names
}

// Has reports whether the plugin has a stage of that kind.
func Has(p sdk.Plugin, kind Kind) bool {
	switch kind {
	case Source:
		return p.Source != nil
	case Transform:
		return p.Transform != nil
	case Sink:
		return p.Sink != nil
	case Sync:
		return p.Sync != nil
	}
	return false
}
