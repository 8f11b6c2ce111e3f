// SPDX-License-Identifier: Apache-2.0

package config

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/klamm-io/klamm/core/plugin"
	"github.com/klamm-io/klamm/sdk"
)

// mirrorWords are a mirror's attributes: which attribute of the kafka source or
// sink each one stands for.
var mirrorWords = []struct {
	word, name string
	kind       plugin.Kind
}{
	{"from", "cluster", plugin.Source},
	{"to", "cluster", plugin.Sink},
	{"topics", "topics", plugin.Source},
	{"since", "since", plugin.Source},
	{"until", "until", plugin.Source},
	{"compression", "compression", plugin.Sink},
}

// declareMirror reads a mirror as the pipeline it stands for. The stages'
// contents are made of the mirror's own attributes, so whatever is wrong with
// them is said at the mirror's words.
func (l *loader) declareMirror(b *hcl.Block) declaration {
	settings := defaultSettings()
	schema := sdk.SchemaOf(&settings)
	names := []string{"for_each"}
	for _, w := range mirrorWords {
		names = append(names, w.word)
	}
	kafka, rename, ok := l.mirrorPlugins(b)
	if !ok {
		return declaration{block: b, settings: &content{header: b.DefRange}}
	}
	settingsOnly := schema
	schema.Blocks = []sdk.Block{{Name: "rename", Schema: schemaFor(rename, plugin.Transform)}}
	whole := l.read(b, schema, names...)
	own := *whole
	own.schema = settingsOnly

	d := declaration{block: b, settings: &own}
	d.stages = append(d.stages, stage{plugin.Source, kafka, mirrorStage(whole, kafka, plugin.Source)})
	for _, c := range whole.blocks["rename"] {
		d.stages = append(d.stages, stage{plugin.Transform, rename, c})
	}
	d.stages = append(d.stages, stage{plugin.Sink, kafka, mirrorStage(whole, kafka, plugin.Sink)})
	return d
}

// mirrorPlugins are the plugins that a mirror is made of.
func (l *loader) mirrorPlugins(b *hcl.Block) (kafka, rename sdk.Plugin, ok bool) {
	kafka, _ = l.catalog.Lookup("kafka")
	rename, _ = l.catalog.Lookup("rename")
	ok = kafka.Source != nil && kafka.Sink != nil && rename.Transform != nil
	if !ok {
		l.errorf(&b.DefRange, "Missing plugins", `A mirror needs the plugins "kafka" and "rename", which this build does not have.`)
	}
	return kafka, rename, ok
}

// mirrorStage is the content of a stage as if it had been written out.
func mirrorStage(mirror *content, p sdk.Plugin, kind plugin.Kind) *content {
	c := &content{
		schema: schemaFor(p, kind),
		header: mirror.header,
		flawed: mirror.flawed,
		attrs:  map[string]*hcl.Attribute{},
		words:  map[string]string{},
	}
	for _, w := range mirrorWords {
		if w.kind != kind {
			continue
		}
		c.words[w.name] = w.word
		if attr := mirror.attrs[w.word]; attr != nil {
			c.attrs[w.name] = attr
		}
	}
	return c
}
