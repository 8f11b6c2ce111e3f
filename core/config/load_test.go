// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/plugin"
	"github.com/klamm-io/klamm/sdk"
)

// twoClusters begins a file for tests that are about something else.
const twoClusters = `
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
`

// write writes files into a new directory.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		put(t, filepath.Join(dir, name), content)
	}
	return dir
}

// prefixOf loads a file and returns the prefix of its only rename: where the
// tests of expressions put what they are about.
func prefixOf(t *testing.T, text string, opts config.Options) (string, string) {
	t.Helper()
	dir := write(t, map[string]string{"test.hcl": text + twoClusters})
	c, diags := config.Load([]string{dir}, opts)
	if diags.HasErrors() {
		return "", diags[0].Summary + ": " + diags[0].Detail
	}
	return c.Pipelines[0].Transforms[0].Config.(*rename).Prefix, ""
}

func mirrorWithPrefix(expression string) string {
	return fmt.Sprintf("mirror \"m\" {\n from = cluster.a\n to = cluster.b\n topics = [\"t\"]\n rename { prefix = %s }\n}\n", expression)
}

// assigned are variables set with -var.
func assigned(vars ...string) []config.Assignment {
	var all []config.Assignment
	for _, v := range vars {
		all = append(all, config.Assignment{Var: v})
	}
	return all
}

func TestDirectoryIsOneConfiguration(t *testing.T) {
	dir := write(t, map[string]string{
		"clusters.hcl": twoClusters,
		"mirror.hcl":   mirrorWithPrefix(`local.prefix`),
		"names.hcl":    `locals { prefix = "x." }`,
		"README.md":    "not read",
		".hidden.hcl":  "not read either {",
	})
	c, diags := config.Load([]string{dir, filepath.Join(dir, "names.hcl")}, testOptions(t))
	if diags.HasErrors() {
		t.Fatal(text(t, diags))
	}
	if got := c.Pipelines[0].Transforms[0].Config.(*rename).Prefix; got != "x." {
		t.Errorf("prefix is %q", got)
	}
	if got := c.Pipelines[0].Source.Config.(*kafkaSource).Cluster; got != c.Clusters[0] {
		t.Error("the source holds another cluster than the configuration")
	}
}

func TestPaths(t *testing.T) {
	dir := write(t, map[string]string{"a.hcl.json": "{5}", "binary.hcl": "\x00\x01", "latin.hcl": "# gr\xf6\xdfe\n"})
	tests := []struct {
		name  string
		paths []string
		want  string
	}{
		{"nothing", nil, "No files"},
		{"missing", []string{filepath.Join(dir, "none.hcl")}, "No such file"},
		{"empty directory", []string{t.TempDir()}, "Empty directory"},
		{"JSON file", []string{filepath.Join(dir, "a.hcl.json")}, "Invalid object property name"},
		{"JSON in a directory", []string{dir}, "Invalid object property name"},
		{"device", []string{os.DevNull}, "Cannot read file"},
		{"binary", []string{filepath.Join(dir, "binary.hcl")}, "Not a text file"},
		{"not UTF-8", []string{filepath.Join(dir, "latin.hcl")}, "Not a text file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, diags := config.Load(tt.paths, testOptions(t))
			if c != nil || len(diags) == 0 || diags[0].Summary != tt.want {
				t.Errorf("want %q, got:\n%s", tt.want, text(t, diags))
			}
		})
	}
}

func TestVariables(t *testing.T) {
	use := mirrorWithPrefix(`tostring(var.x)`)
	list := mirrorWithPrefix(`join("+", var.x)`)
	env := func(value string) map[string]string { return map[string]string{"KLAMM_VAR_x": value} }
	tests := []struct {
		name string
		text string
		vars []string
		env  map[string]string
		want string
		fail string
	}{
		{"default", `variable "x" { default = "d" }` + "\n" + use, nil, nil, "d", ""},
		{"environment over default", `variable "x" { default = "d" }` + "\n" + use, nil, env("e"), "e", ""},
		{"-var over environment", `variable "x" { default = "d" }` + "\n" + use, []string{"x=v"}, env("e"), "v", ""},
		{"last -var wins", `variable "x" {}` + "\n" + use, []string{"x=1", "x=2"}, nil, "2", ""},
		{"value with equals sign", `variable "x" {}` + "\n" + use, []string{"x=a=b"}, nil, "a=b", ""},
		{"number", `variable "x" { type = number }` + "\n" + use, []string{"x=042"}, nil, "42", ""},
		{"text of a string is not evaluated", `variable "x" { type = string }` + "\n" + use, []string{`x="q"`}, nil, `"q"`, ""},
		{"list is an expression", `variable "x" { type = list(string) }` + "\n" + list, []string{`x=["a", "b"]`}, nil, "a+b", ""},
		{"optional attribute", "variable \"x\" {\n type = object({ a = optional(string, \"z\") })\n default = {}\n}\n" + mirrorWithPrefix("var.x.a"), nil, nil, "z", ""},
		{"null is the default if not nullable", "variable \"x\" {\n type = list(string)\n nullable = false\n default = [\"d\"]\n}\n" + list, []string{"x=null"}, nil, "d", ""},
		{"default may call a function", `variable "x" { default = upper("d") }` + "\n" + use, nil, nil, "D", ""},
		{"missing", `variable "x" {}` + "\n" + use, nil, nil, "", "Missing variable: "},
		{"unknown", `variable "since" { default = "d" }`, []string{"sinc=1"}, nil, "", `Unknown variable: -var sets "sinc", but no variable of that name is declared. Did you mean "since"?`},
		{"no equals sign", `variable "x" { default = "d" }` + "\n" + use, []string{"x"}, nil, "", "Invalid -var: "},
		{"wrong type", `variable "x" { type = number }` + "\n" + use, []string{"x=many"}, nil, "", "Invalid value for variable: The value from -var x does not fit"},
		{"wrong syntax", `variable "x" { type = list(string) }` + "\n" + list, nil, env("[1"), "", "Unterminated tuple constructor expression: "},
		{"reference from outside", `variable "x" { type = list(string) }` + "\n" + list, []string{"x=[local.a]"}, nil, "", "Variables not allowed: "},
		{"function from outside", `variable "x" { type = list(string) }` + "\n" + list, []string{`x=split(",", "a")`}, nil, "", "Function calls not allowed: "},
		{"deep value from outside", `variable "x" { type = list(string) }` + "\n" + list, []string{"x=" + strings.Repeat("[", 1000)}, nil, "", "Nesting too deep: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opts := testOptions(t)
			opts.Vars = assigned(tt.vars...)
			opts.LookupEnv = func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok }
			got, failure := prefixOf(t, tt.text, opts)
			if got != tt.want || !strings.HasPrefix(failure, tt.fail) || (failure == "") != (tt.fail == "") {
				t.Errorf("got %q, failure %q", got, failure)
			}
		})
	}
}

func TestExpressions(t *testing.T) {
	tests := []struct{ expression, want string }{
		{`join("-", [for s in ["a", "b"] : upper(s)])`, "A-B"},
		{`replace("a.b.c", ".", "_")`, "a_b_c"},
		{`replace("a1b22", "/[0-9]+/", "-")`, "a-b-"},
		{`tostring(length("größe") + length([1, 2]) + length({ a = 1 }))`, "8"},
		{`lookup({ a = "x" }, "b", "none")`, "none"},
		{`join(",", sort(keys(merge({ b = 1 }, { a = 2 }))))`, "a,b"},
		{`regex("v([0-9]+)", "orders-v12")[0]`, "12"},
		{`startswith("orders", "ord") && endswith("orders", "ers") ? "yes" : "no"`, "yes"},
		{`jsondecode("{\"a\": [1, \"two\"]}").a[1]`, "two"},
		{`jsonencode({ a = 1 })`, `{"a":1}`},
		{`env("NOT_SET", "fallback")`, "fallback"},
		{`env("BROKERS")`, "a:9092,b:9092"},
		{`nonsensitive(sensitive("x"))`, "x"},
		{`join(",", toset(["b", "a", "b"]))`, "a,b"},
		{`join(",", tolist(["1", 2]))`, "1,2"},
		{`"${42}-%{ if true }a%{ else }b%{ endif }"`, "42-a"},
		{"<<-EOT\n    heredoc\n  EOT\n", "heredoc\n"},
		{`try({ a = "x" }.b, "fallback")`, "fallback"},
		{`try(try([][0], {}.b), [1][0])`, "1"},
		{`join(",", [for s in ["1", "x"] : can(tonumber(s)) ? "yes" : "no"])`, "yes,no"},
		{`tostring(duration("1h30m") + duration("100ms"))`, "5400.1"},
		{`tostring(bytes("64MiB") / 2)`, "33554432"},
		{`tostring(index(["a", "b", "b"], "b"))`, "1"},
		{`tostring(index([1, "1"], 1))`, "0"},
		{`coalesce(null, "", "a", "b")`, "a"},
		{`tostring(coalesce(null, 0, 1))`, "0"},
		{`lookup({ a = "x" }, "a")`, "x"},
		{`lookup(tomap({ a = "x" }), "b", "y")`, "y"},
		{`nonsensitive(coalesce(sensitive(""), "a"))`, "a"},
		{`nonsensitive(lookup({ a = sensitive("x") }, "a"))`, "x"},
		{`null`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.expression, func(t *testing.T) {
			text := strings.Replace(mirrorWithPrefix(tt.expression), "rename {", "rename {\n suffix = \".s\"\n", 1)
			text = strings.Replace(text, " }\n}\n", "\n }\n}\n", 1)
			got, failure := prefixOf(t, text, testOptions(t))
			if got != tt.want || failure != "" {
				t.Errorf("got %q, want %q; %s", got, tt.want, failure)
			}
		})
	}
}

func TestFileFunction(t *testing.T) {
	dir := write(t, map[string]string{
		"test.hcl":   twoClusters + mirrorWithPrefix(`fileexists("prefix.txt") ? trimspace(file("./prefix.txt")) : "none"`),
		"prefix.txt": "from-file.\n",
	})
	c, diags := config.Load([]string{filepath.Join(dir, "test.hcl")}, testOptions(t))
	if diags.HasErrors() {
		t.Fatal(text(t, diags))
	}
	if got := c.Pipelines[0].Transforms[0].Config.(*rename).Prefix; got != "from-file." {
		t.Errorf("got %q", got)
	}
}

func TestMirrorIsAPipeline(t *testing.T) {
	long := twoClusters + `
pipeline "m" {
  lanes            = 3
  shutdown_timeout = "1m30s"
  memory           = "64MiB"
  on_gap           = "skip"
  limit {
    bytes   = "64MiB"
    records = 5
  }
  source "kafka" {
    cluster   = cluster.a
    topics    = ["t.*", "!t.x"]
    until     = "latest"
    isolation = "read_uncommitted"
  }
  transform "rename" { suffix = ".copy" }
  sink "kafka" {
    cluster            = cluster.b
    compression        = "zstd"
    create_topics      = false
    replication_factor = 2
    partitioner        = "key_hash"
  }
}
`
	short := twoClusters + `
mirror "m" {
  lanes              = 3
  shutdown_timeout   = 90
  memory             = 64 * bytes("1MiB") + 0.5
  on_gap             = "skip"
  from               = cluster.a
  to                 = cluster.b
  topics             = ["t.*", "!t.x"]
  until              = "latest"
  compression        = "zstd"
  isolation          = "read_uncommitted"
  create_topics      = false
  replication_factor = 2
  partitioner        = "key_hash"
  limit {
    records = 5
    bytes   = bytes("64MiB")
  }
  rename { suffix = ".copy" }
}
`
	dir := write(t, map[string]string{"long.hcl": long, "short.hcl": short})
	want := mustExpand(t, filepath.Join(dir, "long.hcl"))
	got := mustExpand(t, filepath.Join(dir, "short.hcl"))
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("(-pipeline +mirror):\n%s", diff)
	}
}

func TestSettingsDefaults(t *testing.T) {
	dir := write(t, map[string]string{"test.hcl": twoClusters + mirrorWithPrefix(`"x."`)})
	c, diags := config.Load([]string{dir}, testOptions(t))
	if diags.HasErrors() {
		t.Fatal(text(t, diags))
	}
	want := config.Settings{
		Delivery: "at_least_once", Memory: 256 << 20, ShutdownTimeout: sdk.Duration(30e9),
		OnGap: "stop", OnTruncate: "stop", OnRecreate: "stop", OnReject: "stop",
	}
	if diff := cmp.Diff(want, c.Pipelines[0].Settings); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestMirrorWithoutAnAttribute has a kafka plugin of which a mirror's word
// stands for nothing.
func TestMirrorWithoutAnAttribute(t *testing.T) {
	catalog, err := plugin.NewCatalog([]sdk.Plugin{
		{
			Name:   "kafka",
			Source: func() sdk.SourceConfig { return &kafkaSource{} },
			Sink:   func() sdk.SinkConfig { return &plainSink{} },
		},
		{Name: "rename", Transform: func() sdk.TransformConfig { return &rename{} }},
	})
	if err != nil {
		t.Fatal(err)
	}
	source := strings.Replace(mirrorWithPrefix(`"x."`), "from", "partitioner = \"keep\"\n from", 1) + twoClusters
	_, diags := config.Load([]string{write(t, map[string]string{"test.hcl": source})}, config.Options{Catalog: catalog})
	if len(diags) != 1 || diags[0].Summary != "Unsupported argument" || !strings.Contains(diags[0].Detail, "partitioner") {
		t.Error(text(t, diags))
	}
}

// TestToken: the token reaches the server, and no output.
func TestToken(t *testing.T) {
	source := mirrorWithPrefix(`"x."`) + twoClusters + "server {\n listen = \"127.0.0.1:0\"\n token = \"hunter2-canary\"\n}\n"
	dir := write(t, map[string]string{"test.hcl": source})
	c, diags := config.Load([]string{dir}, testOptions(t))
	if diags.HasErrors() {
		t.Fatal(text(t, diags))
	}
	if got := c.Server.Token.Reveal(); got != canary {
		t.Errorf("the token is %q", got)
	}
	if out := fmt.Sprintf("%v %+v %s", c.Server, *c.Server, mustExpand(t, filepath.Join(dir, "test.hcl"))); strings.Contains(out, canary) {
		t.Errorf("the token is shown: %s", out)
	}
}
