// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/plugin"
	"github.com/klamm-io/klamm/plugins"
	"github.com/klamm-io/klamm/plugins/expression"
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
		{code(string(sdk.TypeDuration)), code(`"30s"`) + ", " + code(`"5m"`) + ": a positive number with its unit (ms, s, m, h); or a number of seconds: " + code(`duration("1h") / 2`)},
		{code(string(sdk.TypeBytes)), code(`"64MiB"`) + ": KiB, MiB, GiB, TiB count by 1024, kB, MB, GB, TB by 1000; or a number of bytes: " + code(`4 * bytes("1MiB")`)},
		{code(string(sdk.TypeCluster)), "a reference: " + code("cluster.NAME")},
		{code(string(sdk.TypeExpression)), "a text that is evaluated for each record, without " + code("${...}") + ": " + code(`"value.total > 100"`) + "; see [below](#expressions)"},
		{code(string(sdk.TypeExpressions)), code(`{ a = "value.b" }`) + ": expressions by name"},
	})
	p.text(`Patterns for topics are globs (%s, %s, %s); %s is a regular expression that matches the whole name; a leading %s
excludes, and excludes always win.`, code("*"), code("?"), code("[a-z]"), code("/.../"), code("!"))
}

func expressionSection(p *page) {
	p.heading(2, "Expressions")
	p.text("Expressions are in the language of [expr-lang](https://expr-lang.org/docs/language-definition); " +
		"[concepts](../concepts.md#expressions) says what they see of a record. These functions are Klamm's own, or differ:")
	here, missing := expression.Functions()
	table := func(heads []string, entries map[string]string) {
		var rows [][]string
		for _, name := range slices.Sorted(maps.Keys(entries)) {
			rows = append(rows, []string{code(name), entries[name]})
		}
		p.table(heads, rows)
	}
	table([]string{"Function", "What it gives"}, here)
	p.text("These are not there:")
	table([]string{"Function", "Why, and what instead"}, missing)
}

func mirrorSection(p *page) {
	p.heading(2, `mirror "NAME"`)
	p.text("A pipeline from Kafka to Kafka said as a sentence; `klamm expand` prints what it stands for. Besides the attributes below\n" +
		"it takes the attributes and blocks of a pipeline but for its stages, `for_each`, and a `rename` block with the content of `transform \"rename\"`. Mirrors and\n" +
		"pipelines share one set of names.")
	schemas := map[plugin.Kind]sdk.Schema{}
	for _, pl := range plugins.All() {
		if pl.Name == "kafka" {
			schemas[plugin.Source], schemas[plugin.Sink] = sdk.SchemaOf(pl.Source()), sdk.SchemaOf(pl.Sink())
		}
	}
	var rows [][]string
	for _, w := range config.MirrorWords() {
		for _, a := range schemas[w.Kind].Attributes {
			if a.Name == w.Attribute {
				row := attributeRow(a)
				stands := fmt.Sprintf("%s of the %s", code(w.Attribute), w.Kind)
				rows = append(rows, []string{code(w.Word), row[1], row[2], stands})
			}
		}
	}
	p.table([]string{"Attribute", "Type", "Default", "Stands for"}, rows)
}

func variableSection(p *page) {
	p.heading(2, `variable "NAME"`)
	p.text("A value from outside. `--var NAME=VALUE` and `--var-file FILE` (also written `-var` and `-var-file`) win over the environment's\n" +
		"`KLAMM_VAR_NAME`, and that over the default. Of several the later one on the command line wins.")
	p.text("A file of variables has lines `NAME = VALUE`, or is a JSON object if its name ends in `.json`. Its values are constants:\n" +
		"they refer to nothing and call no function, and in JSON `${` stands for itself. A name that no variable has is an error.")
	p.table([]string{"Attribute", "What it is for"}, [][]string{
		{code("type"), "`string`, `number`, `bool`, `list(...)`, `set(...)`, `map(...)`, `object({...})`, `any`"},
		{code("default"), "what applies if nothing is given; without it a value must be given"},
		{code("description"), "for readers"},
		{code("sensitive"), "`true` keeps the value, and all that is made of it, out of every output"},
		{code("nullable"), "`false` refuses null"},
	})
	p.text("A `validation` block has a `condition`, which refers to the variable, and an `error_message`; there may be several.")
	p.heading(2, "locals")
	p.text("Names for expressions, used as `local.NAME`. There may be several blocks.")
}

func jsonSection(p *page) {
	p.heading(2, "JSON")
	p.text(`Files named *.hcl.json have the same content in JSON, and may stand beside others. Attributes and blocks are properties; labels
are objects around a block's content; several blocks of a type are an array. Every string is a template, so a reference is
written %s. Properties named %s are comments. The order of properties means nothing: transforms stand in an array.`,
		code(`"${cluster.east}"`), code("//"))
	p.text("```json\n%s\n```", jsonExample)
	p.text("`klamm expand --json` prints a configuration in this form, as the `result`.")
}

const jsonExample = `{
  "cluster": {
    "east": {"brokers": ["east-1:9092"]},
    "west": {"brokers": ["west-1:9092"], "sasl": {"plain": {"username": "klamm", "password": "${env(\"PASSWORD\", \"secret\")}"}}}
  },
  "pipeline": {
    "dr": {
      "source": {"kafka": {"cluster": "${cluster.east}", "topics": ["orders.*"]}},
      "transform": [{"rename": {"prefix": "east."}}],
      "sink": {"kafka": {"cluster": "${cluster.west}"}}
    }
  }
}`
