// SPDX-License-Identifier: Apache-2.0

package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/klamm-io/klamm/core/plugin"
	"github.com/klamm-io/klamm/sdk"
)

// Options are what a configuration depends on besides its files.
type Options struct {
	Catalog *plugin.Catalog
	// Vars set variables, a later one winning over an earlier one. They win
	// over the environment's KLAMM_VAR_name, and that over defaults.
	Vars []Assignment
	// LookupEnv reads the environment; nil is an empty one.
	LookupEnv func(string) (string, bool)
}

// Load reads files and directories (all *.hcl and *.hcl.json in them) as one
// configuration.
// Everything that is wrong is reported at once, sorted by place; with errors
// the configuration is nil. The diagnostics carry their source lines, with
// secrets left out, for [WriteDiagnostics] and [Describe].
func Load(paths []string, opts Options) (*Config, hcl.Diagnostics) {
	l := newLoader(opts)
	blocks := l.parse(paths)
	if l.failed() {
		return nil, l.finish()
	}
	config := l.build(blocks)
	if !l.failed() {
		l.checkTopology(config)
	}
	if l.failed() {
		return nil, l.finish()
	}
	return config, l.finish()
}

// loader is the state of one Load. What goes wrong is collected in diags; a
// value that could not be had is unknown, and whatever depends on it is then
// passed over in silence.
type loader struct {
	catalog   *plugin.Catalog
	vars      []Assignment
	lookupEnv func(string) (string, bool)

	sources map[string]*source
	diags   hcl.Diagnostics
	secrets secrets

	varFiles  map[string]bool
	variables map[string]*variable
	locals    map[string]*local
	clusters  map[string]*clusterGroup
	functions map[string]map[string]function.Function // by directory

	// depth is how many locals and for_each are being resolved, one because of
	// the other.
	depth int
}

func newLoader(opts Options) *loader {
	l := &loader{
		catalog:   opts.Catalog,
		vars:      opts.Vars,
		lookupEnv: opts.LookupEnv,
		sources:   map[string]*source{},
		varFiles:  map[string]bool{},
		variables: map[string]*variable{},
		locals:    map[string]*local{},
		clusters:  map[string]*clusterGroup{},
		functions: map[string]map[string]function.Function{},
	}
	if l.lookupEnv == nil {
		l.lookupEnv = func(string) (string, bool) { return "", false }
	}
	l.secrets.names = secretNames(l.catalog)
	return l
}

var topLevel = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "variable", LabelNames: []string{"name"}},
	{Type: "locals"},
	{Type: "cluster", LabelNames: []string{"name"}},
	{Type: "pipeline", LabelNames: []string{"name"}},
	{Type: "mirror", LabelNames: []string{"name"}},
	{Type: "server"},
}}

// parse reads all files and returns their top-level blocks in order.
func (l *loader) parse(paths []string) hcl.Blocks {
	var blocks hcl.Blocks
	for _, src := range l.readSources(paths) {
		if body := l.parseSource(src); body != nil {
			blocks = append(blocks, l.content(body, "file", topLevel).Blocks...)
		}
	}
	return blocks
}

// parseSource parses a file; the body is nil if something is wrong with it.
func (l *loader) parseSource(src *source) hcl.Body {
	l.sources[src.name] = src
	if !l.guard(src) {
		return nil
	}
	file, diags := src.parse()
	if !diags.HasErrors() {
		src.file = file
		return file.Body
	}
	src.hideMore()
	if isJSON(src.name) {
		diags = src.firstJSON(diags)
	} else if src.openString {
		diags = diags[:1]
	}
	l.report(diags...)
	return nil
}

// build evaluates the blocks: first what names something, then what uses it.
func (l *loader) build(blocks hcl.Blocks) *Config {
	byType := map[string]hcl.Blocks{}
	for _, b := range blocks {
		byType[b.Type] = append(byType[b.Type], b)
	}
	l.declareVariables(byType["variable"])
	l.declareLocals(byType["locals"])
	l.declareClusters(byType["cluster"])
	l.validateVariables()
	l.resolveLocals()

	config := &Config{
		Clusters: l.decodeClusters(),
		Server:   l.decodeServer(byType["server"]),
	}
	config.Pipelines = l.buildPipelines(blocks)
	if len(config.Pipelines) == 0 && !l.failed() {
		l.errorf(nil, "No pipelines", `The configuration declares no pipeline. Write a mirror block, or a pipeline block with a source and a sink.`)
	}
	return config
}

func (l *loader) decodeServer(blocks hcl.Blocks) *Server {
	if len(blocks) == 0 {
		return nil
	}
	if len(blocks) > 1 {
		l.errorf(&blocks[1].DefRange, "Duplicate server block", "There is one already at %s.", place(blocks[0].DefRange))
	}
	server := &Server{}
	c := l.read(blocks[0], sdk.SchemaOf(server))
	if c == nil {
		return nil
	}
	l.decode(c, server, nil)
	return server
}

func (l *loader) failed() bool { return l.diags.HasErrors() }
