// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/klamm-io/klamm/sdk"
)

// content is a block read by its schema, not evaluated yet: once read, it is
// evaluated for each instance of a for_each.
type content struct {
	schema sdk.Schema
	header hcl.Range
	labels []string
	// labelRanges has a place for each label.
	labelRanges []hcl.Range
	attrs       map[string]*hcl.Attribute
	blocks      map[string][]*content
	// flawed is set if something in the block was not understood; what seems to
	// be missing may then be there, misspelt.
	flawed bool
	// words are what the attributes are called in the file, if not by their
	// names in the schema.
	words map[string]string
}

// suspect reports whether something in the block or in one inside it was not
// understood.
func (c *content) suspect() bool {
	if c.flawed {
		return true
	}
	for _, nested := range c.blocks {
		if slices.ContainsFunc(nested, (*content).suspect) {
			return true
		}
	}
	return false
}

// word is what an attribute is called in the file.
func (c *content) word(name string) string {
	if w := c.words[name]; w != "" {
		return w
	}
	return name
}

// read reads a block by its schema, without evaluating anything. Attributes
// that the schema does not know are left to the caller if they are in extra.
func (l *loader) read(b *hcl.Block, schema sdk.Schema, extra ...string) *content {
	spec := &hcl.BodySchema{}
	for _, a := range schema.Attributes {
		spec.Attributes = append(spec.Attributes, hcl.AttributeSchema{Name: a.Name})
	}
	for _, name := range extra {
		spec.Attributes = append(spec.Attributes, hcl.AttributeSchema{Name: name})
	}
	for _, nested := range schema.Blocks {
		spec.Blocks = append(spec.Blocks, hcl.BlockHeaderSchema{Type: nested.Name, LabelNames: labelNames(nested.Labels)})
	}
	before := len(l.diags)
	body := l.content(b.Body, b.Type, spec)
	c := &content{
		schema: schema, header: b.DefRange, labels: b.Labels, labelRanges: b.LabelRanges, flawed: len(l.diags) > before,
		attrs: body.Attributes, blocks: map[string][]*content{},
	}
	for _, nested := range schema.Blocks {
		c.blocks[nested.Name] = l.readNested(nested, body.Blocks.OfType(nested.Name))
	}
	return c
}

func (l *loader) readNested(schema sdk.Block, blocks hcl.Blocks) []*content {
	var read []*content
	for i, b := range blocks {
		if i > 0 && !schema.Repeated {
			l.errorf(&b.DefRange, "Duplicate "+schema.Name+" block", "There is one already at %s.", place(blocks[0].DefRange))
			break
		}
		read = append(read, l.read(b, schema.Schema))
	}
	return read
}

func labelNames(labels []sdk.Label) []string {
	var names []string
	for _, l := range labels {
		names = append(names, l.Name)
	}
	return names
}

// find returns the place of an sdk.Invalid's path: as precise as the file
// allows, the block's header if the path leads nowhere.
func (c *content) find(path string) hcl.Range {
	at, _ := c.locate(path)
	return at
}

// locate is find, and returns the expression that stands there too; nil if none
// does.
func (c *content) locate(path string) (hcl.Range, hcl.Expression) {
	name, rest := splitName(path)
	if attr := c.attrs[name]; attr != nil {
		expr := element(attr, rest)
		return expr.Range(), expr
	}
	index, rest := splitIndex(rest)
	if blocks := c.blocks[name]; index < len(blocks) {
		return blocks[index].locate(strings.TrimPrefix(rest, "."))
	}
	if i := slices.IndexFunc(c.schema.Labels, func(l sdk.Label) bool { return l.Name == name }); i >= 0 && i < len(c.labelRanges) {
		return c.labelRanges[i], nil
	}
	return c.header, nil
}

func splitName(path string) (name, rest string) {
	if i := strings.IndexAny(path, ".["); i >= 0 {
		return path[:i], path[i:]
	}
	return path, ""
}

// splitIndex reads "[2]"; without one the index is 0.
func splitIndex(path string) (int, string) {
	if number, rest, ok := strings.Cut(strings.TrimPrefix(path, "["), "]"); ok && strings.HasPrefix(path, "[") {
		if n, err := strconv.Atoi(number); err == nil && n >= 0 {
			return n, rest
		}
	}
	return 0, path
}

// element is an element of an attribute's value, if the value is written out;
// otherwise the whole.
func element(attr *hcl.Attribute, index string) hcl.Expression {
	key := strings.TrimSuffix(strings.TrimPrefix(index, "["), "]")
	if n, err := strconv.Atoi(key); err == nil {
		if items, diags := hcl.ExprList(attr.Expr); !diags.HasErrors() && n >= 0 && n < len(items) {
			return items[n]
		}
	}
	if text, err := strconv.Unquote(key); err == nil {
		pairs, _ := hcl.ExprMap(attr.Expr)
		for _, p := range pairs {
			if k, diags := p.Key.Value(nil); !diags.HasErrors() && stringIs(k, text) {
				return p.Value
			}
		}
	}
	return attr.Expr
}

// inOrder are attributes in the order of the file.
func inOrder(attrs hcl.Attributes) []*hcl.Attribute {
	var ordered []*hcl.Attribute
	for _, name := range keysOf(attrs) {
		ordered = append(ordered, attrs[name])
	}
	slices.SortStableFunc(ordered, func(a, b *hcl.Attribute) int { return a.Range.Start.Byte - b.Range.Start.Byte })
	return ordered
}
