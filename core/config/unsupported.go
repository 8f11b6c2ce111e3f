// SPDX-License-Identifier: Apache-2.0

package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
)

// What belongs to the language, or to what users of Terraform expect of it,
// and is not there: it is refused by name, with the way out where there is
// one.

// unsupported are attributes and blocks by the type of the block they stand
// in; the empty type is any block.
var unsupported = map[string]map[string]string{
	"": {
		"dynamic":    "dynamic blocks are not supported by this version. Write the blocks out, or use for_each on the whole block.",
		"count":      "There is no count. Use for_each.",
		"depends_on": "There is no depends_on. Pipelines run independently of each other.",
		"lifecycle":  "There is no lifecycle block. Remove it.",
	},
	"file": {
		"plugin":    "Plugins in processes of their own are not supported by this version. It has the built-in ones only.",
		"source":    "A source stands inside a pipeline block.",
		"transform": "A transform stands inside a pipeline block.",
		"sink":      "A sink stands inside a pipeline block.",
		"sync":      noSyncs,
	},
	"pipeline": merged(policies, map[string]string{
		"sync":    noSyncs,
		"groups":  noGroups,
		"between": noBetween,
		"from":    inSource,
		"topics":  inSource,
		"since":   inSource,
		"until":   inSource,
		"to":      "The target stands in the pipeline's sink block. (from and to are the words of a mirror.)",
		"rename":  `Write transform "rename" { ... }.`,
		"filter":  `Write transform "filter" { ... }.`,
		"set":     `Write transform "set" { ... }.`,
		"route":   `Write transform "route" { ... }.`,
	}),
	"mirror": merged(policies, map[string]string{
		"sync":      noSyncs,
		"groups":    noGroups,
		"between":   noBetween,
		"source":    "A mirror says this with from and topics. For stages of its own write a pipeline.",
		"sink":      "A mirror says this with to. For stages of its own write a pipeline.",
		"transform": onlyRenames,
		"filter":    onlyRenames,
		"set":       onlyRenames,
		"route":     onlyRenames,
		"cluster":   "A mirror names its clusters with from and to.",
		"prefix":    `Write rename { prefix = "..." }.`,
	}),
	"variable": {
		"ephemeral":  "ephemeral is not supported by this version. Use sensitive.",
		"deprecated": "deprecated is not supported by this version.",
	},
}

var policies = map[string]string{
	"on_error": "There is no on_error. What happens to a record that a transform rejects on_reject says; any other error stops its partition.",
}

const (
	noSyncs     = "Syncs are not supported by this version: ACLs, offsets of consumer groups and later changes of topic settings are not copied."
	noGroups    = "Offsets of consumer groups are not copied by this version."
	noBetween   = "Mirroring both ways under the same names is not supported by this version. Write two mirrors, each with a prefix of its own, and let each exclude the other's topics."
	onlyRenames = "A mirror takes a rename block only. For other transforms write a pipeline."
	inSource    = "This stands in the pipeline's source block. (from and topics are words of a mirror.)"
)

// unsupportedValues are values of attributes.
var unsupportedValues = map[string]map[string]string{
	"delivery": {"exactly_once": `delivery = "exactly_once" is not supported by this version. With "at_least_once" (the default) a crash may repeat a suffix of what was being written.`},
}

var unsupportedFunctions = map[string]string{
	"timestamp":     notRepeatable,
	"plantimestamp": notRepeatable,
	"uuid":          notRepeatable,
}

const notRepeatable = "A configuration means the same each time it is loaded, so there is no such function. Pass the value in with a variable."

func merged(a, b map[string]string) map[string]string {
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

// content reads a body by its schema. What is not supported is refused first,
// by name; what remains unknown is unknown to everybody.
func (l *loader) content(body hcl.Body, blockType string, schema *hcl.BodySchema) *hcl.BodyContent {
	reasons := merged(unsupported[""], unsupported[blockType])
	for _, a := range schema.Attributes {
		delete(reasons, a.Name)
	}
	for _, b := range schema.Blocks {
		delete(reasons, b.Type)
	}
	var hidden hcl.BodySchema
	for _, name := range keysOf(reasons) {
		hidden.Attributes = append(hidden.Attributes, hcl.AttributeSchema{Name: name})
		hidden.Blocks = append(hidden.Blocks, hcl.BlockHeaderSchema{Type: name})
	}
	found, rest, _ := body.PartialContent(&hidden)
	l.refuse(body, found, reasons)
	content, diags := rest.Content(schema)
	l.report(l.suggestNames(diags, schema)...)
	if json.IsJSONBody(body) {
		if t := content.Attributes["type"]; t != nil && blockType == "variable" {
			if t.Expr = l.expression(t.Expr); t.Expr == nil {
				delete(content.Attributes, "type")
			}
		}
		l.native(content)
	}
	return content
}

// refuse reports what a body has that is not supported.
func (l *loader) refuse(body hcl.Body, found *hcl.BodyContent, reasons map[string]string) {
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		for _, a := range found.Attributes {
			summary := "Unsupported argument"
			if _, diags := hcl.ExprMap(a.Expr); !diags.HasErrors() {
				summary = "Unsupported block type"
			}
			l.errorf(&a.NameRange, summary, "%s", reasons[a.Name])
		}
		return
	}
	for _, a := range native.Attributes {
		if why := reasons[a.Name]; why != "" {
			l.errorf(&a.NameRange, "Unsupported argument", "%s", why)
		}
	}
	for _, b := range native.Blocks {
		if why := reasons[b.Type]; why != "" {
			l.errorf(&b.TypeRange, "Unsupported block type", "%s", why)
		}
	}
}

// misnamed are the messages about names that a schema does not have.
var misnamed = regexp.MustCompile(`^(An argument named|Blocks of type|No argument or block type is named) "([^"]*)"(?: (?:is|are) not expected here)?\.(?: Did you mean.*)?$`)

// suggestNames lets messages suggest the most similar name. HCL suggests the
// first that is similar, and no argument that is set already.
func (l *loader) suggestNames(diags hcl.Diagnostics, schema *hcl.BodySchema) hcl.Diagnostics {
	var attributes, blocks []string
	for _, a := range schema.Attributes {
		attributes = append(attributes, a.Name)
	}
	for _, b := range schema.Blocks {
		blocks = append(blocks, b.Type)
	}
	for _, d := range diags {
		m := misnamed.FindStringSubmatch(d.Detail)
		if m == nil || strings.Contains(d.Detail, "Did you mean to define") {
			continue
		}
		names := slices.Concat(attributes, blocks)
		switch m[1] {
		case "An argument named":
			names = attributes
		case "Blocks of type":
			names = blocks
		}
		text, _, _ := strings.Cut(d.Detail, " Did you mean")
		d.Detail = text + didYouMean(m[2], names)
	}
	return diags
}
