// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/plugin"
	"github.com/klamm-io/klamm/sdk"
)

var errFake = errors.New("a fake is not run")

// kafkaSource is shaped like the real one.
type kafkaSource struct {
	Cluster   *sdk.Cluster `hcl:"cluster" doc:"The cluster."`
	Topics    []string     `hcl:"topics" doc:"The topics."`
	Since     string       `hcl:"since,optional" doc:"The beginning."`
	Until     string       `hcl:"until,optional" doc:"The end."`
	Isolation string       `hcl:"isolation,optional" enum:"read_committed,read_uncommitted" doc:"Isolation."`
}

func (c *kafkaSource) NewSource(context.Context, sdk.Env) (sdk.Source, error) { return nil, errFake }
func (c *kafkaSource) UsesCluster() *sdk.Cluster                              { return c.Cluster }
func (c *kafkaSource) TopicPatterns() []string                                { return c.Topics }

func (c *kafkaSource) SelectsTopic(name string) bool {
	s, err := sdk.NewSelection(c.Topics)
	return err == nil && s.Match(name)
}

func (c *kafkaSource) Validate() []sdk.Invalid {
	var bad []sdk.Invalid
	if len(c.Topics) == 0 {
		bad = append(bad, sdk.Invalid{Path: "topics", Summary: "No topics", Detail: `Name the topics to read, such as topics = ["orders.*"].`})
	}
	if _, err := sdk.NewSelection(c.Topics); err != nil {
		var pe *sdk.PatternError
		errors.As(err, &pe)
		bad = append(bad, sdk.Invalid{Path: fmt.Sprintf("topics[%d]", pe.Index), Summary: "Invalid topic pattern", Detail: err.Error() + "."})
	}
	if c.Since == "tomorrow" {
		bad = append(bad, sdk.Invalid{Path: "since", Summary: "Invalid since", Detail: `"tomorrow" is not a beginning.`})
	}
	return bad
}

type kafkaSink struct {
	Cluster      *sdk.Cluster `hcl:"cluster" doc:"The cluster."`
	Compression  string       `hcl:"compression,optional" enum:"none,gzip,snappy,lz4,zstd" doc:"Codec."`
	BatchSize    sdk.Bytes    `hcl:"batch_size,optional" doc:"Size."`
	Linger       sdk.Duration `hcl:"linger,optional" doc:"Wait."`
	CreateTopics bool         `hcl:"create_topics,optional" doc:"Create."`
	Replication  int32        `hcl:"replication_factor,optional" doc:"Factor."`
	Ratio        float64      `hcl:"ratio,optional" doc:"A number."`
	Partitioner  string       `hcl:"partitioner,optional" enum:"keep,key_hash" doc:"How."`
}

func (c *kafkaSink) NewSink(context.Context, sdk.Env) (sdk.Sink, error) { return nil, errFake }
func (c *kafkaSink) UsesCluster() *sdk.Cluster                          { return c.Cluster }

// plainSink lacks most of what the real one has.
type plainSink struct {
	Cluster *sdk.Cluster `hcl:"cluster" doc:"The cluster."`
}

func (c *plainSink) NewSink(context.Context, sdk.Env) (sdk.Sink, error) { return nil, errFake }
func (c *plainSink) UsesCluster() *sdk.Cluster                          { return c.Cluster }

type rename struct {
	Map     map[string]string `hcl:"map,optional" doc:"Exact names."`
	Replace []replace         `hcl:"replace,block" doc:"Expressions."`
	Prefix  string            `hcl:"prefix,optional" doc:"Before."`
	Suffix  string            `hcl:"suffix,optional" doc:"After."`
}

type replace struct {
	Pattern string `hcl:"pattern" doc:"What to look for."`
	With    string `hcl:"with" doc:"What to put."`
}

func (c *rename) NewTransform(context.Context, sdk.Env) (sdk.Transform, error) { return nil, errFake }

func (c *rename) Validate() []sdk.Invalid {
	var bad []sdk.Invalid
	if len(c.Map) == 0 && len(c.Replace) == 0 && c.Prefix == "" && c.Suffix == "" {
		bad = append(bad, sdk.Invalid{Summary: "Nothing to rename", Detail: "Give a prefix, a suffix, a map or a replace block."})
	}
	for _, from := range slices.Sorted(maps.Keys(c.Map)) {
		if c.Map[from] == "" {
			bad = append(bad, sdk.Invalid{Path: fmt.Sprintf("map[%q]", from), Summary: "Invalid topic name", Detail: "A name is not empty."})
		}
	}
	for i, r := range c.Replace {
		if _, err := regexp.Compile(r.Pattern); err != nil {
			bad = append(bad, sdk.Invalid{Path: fmt.Sprintf("replace[%d].pattern", i), Summary: "Invalid regular expression", Detail: err.Error() + "."})
		}
	}
	return bad
}

func (c *rename) TopicMapping() sdk.TopicMapping {
	var rules []sdk.TopicRule
	for _, from := range slices.Sorted(maps.Keys(c.Map)) {
		rules = append(rules, sdk.TopicRule{Kind: sdk.RuleExact, From: from, To: c.Map[from]})
	}
	for _, r := range c.Replace {
		rules = append(rules, sdk.TopicRule{Kind: sdk.RuleReplace, From: r.Pattern, To: r.With})
	}
	if c.Prefix != "" {
		rules = append(rules, sdk.TopicRule{Kind: sdk.RulePrefix, To: c.Prefix})
	}
	if c.Suffix != "" {
		rules = append(rules, sdk.TopicRule{Kind: sdk.RuleSuffix, To: c.Suffix})
	}
	return sdk.TopicMapping{rules}
}

// sieve is a transform with expressions, in which every BAD is wrong.
type sieve struct {
	Where   sdk.Expression  `hcl:"where,optional" doc:"Which records."`
	Headers sdk.Expressions `hcl:"headers,optional" doc:"Headers."`
	Rule    []sieveRule     `hcl:"rule,block" doc:"Rules."`
}

type sieveRule struct {
	When sdk.Expression `hcl:"when" doc:"When."`
}

func (c *sieve) NewTransform(context.Context, sdk.Env) (sdk.Transform, error) { return nil, errFake }

func (c *sieve) Validate() []sdk.Invalid {
	var bad []sdk.Invalid
	look := func(path, text string) {
		if from := strings.Index(text, "BAD"); from >= 0 {
			bad = append(bad, sdk.Invalid{Path: path, Summary: "Invalid expression", Detail: "There is nothing named BAD.", Within: sdk.Span{From: from, To: from + 3}})
		}
	}
	look("where", string(c.Where))
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		look(fmt.Sprintf("headers[%q]", name), c.Headers[name])
	}
	for i, r := range c.Rule {
		look(fmt.Sprintf("rule[%d].when", i), string(r.When))
	}
	return bad
}

// route sends records where they say.
type route struct {
	Topic sdk.Expression `hcl:"topic" doc:"Where."`
}

func (c *route) NewTransform(context.Context, sdk.Env) (sdk.Transform, error) { return nil, errFake }
func (c *route) RoutesRecords()                                               {}

type filter struct {
	Where sdk.Expression `hcl:"where" doc:"Which."`
}

func (c *filter) NewTransform(context.Context, sdk.Env) (sdk.Transform, error) { return nil, errFake }

type set struct {
	Key           sdk.Expression  `hcl:"key,optional" doc:"Key."`
	Value         sdk.Expression  `hcl:"value,optional" doc:"Value."`
	Timestamp     sdk.Expression  `hcl:"timestamp,optional" doc:"Timestamp."`
	Headers       sdk.Expressions `hcl:"headers,optional" doc:"Headers."`
	RemoveHeaders []string        `hcl:"remove_headers,optional" doc:"Headers."`
}

func (c *set) NewTransform(context.Context, sdk.Env) (sdk.Transform, error) { return nil, errFake }

// webhook is a sink with a secret and no cluster.
type webhook struct {
	URL    string            `hcl:"url" doc:"Address."`
	Token  sdk.Secret        `hcl:"token,optional" doc:"Secret."`
	Labels map[string]string `hcl:"labels,optional" doc:"Labels."`
	Auth   *webhookAuth      `hcl:"auth,block" doc:"How to authenticate."`
}

type webhookAuth struct {
	Kind string     `hcl:"kind,label" enum:"basic,bearer" doc:"The kind."`
	Key  sdk.Secret `hcl:"key" doc:"Secret."`
}

func (c *webhook) NewSink(context.Context, sdk.Env) (sdk.Sink, error) { return nil, errFake }

// testCatalog has the plugins of this file.
func testCatalog(t testing.TB) *plugin.Catalog {
	t.Helper()
	catalog, err := plugin.NewCatalog([]sdk.Plugin{
		{
			Name:   "kafka",
			Source: func() sdk.SourceConfig { return &kafkaSource{Since: "earliest", Isolation: "read_committed"} },
			Sink: func() sdk.SinkConfig {
				return &kafkaSink{Compression: "lz4", BatchSize: 1 << 20, CreateTopics: true, Replication: -1}
			},
		},
		{Name: "rename", Transform: func() sdk.TransformConfig { return &rename{} }},
		{Name: "filter", Transform: func() sdk.TransformConfig { return &filter{} }},
		{Name: "set", Transform: func() sdk.TransformConfig { return &set{} }},
		{Name: "route", Transform: func() sdk.TransformConfig { return &route{} }},
		{Name: "sieve", Transform: func() sdk.TransformConfig { return &sieve{} }},
		{Name: "webhook", Sink: func() sdk.SinkConfig { return &webhook{} }},
	})
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

// testOptions are a catalog and a small environment.
func testOptions(t testing.TB) config.Options {
	env := map[string]string{"KLAMM_VAR_from_env": "env-1:9092", "BROKERS": "a:9092,b:9092"}
	return config.Options{
		Catalog:   testCatalog(t),
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}
}
