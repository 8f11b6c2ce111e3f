// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/plugin"
	"github.com/klamm-io/klamm/plugins"
	"github.com/klamm-io/klamm/sdk"
)

func languagePage() (string, error) {
	settings, err := defaultSettings()
	if err != nil {
		return "", err
	}
	p := newPage("The language")
	p.text(`A configuration is the given files together; a directory stands for all *.hcl and *.hcl.json in it. Blocks may stand in any order and
in any file. It is evaluated once, before anything starts.`)
	p.table([]string{"Reference", "What it is"}, [][]string{
		{code("var.NAME"), "the variable of that name"},
		{code("local.NAME"), "a name from a `locals` block"},
		{code("cluster.NAME"), "the cluster of that name"},
		{code("cluster.NAME[KEY]"), "one of the clusters of a block with `for_each`"},
		{code("each.key") + ", " + code("each.value"), "in a block with `for_each`: the key and value it is for"},
	})
	typesSection(p)

	p.heading(2, `cluster "NAME"`)
	p.text("A Kafka connection. With `for_each` (a map, or a set of strings) the block stands for one cluster per key.")
	blockTables(p, 3, sdk.SchemaOf(&sdk.Cluster{}))

	p.heading(2, `pipeline "NAME"`)
	p.text("One `source`, any number of `transform`, one `sink`, in this order. The first label of a stage is its plugin. With\n" +
		"`for_each` the block stands for one pipeline per key, called NAME.KEY.")
	blockTables(p, 3, sdk.SchemaOf(settings))
	for _, pl := range plugins.All() {
		for _, stage := range stages(pl) {
			p.heading(3, fmt.Sprintf("%s %q", stage.kind, pl.Name))
			if pl.Summary != "" {
				p.text("%s", prose(pl.Summary))
			}
			blockTables(p, 4, sdk.SchemaOf(stage.config))
		}
	}
	expressionSection(p)
	mirrorSection(p)
	p.heading(2, "server")
	p.text("Where metrics, health and the API are served; see [HTTP](http.md). `--listen` wins over it.")
	blockTables(p, 3, sdk.SchemaOf(&config.Server{}))
	variableSection(p)
	jsonSection(p)
	return p.String(), nil
}

type stageConfig struct {
	kind   plugin.Kind
	config any
}

func stages(p sdk.Plugin) []stageConfig {
	var all []stageConfig
	if p.Source != nil {
		all = append(all, stageConfig{plugin.Source, p.Source()})
	}
	if p.Transform != nil {
		all = append(all, stageConfig{plugin.Transform, p.Transform()})
	}
	if p.Sink != nil {
		all = append(all, stageConfig{plugin.Sink, p.Sink()})
	}
	return all
}

// blockTables writes what may stand in a block, and then in the blocks in it.
func blockTables(p *page, level int, s sdk.Schema) {
	for _, l := range s.Labels {
		if len(l.Enum) > 0 {
			p.text("The label is one of %s.", oneOf(l.Enum))
		}
	}
	var rows [][]string
	for _, a := range s.Attributes {
		rows = append(rows, attributeRow(a))
	}
	p.table([]string{"Attribute", "Type", "Default", "What it is for"}, rows)
	for _, b := range s.Blocks {
		title := b.Name
		for _, l := range b.Labels {
			title += fmt.Sprintf(" %q", strings.ToUpper(l.Name))
		}
		p.heading(level, title)
		often := "At most once."
		if b.Repeated {
			often = "Any number of times."
		}
		p.text("%s %s", prose(b.Doc), often)
		blockTables(p, level+1, b.Schema)
	}
}

func attributeRow(a sdk.Attribute) []string {
	what := code(a.Default)
	if a.Required {
		what = "required"
	}
	doc := prose(a.Doc)
	if len(a.Enum) > 0 {
		doc += " One of " + oneOf(a.Enum) + "."
	}
	if a.Secret {
		doc += " Secret."
	}
	return []string{code(a.Name), code(string(a.Type)), what, doc}
}

func oneOf(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = code(fmt.Sprintf("%q", v))
	}
	return strings.Join(quoted, ", ")
}

// defaultSettings are what a pipeline that sets nothing has.
func defaultSettings() (*config.Settings, error) {
	cfg, err := load("example.hcl", `
cluster "a" { embedded = true }
cluster "b" { embedded = true }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["*"]
}
`)
	if err != nil {
		return nil, err
	}
	return &cfg.Pipelines[0].Settings, nil
}

// load evaluates a file's text.
func load(name, text string) (*config.Config, error) {
	catalog, err := plugin.NewCatalog(plugins.All())
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "klamm-reference-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cfg, diags := config.Load([]string{path}, config.Options{Catalog: catalog})
	if diags.HasErrors() {
		return nil, diags
	}
	return cfg, nil
}
