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
	x := expander{file.Body()}
	for _, cluster := range c.Clusters {
		x.block("cluster", sdk.SchemaOf(cluster), sdk.Encode(cluster))
	}
	for _, p := range c.Pipelines {
		x.pipeline(p)
	}
	if c.Server != nil {
		x.block("server", sdk.SchemaOf(c.Server), sdk.Encode(c.Server))
	}
	_, err := w.Write(hclwrite.Format(file.Bytes()))
	return err
}

// expander writes blocks into a body.
type expander struct{ body *hclwrite.Body }

func (x expander) pipeline(p *Pipeline) {
	x.separate()
	inner := expander{x.body.AppendNewBlock("pipeline", []string{p.Name}).Body()}
	inner.content(sdk.SchemaOf(&p.Settings), sdk.Encode(&p.Settings))
	expandStage(inner, "source", p.Source)
	for _, t := range p.Transforms {
		expandStage(inner, "transform", t)
	}
	expandStage(inner, "sink", p.Sink)
}

func expandStage[C any](x expander, kind string, s Stage[C]) {
	x.separate()
	inner := expander{x.body.AppendNewBlock(kind, []string{s.Plugin}).Body()}
	values := sdk.Encode(s.Config)
	maps.Copy(values, s.Values) // also what is set to zero, such as false
	inner.content(sdk.SchemaOf(s.Config), values)
}

func (x expander) separate() {
	if len(x.body.Attributes()) > 0 || len(x.body.Blocks()) > 0 {
		x.body.AppendNewline()
	}
}

func (x expander) block(name string, schema sdk.Schema, values sdk.Values) {
	x.separate()
	var labels []string
	for _, label := range schema.Labels {
		text, _ := values[label.Name].(string)
		labels = append(labels, text)
	}
	expander{x.body.AppendNewBlock(name, labels).Body()}.content(schema, values)
}

func (x expander) content(schema sdk.Schema, values sdk.Values) {
	for _, a := range schema.Attributes {
		switch value := values[a.Name].(type) {
		case nil:
		case *sdk.Cluster:
			x.body.SetAttributeTraversal(a.Name, reference(value.Name))
		default:
			x.body.SetAttributeValue(a.Name, literal(value))
		}
	}
	for _, b := range schema.Blocks {
		nested, _ := values[b.Name].([]sdk.Values)
		for _, v := range nested {
			x.block(b.Name, b.Schema, v)
		}
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
