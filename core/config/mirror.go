// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/klamm-io/klamm/core/plugin"
	"github.com/klamm-io/klamm/sdk"
)

// MirrorWord is an attribute of a mirror that stands for one of its source or
// sink.
type MirrorWord struct {
	Word      string
	Kind      plugin.Kind
	Attribute string
}

// MirrorWords are the attributes of a mirror besides a pipeline's own settings.
func MirrorWords() []MirrorWord {
	return []MirrorWord{
		{"from", plugin.Source, "cluster"},
		{"to", plugin.Sink, "cluster"},
		{"topics", plugin.Source, "topics"},
		{"since", plugin.Source, "since"},
		{"until", plugin.Source, "until"},
		{"isolation", plugin.Source, "isolation"},
		{"compression", plugin.Sink, "compression"},
		{"create_topics", plugin.Sink, "create_topics"},
		{"replication_factor", plugin.Sink, "replication_factor"},
		{"partitioner", plugin.Sink, "partitioner"},
	}
}

// mirrorWords are those that stand for an attribute which the plugin has.
func mirrorWords(p sdk.Plugin, kind plugin.Kind) []MirrorWord {
	schema := schemaFor(p, kind)
	return slices.DeleteFunc(MirrorWords(), func(w MirrorWord) bool {
		return w.Kind != kind || !slices.ContainsFunc(schema.Attributes, func(a sdk.Attribute) bool { return a.Name == w.Attribute })
	})
}

// declareMirror reads a mirror as the pipeline it stands for. The stages'
// contents are made of the mirror's own attributes, so whatever is wrong with
// them is said at the mirror's words.
func (l *loader) declareMirror(b *hcl.Block) declaration {
	kafka, rename, ok := l.mirrorPlugins(b)
	if !ok {
		return declaration{block: b, settings: &content{header: b.DefRange}}
	}
	names := []string{"for_each"}
	for _, kind := range []plugin.Kind{plugin.Source, plugin.Sink} {
		for _, w := range mirrorWords(kafka, kind) {
			names = append(names, w.Word)
		}
	}
	settings := defaultSettings()
	schema := sdk.SchemaOf(&settings)
	settingsOnly := schema
	renames := sdk.Block{Name: "rename", Schema: schemaFor(rename, plugin.Transform)}
	schema.Blocks = append(slices.Clone(schema.Blocks), renames)
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
	for _, w := range mirrorWords(p, kind) {
		c.words[w.Attribute] = w.Word
		if attr := mirror.attrs[w.Word]; attr != nil {
			c.attrs[w.Attribute] = attr
		}
	}
	return c
}
