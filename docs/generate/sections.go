// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/klamm-io/klamm/plugins"
	"github.com/klamm-io/klamm/sdk"
)

// What no schema describes: types, mirrors, variables and locals.

func typesSection(p *page) {
	p.heading(2, "Types")
	p.table([]string{"Type", "How it is written"}, [][]string{
		{code(string(sdk.TypeString)), code(`"text"`) + ", with `${...}` for what is computed; heredocs"},
		{code(string(sdk.TypeBool)), code("true") + " or " + code("false")},
		{code(string(sdk.TypeInteger)), code("8")},
		{code(string(sdk.TypeNumber)), code("0.5")},
		{code(string(sdk.TypeStrings)), code(`["a", "b"]`)},
		{code(string(sdk.TypeMap)), code(`{ a = "b" }`)},
		{code(string(sdk.TypeDuration)), code(`"30s"`) + ", " + code(`"5m"`) + ": a positive number with its unit (ms, s, m, h)"},
		{code(string(sdk.TypeBytes)), code(`"64MiB"`) + ": KiB, MiB, GiB, TiB count by 1024, kB, MB, GB, TB by 1000"},
		{code(string(sdk.TypeCluster)), "a reference: " + code("cluster.NAME")},
	})
	p.text(`Patterns for topics are globs (%s, %s, %s); %s is a regular expression that matches the whole name; a leading %s
excludes, and excludes always win.`, code("*"), code("?"), code("[a-z]"), code("/.../"), code("!"))
}

// mirrorWord is an attribute of a mirror and the one it stands for.
type mirrorWord struct{ word, kind, attribute string }

func mirrorWords() []mirrorWord {
	return []mirrorWord{
		{"from", "source", "cluster"},
		{"to", "sink", "cluster"},
		{"topics", "source", "topics"},
		{"since", "source", "since"},
		{"until", "source", "until"},
		{"compression", "sink", "compression"},
	}
}

func mirrorSection(p *page) {
	p.heading(2, `mirror "NAME"`)
	p.text("A pipeline from Kafka to Kafka said as a sentence; `klamm expand` prints what it stands for. Besides the attributes below\n" +
		"it takes those of a pipeline, `for_each`, and a `rename` block with the content of `transform \"rename\"`. Mirrors and\n" +
		"pipelines share one set of names.")
	schemas := map[string]sdk.Schema{}
	for _, pl := range plugins.All() {
		if pl.Name == "kafka" {
			schemas["source"], schemas["sink"] = sdk.SchemaOf(pl.Source()), sdk.SchemaOf(pl.Sink())
		}
	}
	var rows [][]string
	for _, w := range mirrorWords() {
		for _, a := range schemas[w.kind].Attributes {
			if a.Name == w.attribute {
				row := attributeRow(a)
				stands := fmt.Sprintf("%s of the %s", code(w.attribute), w.kind)
				rows = append(rows, []string{code(w.word), row[1], row[2], stands})
			}
		}
	}
	p.table([]string{"Attribute", "Type", "Default", "Stands for"}, rows)
}

func variableSection(p *page) {
	p.heading(2, `variable "NAME"`)
	p.text("A value from outside: `--var NAME=VALUE` (also written `-var`) wins over the environment's `KLAMM_VAR_NAME`, and that over\nthe default.")
	p.table([]string{"Attribute", "What it is for"}, [][]string{
		{code("type"), "`string`, `number`, `bool`, `list(...)`, `set(...)`, `map(...)`, `object({...})`, `any`"},
		{code("default"), "what applies if nothing is given; without it a value must be given"},
		{code("description"), "for readers"},
		{code("sensitive"), "`true` keeps the value, and all that is made of it, out of every output"},
		{code("nullable"), "`false` refuses null"},
	})
	p.text("A `validation` block has a `condition` and an `error_message`; there may be several.")
	p.heading(2, "locals")
	p.text("Names for expressions, used as `local.NAME`. There may be several blocks.")
}
