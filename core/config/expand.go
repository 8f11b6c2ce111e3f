// SPDX-License-Identifier: Apache-2.0

package config

import (
	"io"
	"maps"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/klamm-io/klamm/sdk"
)

// Expand writes what a configuration means in its long form: variables and
// for_each resolved, mirrors as pipelines, defaults filled in, secrets as
// "***". What it writes loads again.
func Expand(w io.Writer, c *Config) error {
	file := hclwrite.NewEmptyFile()
	for _, b := range longForm(c) {
		b.write(file.Body())
	}
	_, err := w.Write(canonical(file.Bytes()))
	return err
}

// block is a block of the long form.
type block struct {
	kind   string
	labels []string
	attrs  []attribute
	blocks []block
}

// attribute has a value as in [sdk.Values].
type attribute struct {
	name  string
	value any
}

func longForm(c *Config) []block {
	var all []block
	for _, cluster := range c.Clusters {
		all = append(all, newBlock("cluster", sdk.SchemaOf(cluster), sdk.Encode(cluster, nil)))
	}
	for _, p := range c.Pipelines {
		defaults := defaultSettings()
		b := newBlock("pipeline", sdk.SchemaOf(&p.Settings), sdk.Encode(&p.Settings, &defaults))
		b.labels = []string{p.Name}
		b.blocks = append(b.blocks, newStage("source", p.Source))
		for _, t := range p.Transforms {
			b.blocks = append(b.blocks, newStage("transform", t))
		}
		b.blocks = append(b.blocks, newStage("sink", p.Sink))
		all = append(all, b)
	}
	if c.Server != nil {
		all = append(all, newBlock("server", sdk.SchemaOf(c.Server), sdk.Encode(c.Server, nil)))
	}
	return all
}

func newStage[C any](kind string, s Stage[C]) block {
	values := sdk.Encode(s.Config, nil)
	maps.Copy(values, s.Values) // also what is set to zero, such as false
	b := newBlock(kind, sdk.SchemaOf(s.Config), values)
	b.labels = []string{s.Plugin}
	return b
}

func newBlock(kind string, schema sdk.Schema, values sdk.Values) block {
	b := block{kind: kind}
	for _, label := range schema.Labels {
		text, _ := values[label.Name].(string)
		b.labels = append(b.labels, text)
	}
	for _, a := range schema.Attributes {
		if value, ok := values[a.Name]; ok {
			b.attrs = append(b.attrs, attribute{a.Name, value})
		}
	}
	for _, nested := range schema.Blocks {
		all, _ := values[nested.Name].([]sdk.Values)
		for _, v := range all {
			b.blocks = append(b.blocks, newBlock(nested.Name, nested.Schema, v))
		}
	}
	return b
}

// write writes a block in HCL's own syntax, behind what a body holds.
func (b block) write(body *hclwrite.Body) {
	if len(body.Attributes()) > 0 || len(body.Blocks()) > 0 {
		body.AppendNewline()
	}
	inner := body.AppendNewBlock(b.kind, b.labels).Body()
	for _, a := range b.attrs {
		if cluster, is := a.value.(*sdk.Cluster); is {
			inner.SetAttributeTraversal(a.name, reference(cluster.Name))
		} else {
			inner.SetAttributeValue(a.name, literal(a.value))
		}
	}
	for _, nested := range b.blocks {
		nested.write(inner)
	}
}

// reference is how a cluster is referred to.
func reference(cluster string) hcl.Traversal {
	name, key, several := strings.Cut(cluster, ".")
	t := hcl.Traversal{hcl.TraverseRoot{Name: "cluster"}, hcl.TraverseAttr{Name: name}}
	if several {
		t = append(t, hcl.TraverseIndex{Key: cty.StringVal(key)})
	}
	return t
}

// literal is a value of sdk.Values as it is written.
func literal(value any) cty.Value {
	switch v := value.(type) {
	case sdk.Secret:
		return cty.StringVal(v.String())
	case string:
		return cty.StringVal(v)
	case bool:
		return cty.BoolVal(v)
	case int64:
		return cty.NumberIntVal(v)
	case float64:
		return cty.NumberFloatVal(v)
	case []string:
		items := make([]cty.Value, len(v))
		for i, s := range v {
			items[i] = cty.StringVal(s)
		}
		return cty.TupleVal(items)
	case map[string]string:
		items := map[string]cty.Value{}
		for key, s := range v {
			items[key] = cty.StringVal(s)
		}
		return cty.ObjectVal(items)
	}
	return cty.NullVal(cty.DynamicPseudoType)
}
