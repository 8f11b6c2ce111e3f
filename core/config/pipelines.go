// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/klamm-io/klamm/core/plugin"
	"github.com/klamm-io/klamm/sdk"
)

// declaration is a pipeline as declared, by a pipeline block or a mirror: read,
// but not evaluated and not yet multiplied by its for_each.
type declaration struct {
	block    *hcl.Block
	settings *content
	stages   []stage
}

// stage is a stage as declared.
type stage struct {
	kind    plugin.Kind
	plugin  sdk.Plugin
	content *content
}

const maxName = 100

var legalPipeline = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)?$`)

// buildPipelines builds the pipelines of pipeline and mirror blocks, in the
// order of the file.
func (l *loader) buildPipelines(blocks hcl.Blocks) []*Pipeline {
	var pipelines []*Pipeline
	declared := map[string]hcl.Range{}
	for _, b := range blocks {
		if b.Type != "pipeline" && b.Type != "mirror" {
			continue
		}
		d := l.declare(b)
		instances, _ := l.instances(b, l.forEachOf(b))
		for _, i := range instances {
			name := dotted(b.Labels[0], i.key)
			if !l.checkName(b, name, i.key) {
				break
			}
			if other, taken := declared[name]; taken {
				l.errorf(&b.DefRange, "Duplicate pipeline", "A pipeline or mirror named %q is declared already at %s; both share one set of names.", name, place(other))
				continue
			}
			declared[name] = b.DefRange
			if p, ok := l.buildPipeline(d, name, i.each); ok {
				pipelines = append(pipelines, p)
			}
		}
	}
	return pipelines
}

func (l *loader) checkName(b *hcl.Block, name, key string) bool {
	switch {
	case !legalPipeline.MatchString(b.Labels[0]):
		l.errorf(&b.LabelRanges[0], "Invalid "+b.Type+" name", "A name is made of letters, digits, underscores and hyphens.")
	case len(name) > maxName:
		l.errorf(&b.LabelRanges[0], "Invalid "+b.Type+" name", "%q is longer than %d characters; the name becomes part of a topic's name.", name, maxName)
	case key != "" && name != b.Labels[0] && !legalPipeline.MatchString(name):
		l.errorf(&b.LabelRanges[0], "Invalid "+b.Type+" name", "The name has a key already (after the dot), so there can be no for_each.")
	default:
		return true
	}
	return false
}

func (l *loader) declare(b *hcl.Block) declaration {
	if b.Type == "mirror" {
		return l.declareMirror(b)
	}
	return l.declarePipeline(b)
}

var stageKinds = []plugin.Kind{plugin.Source, plugin.Transform, plugin.Sink}

func (l *loader) declarePipeline(b *hcl.Block) declaration {
	settings := defaultSettings()
	schema := sdk.SchemaOf(&settings)
	spec := &hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "for_each"}}}
	for _, a := range schema.Attributes {
		spec.Attributes = append(spec.Attributes, hcl.AttributeSchema{Name: a.Name})
	}
	for _, nested := range schema.Blocks {
		spec.Blocks = append(spec.Blocks, hcl.BlockHeaderSchema{Type: nested.Name, LabelNames: labelNames(nested.Labels)})
	}
	for _, kind := range stageKinds {
		spec.Blocks = append(spec.Blocks, hcl.BlockHeaderSchema{Type: string(kind), LabelNames: []string{"plugin"}})
	}
	before := len(l.diags)
	body := l.content(b.Body, "pipeline", spec)
	own := &content{schema: schema, header: b.DefRange, attrs: body.Attributes, blocks: map[string][]*content{}}
	for _, nested := range schema.Blocks {
		own.blocks[nested.Name] = l.readNested(nested, body.Blocks.OfType(nested.Name))
	}
	own.flawed = len(l.diags) > before
	stages := stagesOf(b, body.Blocks)
	if len(l.diags) == before {
		l.checkOrder(b, stages)
	}
	d := declaration{block: b, settings: own}
	for _, s := range stages {
		kind := plugin.Kind(s.Type)
		if p, ok := l.lookup(kind, s); ok {
			d.stages = append(d.stages, stage{kind, p, l.read(s, schemaFor(p, kind))})
		}
	}
	return d
}

// stagesOf are the blocks that are stages. The properties of a JSON object have
// no order, so there a stage's kind says where it stands; transforms among
// themselves stand in the order of their array.
func stagesOf(pipeline *hcl.Block, blocks hcl.Blocks) hcl.Blocks {
	rank := func(b *hcl.Block) int { return slices.Index(stageKinds, plugin.Kind(b.Type)) }
	stages := slices.DeleteFunc(slices.Clone(blocks), func(b *hcl.Block) bool { return rank(b) < 0 })
	if isJSON(pipeline.DefRange.Filename) {
		slices.SortStableFunc(stages, func(a, b *hcl.Block) int { return rank(a) - rank(b) })
	}
	return stages
}

// checkOrder checks that a pipeline reads as it runs: one source, any
// transforms, one sink.
func (l *loader) checkOrder(pipeline *hcl.Block, blocks hcl.Blocks) {
	for _, kind := range []plugin.Kind{plugin.Source, plugin.Sink} {
		same := blocks.OfType(string(kind))
		switch {
		case len(same) == 0:
			l.errorf(&pipeline.DefRange, "Missing "+string(kind), `A pipeline has one source and one sink. Add a block %s "PLUGIN" { ... }.`, kind)
		case len(same) > 1:
			l.errorf(&same[1].DefRange, "Duplicate "+string(kind), "A pipeline has one %s, and there is one already at %s. Write a second pipeline.", kind, place(same[0].DefRange))
		}
	}
	highest := 0
	for _, b := range blocks {
		rank := slices.Index(stageKinds, plugin.Kind(b.Type))
		if rank < highest {
			l.errorf(&b.DefRange, "Stages out of order", "Stages stand in the order in which records pass them: source, transforms, sink.")
			return
		}
		highest = rank
	}
}

// lookup finds the plugin that a stage's label names.
func (l *loader) lookup(kind plugin.Kind, b *hcl.Block) (sdk.Plugin, bool) {
	name := b.Labels[0]
	p, ok := l.catalog.Lookup(name)
	names := l.catalog.Names(kind)
	switch {
	case !ok:
		hint := didYouMean(name, names)
		if hint == "" {
			hint = fmt.Sprintf(" Plugins that have a %s: %s.", kind, oneOf(names))
		}
		l.errorf(&b.LabelRanges[0], "Unknown plugin", "There is no plugin named %q.%s", name, hint)
	case !plugin.Has(p, kind):
		l.errorf(&b.LabelRanges[0], "Plugin has no "+string(kind), "The plugin %q is no %s. Plugins that have one: %s.", name, kind, oneOf(names))
	default:
		return p, true
	}
	return sdk.Plugin{}, false
}

func schemaFor(p sdk.Plugin, kind plugin.Kind) sdk.Schema {
	switch kind {
	case plugin.Source:
		return sdk.SchemaOf(p.Source())
	case plugin.Transform:
		return sdk.SchemaOf(p.Transform())
	default:
		return sdk.SchemaOf(p.Sink())
	}
}

// buildPipeline evaluates a declaration for one instance.
func (l *loader) buildPipeline(d declaration, name string, e *each) (*Pipeline, bool) {
	p := &Pipeline{Name: name, Settings: defaultSettings(), Range: d.block.DefRange}
	_, ok := l.decode(d.settings, &p.Settings, e)
	for _, s := range d.stages {
		var good bool
		switch s.kind {
		case plugin.Source:
			p.Source, good = buildStage(l, s, s.plugin.Source(), e)
		case plugin.Transform:
			var t Stage[sdk.TransformConfig]
			t, good = buildStage(l, s, s.plugin.Transform(), e)
			p.Transforms = append(p.Transforms, t)
		case plugin.Sink:
			p.Sink, good = buildStage(l, s, s.plugin.Sink(), e)
		}
		ok = ok && good
	}
	return p, ok
}

func buildStage[C any](l *loader, s stage, config C, e *each) (Stage[C], bool) {
	values, ok := l.decode(s.content, config, e)
	return Stage[C]{Plugin: s.plugin.Name, Config: config, Values: values, Range: s.content.header}, ok
}
