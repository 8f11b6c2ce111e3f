// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/klamm-io/klamm/sdk"
)

// ExpandJSON is [Expand] in HCL's JSON syntax: encoded as JSON and written to a
// *.hcl.json file, it loads again.
func ExpandJSON(c *Config) json.Marshaler { return jsonBody(nil, longForm(c)) }

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements [json.Marshaler].
func (o object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := encodeJSON(m.name)
		if err != nil {
			return nil, err
		}
		value, err := encodeJSON(m.value)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// encodeJSON leaves <, > and & as they are.
func encodeJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(out.Bytes()), err
}

// jsonBody is the content of a body. Blocks of one type with different labels
// share an object; where the order counts, or one label comes twice, they are
// an array.
func jsonBody(attrs []attribute, blocks []block) object {
	body := object{}
	for _, a := range attrs {
		body = append(body, member{a.name, jsonValue(a.value)})
	}
	byKind := map[string][]block{}
	for _, b := range blocks {
		byKind[b.kind] = append(byKind[b.kind], b)
	}
	for _, b := range blocks {
		if same := byKind[b.kind]; same != nil {
			body = append(body, member{b.kind, jsonBlocks(same)})
			delete(byKind, b.kind)
		}
	}
	return body
}

// jsonBlocks are all blocks of one type in a body.
func jsonBlocks(blocks []block) any {
	var list []object
	var all object
	seen := map[string]bool{}
	asList := blocks[0].kind == "transform"
	for _, b := range blocks {
		label := strings.Join(b.labels, ".")
		asList, seen[label] = asList || seen[label], true
		item := labelled(b.labels, jsonBody(b.attrs, b.blocks))
		list, all = append(list, item), append(all, item...)
	}
	if asList {
		return list
	}
	return all
}

func labelled(labels []string, content object) object {
	for _, label := range slices.Backward(labels) {
		content = object{{label, content}}
	}
	return content
}

// jsonValue is a value of sdk.Values as it is written in JSON, where every
// string is a template.
func jsonValue(value any) any {
	escape := strings.NewReplacer("${", "$${", "%{", "%%{").Replace
	switch v := value.(type) {
	case *sdk.Cluster:
		return "${" + string(hclwrite.TokensForTraversal(reference(v.Name)).Bytes()) + "}"
	case sdk.Secret:
		return v.String()
	case string:
		return escape(v)
	case []string:
		items := make([]string, len(v))
		for i, s := range v {
			items[i] = escape(s)
		}
		return items
	case map[string]string:
		items := map[string]string{}
		for key, s := range v {
			items[escape(key)] = escape(s)
		}
		return items
	}
	return value
}
