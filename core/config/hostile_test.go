// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klamm-io/klamm/core/config"
)

// TestHostile loads files that would overflow the stack, exhaust the memory or
// never end.
func TestHostile(t *testing.T) {
	chain := func(n int) string {
		var b strings.Builder
		b.WriteString("locals {\n v0 = 1\n")
		for i := range n {
			fmt.Fprintf(&b, " v%d = local.v%d\n", i+1, i)
		}
		return b.String() + "}\n"
	}
	doubling := func(step string) string {
		var b strings.Builder
		b.WriteString("locals {\n v0 = \"xxxxxxxx\"\n n0 = 2\n")
		for i := range 60 {
			b.WriteString(strings.NewReplacer("NEXT", fmt.Sprint(i+1), "THIS", fmt.Sprint(i)).Replace(step))
		}
		return b.String() + "}\n"
	}
	repeat := strings.Repeat
	tests := []struct{ name, text, want string }{
		{"parentheses", "locals { a = " + repeat("(", 100_000) + "1" + repeat(")", 100_000) + " }", "Nesting too deep"},
		{"brackets", "locals { a = " + repeat("[", 100_000) + "}", "Nesting too deep"},
		{"objects", "locals { a = " + repeat("{a=", 100_000) + "}", "Nesting too deep"},
		{"blocks", repeat("a {\n", 100_000), "Nesting too deep"},
		{"templates", "locals { a = " + repeat(`"${`, 100_000) + "1 }", "Nesting too deep"},
		{"heredocs", "locals { a = " + repeat("<<E\n${", 50_000) + "1 }", "Nesting too deep"},
		{"template controls", `locals { a = "` + repeat("%{ if true }", 50_000) + `" }`, "Nesting too deep"},
		{"calls", "locals { a = " + repeat("upper(", 100_000) + "}", "Nesting too deep"},
		{"negation", "locals { a = " + repeat("!", 500_000) + "true }", "Expression too long"},
		{"minus", "locals { a = " + repeat("- ", 300_000) + "1 }", "Expression too long"},
		{"ternaries", "locals { a = " + repeat("true ? 1 : ", 50_000) + "1 }", "Expression too long"},
		{"sum", "locals { a = 1" + repeat("+1", 400_000) + " }", "Expression too long"},
		{"sum over lines", "locals { a = (1" + repeat("+\n1", 200_000) + ") }", "Expression too long"},
		{"index", "locals { a = [1]" + repeat("[0]", 200_000) + " }", "Expression too long"},
		{"file too large", repeat("# comment\n", 200_000), "Cannot read file"},
		{"chain of locals", chain(10_000), "References too deep"},
		{"doubling text", doubling(" vNEXT = \"${local.vTHIS}${local.vTHIS}\"\n"), "Value too large"},
		{"doubling lists", doubling(" vNEXT = [local.vTHIS, local.vTHIS]\n"), "Value too large"},
		{"squaring", doubling(" nNEXT = local.nTHIS * local.nTHIS\n"), "Value too large"},
		{"loops in loops", "locals {\n a = range(1000)\n b = [for x in local.a : [for y in local.a : [for z in local.a : 1]]]\n}", "Expression too costly"},
		{"join", "locals {\n a = join(format(\"%900s\", \"x\"), [for i in range(1000) : format(\"%900s\", \"x\")])\n}", "Error in function call"},
		{"product", "locals {\n a = range(1000)\n b = setproduct(local.a, local.a, local.a)\n}", "Error in function call"},
		{"tries in tries", "locals { a = " + repeat("try(", 49) + "1[0]" + repeat(", 1[0])", 49) + " }", "Error in function call"},
		{"join in a try", "locals {\n a = try(join(format(\"%900s\", \"x\"), [for i in range(1000) : format(\"%900s\", \"x\")]), 1)\n}", "Error in function call"},
		{"join in a can", "locals {\n a = can(can(join(format(\"%900s\", \"x\"), [for i in range(1000) : format(\"%900s\", \"x\")])))\n}", "Error in function call"},
		{"circle in a try", "locals { a = try(local.a, 1) }", "Reference in a circle"},
		{"escape sequences", "cluster \"\x1b[31m\" {}", "Invalid cluster name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { refuses(t, "test.hcl", tt.text, tt.want) })
	}
}

// refuses loads a file, whose first error must be the wanted one, said in few
// words.
func refuses(t *testing.T, name, source, want string) {
	t.Helper()
	dir := write(t, map[string]string{name: source})
	c, diags := config.Load([]string{dir}, testOptions(t))
	if c != nil || len(diags) == 0 || diags[0].Summary != want {
		t.Fatalf("want %q, got:\n%s", want, text(t, diags))
	}
	if printed := text(t, diags); len(printed) > 20_000 || strings.Contains(printed, "\x1b") {
		t.Errorf("printed as %d bytes: %.200q", len(printed), printed)
	}
}

func TestHostileJSON(t *testing.T) {
	repeat := strings.Repeat
	tests := []struct{ name, text, want string }{
		{"arrays", repeat("[", 100_000), "Nesting too deep"},
		{"objects", repeat(`{"a":`, 100_000), "Nesting too deep"},
		{"objects as keys", repeat("{", 100_000), "Nesting too deep"},
		{"closed wrongly", repeat("[}", 100_000), "Nesting too deep"},
		{"string that does not end", "[\"\u0600\", \"" + repeat("[", 100_000) + `"]`, "Unsupported character"},
		{"escape that is swallowed", "[\"\u0600\\\" " + repeat("[", 100_000) + `"]`, "Unsupported character"},
		{"template", `{"locals": {"a": "` + repeat("${[", 100_000) + `"}}`, "Nesting too deep"},
		{"operators", `{"locals": {"a": "${1` + repeat("+1", 100_000) + `}"}}`, "Expression too long"},
		{"type", `{"variable": {"a": {"type": "` + repeat("list(", 100_000) + `"}}}`, "Nesting too deep"},
		{"loops in loops", `{"locals": {"a": "${range(1000)}", "b": "${[for x in local.a : [for y in local.a : [for z in local.a : 1]]]}"}}`, "Expression too costly"},
		{"number", `{"locals": {"a": 1e999999999}}`, "Value too large"},
		{"escape sequences", `{"cluster": {"\u001b[31m": {}}}`, "Invalid cluster name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { refuses(t, "test.hcl.json", tt.text, tt.want) })
	}
}

func TestFilesTooLargeTogether(t *testing.T) {
	files := map[string]string{}
	for i := range 20 {
		files[fmt.Sprintf("%d.hcl", i)] = strings.Repeat("# comment\n", 100_000)
	}
	_, diags := config.Load([]string{write(t, files)}, testOptions(t))
	if len(diags) != 1 || diags[0].Summary != "Configuration too large" {
		t.Error(text(t, diags))
	}
}

func TestErrorsAreCapped(t *testing.T) {
	var b strings.Builder
	for i := range 30 {
		fmt.Fprintf(&b, "cluster \"c%d\" {}\n", i)
	}
	_, diags := config.Load([]string{write(t, map[string]string{"test.hcl": b.String()})}, testOptions(t))
	if len(diags) != 21 || diags[20].Summary != "10 more errors" {
		t.Errorf("%d diagnostics:\n%s", len(diags), text(t, diags))
	}
	for i, d := range diags[:20] {
		if d.Subject.Start.Line != i+1 {
			t.Errorf("diagnostic %d is about line %d", i, d.Subject.Start.Line)
		}
	}
}

// FuzzLoad looks for files that make Load panic, and for good ones whose long
// form does not load again.
func FuzzLoad(f *testing.F) { fuzzLoad(f, "first.hcl") }

// FuzzLoadJSON does the same in JSON.
func FuzzLoadJSON(f *testing.F) { fuzzLoad(f, "first.hcl.json") }

func fuzzLoad(f *testing.F, name string) {
	for _, kind := range []string{"good", "bad"} {
		for _, file := range corpus(f, kind) {
			if isJSON(file) == isJSON(name) {
				f.Add(read(f, file))
			}
		}
	}
	dir := f.TempDir()
	opts := testOptions(f)
	f.Fuzz(func(t *testing.T, source string) {
		first := filepath.Join(dir, name)
		put(t, first, source)
		c, diags := config.Load([]string{first}, opts)
		if (c == nil) != diags.HasErrors() {
			t.Fatalf("configuration %v with diagnostics:\n%s", c, text(t, diags))
		}
		_ = text(t, diags)
		if c == nil {
			return
		}
		var long strings.Builder
		if err := config.Expand(&long, c); err != nil {
			t.Fatal(err)
		}
		second := filepath.Join(dir, "second.hcl")
		put(t, second, long.String())
		if _, diags := config.Load([]string{second}, opts); diags.HasErrors() {
			t.Fatalf("the long form does not load:\n%s\n%s", text(t, diags), long.String())
		}
	})
}
