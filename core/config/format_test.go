// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/klamm-io/klamm/core/config"
)

func TestFormat(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"spaces and alignment", "a   {\nbb=1\nc   =   [1,2]\n}\n", "a {\n  bb = 1\n  c  = [1, 2]\n}\n"},
		{"comments", "a = 1 # one\nlong = 2   # two\n", "a    = 1 # one\nlong = 2 # two\n"},
		{"heredoc stays", "a {\nb = <<-EOT\n      x   y\n  EOT\n}\n", "a {\n  b = <<-EOT\n      x   y\n  EOT\n}\n"},
		{"template directives", "a = \"%{if true}x%{else}  y%{endif}\"\n", "a = \"%{if true}x%{else}  y%{endif}\"\n"},
		{"windows", "a   {\r\nb=1\r\n}\r\n", "a {\r\n  b = 1\r\n}\r\n"},
		{"no line break at the end", "a=1", "a = 1"},
		{"empty", "", ""},
		{"only a comment", "#x", "#x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, diags := config.Format("x.hcl", []byte(tt.text), testCatalog(t))
			if diags.HasErrors() {
				t.Fatal(text(t, diags))
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			sameForm(t, "x.hcl", tt.text)
		})
	}
}

// TestFormatRefuses shows the place, and no secret.
func TestFormatRefuses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no syntax", "a {\n  b =\n  password = \"hunter2-canary\"\n}\n", "Invalid expression"},
		{"nested too deeply", strings.Repeat("a {", 1000), "Nesting too deep"},
		{"no text", "\x00", "Not a text file"},
		{"too large", strings.Repeat("# comment\n", 200_000), "Cannot read file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, diags := config.Format("x.hcl", []byte(tt.text), testCatalog(t))
			if out != nil || len(diags) == 0 || diags[0].Summary != tt.want {
				t.Fatalf("%.100q, %s", out, text(t, diags))
			}
			if strings.Contains(text(t, diags), canary) {
				t.Errorf("a secret is shown:\n%s", text(t, diags))
			}
		})
	}
}

// TestFormatCorpus formats whatever there is of files.
func TestFormatCorpus(t *testing.T) {
	for _, pattern := range []string{"testdata/*.hcl", "testdata/variables/*.tfvars", "../../pipelines/*.hcl"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files, %v", pattern, err)
		}
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) { sameForm(t, file, read(t, file)) })
		}
	}
}

// sameForm checks that the canonical form of a text is its own canonical form,
// and that it is made of the same tokens.
func sameForm(t *testing.T, name, source string) {
	t.Helper()
	first, diags := config.Format(name, []byte(source), testCatalog(t))
	if diags.HasErrors() {
		return // what does not parse has no form
	}
	second, diags := config.Format(name, first, testCatalog(t))
	if diags.HasErrors() {
		t.Fatalf("the canonical form does not parse:\n%s\n%s", text(t, diags), first)
	}
	if diff := cmp.Diff(string(first), string(second)); diff != "" {
		t.Errorf("it changes when formatted again (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(tokensOf(source), tokensOf(string(first))); diff != "" {
		t.Errorf("it does not mean the same (-before +after):\n%s", diff)
	}
}

func tokensOf(source string) []string {
	tokens, _ := hclsyntax.LexConfig([]byte(source), "", hcl.InitialPos)
	var all []string
	for _, token := range tokens {
		all = append(all, string(token.Type)+string(token.Bytes))
	}
	return all
}

// FuzzFormat looks for texts whose canonical form is none, means something
// else, or loads differently.
func FuzzFormat(f *testing.F) {
	for _, kind := range []string{"good", "bad"} {
		for _, file := range corpus(f, kind) {
			if !isJSON(file) {
				f.Add(read(f, file))
			}
		}
	}
	for _, odd := range []string{
		"a = <<E\n${ b }\nE\n", "a = [ # x\n1, /* y */ 2 ]\n", "a = \"%{ for x in y ~}${x}%{ endfor }\"\n",
		"a = foo(b...)\n", "a = b ? c:d\n", "a = !b\n", "a = - -1\n", "a {b = 1}\n", "a = { b : 1\n c = 2 }\n",
	} {
		f.Add(odd)
	}
	opts, dir := testOptions(f), f.TempDir()
	f.Fuzz(func(t *testing.T, source string) {
		sameForm(t, "x.hcl", source)
		formatted, diags := config.Format("x.hcl", []byte(source), opts.Catalog)
		if diags.HasErrors() {
			return
		}
		file := filepath.Join(dir, "x.hcl")
		var long [2]string
		for i, form := range []string{source, string(formatted)} {
			put(t, file, form)
			c, diags := config.Load([]string{file}, opts)
			if c == nil {
				for _, d := range diags {
					long[i] += d.Summary + "\n"
				}
				continue
			}
			var b strings.Builder
			if err := config.Expand(&b, c); err != nil {
				t.Fatal(err)
			}
			long[i] = b.String()
		}
		if long[0] != long[1] {
			t.Errorf("(-before +after):\n%s", cmp.Diff(long[0], long[1]))
		}
	})
}
