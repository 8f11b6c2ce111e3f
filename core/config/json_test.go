// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/core/config"
)

// TestExpandJSON writes the long form of every good file as JSON, which must
// load to the same long form.
func TestExpandJSON(t *testing.T) {
	for _, file := range corpus(t, "good") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c, diags := config.Load([]string{file}, testOptions(t))
			if diags.HasErrors() {
				t.Fatal(text(t, diags))
			}
			long, err := json.MarshalIndent(config.ExpandJSON(c), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(long), canary) {
				t.Errorf("a secret is shown:\n%s", long)
			}
			again := filepath.Join(t.TempDir(), "long.hcl.json")
			put(t, again, string(long))
			if diff := cmp.Diff(string(mustExpand(t, file)), string(mustExpand(t, again))); diff != "" {
				t.Errorf("(-file +JSON):\n%s\n%s", diff, long)
			}
		})
	}
}

// TestMixedSyntaxes loads a directory with files in both syntaxes.
func TestMixedSyntaxes(t *testing.T) {
	dir := write(t, map[string]string{
		"clusters.hcl.json": `{"cluster": {"a": {"brokers": ["a:1"]}, "b": {"brokers": ["${var.host}:1"]}}, "locals": {"prefix": "${cluster.a == cluster.a ? \"x.\" : null}"}}`,
		"mirror.hcl":        mirrorWithPrefix("local.prefix") + "variable \"host\" {}\n",
		"ignored.json":      "[",
	})
	opts := testOptions(t)
	opts.Vars = assigned("host=b")
	c, diags := config.Load([]string{dir}, opts)
	if diags.HasErrors() {
		t.Fatal(text(t, diags))
	}
	if got := c.Pipelines[0].Transforms[0].Config.(*rename).Prefix; got != "x." {
		t.Errorf("prefix is %q", got)
	}
	if got := c.Clusters[1].Brokers[0]; got != "b:1" {
		t.Errorf("broker is %q", got)
	}
}

// TestJSONStagesHaveNoOrder writes the stages of a pipeline in every order;
// only that of the transforms counts.
func TestJSONStagesHaveNoOrder(t *testing.T) {
	source := `"source": {"kafka": {"cluster": "${cluster.a}", "topics": ["t"]}}`
	transform := `"transform": [{"rename": {"prefix": "1."}}, {"rename": {"prefix": "2."}}]`
	sink := `"sink": {"kafka": {"cluster": "${cluster.b}"}}`
	for _, order := range [][]string{{source, transform, sink}, {sink, transform, source}, {transform, sink, source}} {
		dir := write(t, map[string]string{
			"clusters.hcl":      twoClusters,
			"pipeline.hcl.json": `{"pipeline": {"p": {` + strings.Join(order, ", ") + `}}}`,
		})
		c, diags := config.Load([]string{dir}, testOptions(t))
		if diags.HasErrors() {
			t.Fatal(text(t, diags))
		}
		m, err := c.Pipelines[0].TopicMapping().Compile()
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Map("t"); got != "2.1.t" {
			t.Errorf("the topic becomes %q", got)
		}
	}
}

// TestPlacesInJSONStrings checks where carets stand in strings with escapes.
func TestPlacesInJSONStrings(t *testing.T) {
	tests := []struct{ value, want string }{
		{`"${local.x}"`, "local.x"},
		{`"a\nb\t${local.x}"`, "local.x"},
		{`"\u00e9\u4e2d\ud83d\ude00\u0041${local.x} \\ "`, "local.x"},
		{`"é ${ \"\\\"\" == local.x }"`, "local.x"},
		{`"\"${upper(}"`, "}"},
		{`["\"", "${local.x}"]`, "local.x"},
		{`{"\"${local.x}": 1}`, "local.x"},
	}
	for _, tt := range tests {
		t.Run(tt.value, func(t *testing.T) {
			dir := write(t, map[string]string{"test.hcl.json": "{\n\"locals\": {\n \"a\": " + tt.value + "\n}}"})
			_, diags := config.Load([]string{dir}, testOptions(t))
			if len(diags) != 1 {
				t.Fatal(text(t, diags))
			}
			if got := caretOf(text(t, diags)); got != "3 `"+tt.want+"`" {
				t.Errorf("the caret is at %s:\n%s", got, text(t, diags))
			}
		})
	}
}

// secretJSON holds the canary in the ways a JSON file can hold a secret.
const secretJSON = `{
  "variable": {
    "token": {"type": "string", "sensitive": true,
      "default": "hunter2-canary",
      "validation": {"condition": "${length(var.token) > 3}", "error_message": "Too short: ${var.token}."}
    },
    "more": {"type": "map(string)", "sensitive": true}
  },
  "locals": {"kept": "${sensitive(\"hunter2-canary\")}", "made": "Bearer ${var.token}", "other": "${var.more[\"x\"]}"},
  "cluster": {
    "a": {
      "brokers": ["a:1"],
      "sasl": {"plain": {
        "username": "u",
        "password":
          "hunter2-canary"
      }}
    }
  },
  "pipeline": {
    "p": {
      "source": {"kafka": {"cluster": "${cluster.a}", "topics": ["t"]}},
      "sink": {
        "webhook": {"url": "http://x", "token": "${local.made}${local.other}",
          "auth": {"basic": {"\u006bey": "hunter2-canary"}}
        }
      }
    }
  }
}
`

// TestSecretsInJSONAreNotPrinted breaks a file in every place and looks for the
// canary in whatever is printed.
func TestSecretsInJSONAreNotPrinted(t *testing.T) {
	opts, dir := secretOptions(t), t.TempDir()
	if out := everythingIn(t, filepath.Join(dir, "test.hcl.json"), secretJSON, opts); strings.Contains(out, canary) || strings.Contains(out, "Error") {
		t.Fatal(out)
	}
	for at := range len(secretJSON) {
		if at == 0 || strings.Contains(secretJSON[max(0, at-len(canary)):min(len(secretJSON), at+len(canary))], canary) {
			continue // the secret itself stays whole
		}
		variants := []string{secretJSON[:at], secretJSON[:at] + secretJSON[at+1:]}
		if !insideWord.MatchString(secretJSON[at-1 : at+1]) {
			for _, inserted := range []string{`"`, "{", "[]", "${"} {
				variants = append(variants, secretJSON[:at]+inserted+secretJSON[at:])
			}
		}
		for _, broken := range variants {
			if out := everythingIn(t, filepath.Join(dir, "test.hcl.json"), broken, opts); strings.Contains(out, canary) {
				t.Fatalf("a secret is shown by:\n%s\nas:\n%s", broken, out)
			}
		}
	}
}

// TestHiddenLinesInJSON has secrets in lines that a message is about.
func TestHiddenLinesInJSON(t *testing.T) {
	auth := func(content string) string {
		return `{"cluster": {"a": {"brokers": ["a:1"]}}, "pipeline": {"p": {"source": {"kafka": {"cluster": "${cluster.a}", "topics": ["t"]}},
			"sink": {"webhook": {"url": "x", "auth": {"basic": {` + content + `}}}}}}}`
	}
	tests := []struct{ name, text string }{
		{"escaped name in a file that does not parse", `{"a": {"b": 1, "\u006bey": "hunter2-canary", x}}`},
		{"escaped name in an earlier line", auth("\"\\u006bey\":\n\"hunter2-canary${local.no}\"")},
		{"value below its name", auth("\"key\": \"a\", \"key\":\n\"hunter2-canary\", \"oops\": 6")},
		{"misspelt default", "{\"variable\": {\"x\": {\"sensitive\": true,\n\"defalt\": \"hunter2-canary\"}}}"},
		{"variable in pieces", "{\"variable\": {\"x\": [[{\"sensitive\": true},\n{\"type\": \"number\", \"default\": \"hunter2-canary\"}]]}}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := everythingIn(t, filepath.Join(t.TempDir(), "test.hcl.json"), tt.text, testOptions(t))
			if !strings.Contains(out, "Error") || strings.Contains(out, canary) {
				t.Error(out)
			}
		})
	}
}
