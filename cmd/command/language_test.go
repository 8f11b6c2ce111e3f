// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// execute runs a command line with an empty environment.
func execute(t *testing.T, args ...string) (code ExitCode, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &Program{Version: "v1.2.3", Stdout: &out, Stderr: &errs, LookupEnv: func(string) (string, bool) { return "", false }}
	code = p.Execute(t.Context(), args)
	return code, out.String(), errs.String()
}

func put(t *testing.T, name, content string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
	return name
}

func get(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

const (
	ugly   = "cluster \"a\"   {\nembedded=true\n}\n"
	pretty = "cluster \"a\" {\n  embedded = true\n}\n"
)

func TestFmt(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir("sub", 0o750); err != nil {
		t.Fatal(err)
	}
	diff := "--- old/a.hcl\n+++ new/a.hcl\n@@ -1,3 +1,3 @@\n-cluster \"a\"   {\n-embedded=true\n+cluster \"a\" {\n+  embedded = true\n }\n"
	tests := []struct {
		name  string
		args  string
		code  ExitCode
		out   string
		wrote string // files that are pretty afterwards
	}{
		{"current directory", "", OK, "a.hcl\n", "a.hcl"},
		{"recursive", "--recursive .", OK, "a.hcl\nsub/b.hcl\n", "a.hcl sub/b.hcl"},
		{"one file", "sub/b.hcl", OK, "sub/b.hcl\n", "sub/b.hcl"},
		{"check", "--check", Gate, "a.hcl\n", ""},
		{"check what is fine", "--check c.hcl", OK, "", ""},
		{"diff", "--diff a.hcl", OK, "a.hcl\n" + diff, "a.hcl"},
		{"check and diff", "--check --diff a.hcl", Gate, "a.hcl\n" + diff, ""},
		{"without writing", "--write=false", OK, "a.hcl\n", ""},
		{"JSON", "d.hcl.json", OK, "", ""},
		{"missing", "none.hcl", Usage, "", ""},
		{"stdin beside a file", "a.hcl -", Usage, "a.hcl\n", "a.hcl"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkFmt(t, tt.args, tt.code, tt.out, strings.Fields(tt.wrote)) })
	}
}

// checkFmt formats a directory; afterwards just the files in wrote are pretty.
func checkFmt(t *testing.T, args string, wantCode ExitCode, wantOut string, wrote []string) {
	t.Helper()
	files := []string{put(t, "a.hcl", ugly), put(t, filepath.Join("sub", "b.hcl"), ugly)}
	put(t, "c.hcl", pretty)
	put(t, ".hidden.hcl", ugly)
	put(t, "d.hcl.json", "{ }")
	code, out, errs := execute(t, append([]string{"fmt"}, strings.Fields(args)...)...)
	if code != wantCode || out != wantOut {
		t.Errorf("exit code %d, %s\n%s", code, errs, cmp.Diff(wantOut, out))
	}
	if strings.Contains(args, ".json") && !strings.Contains(errs, "d.hcl.json is left alone") {
		t.Errorf("nothing is said of the JSON file: %q", errs)
	}
	for _, file := range files {
		want := ugly
		if slices.Contains(wrote, filepath.ToSlash(file)) {
			want = pretty
		}
		if got := get(t, file); got != want {
			t.Errorf("%s is %q", file, got)
		}
	}
	if get(t, ".hidden.hcl") != ugly || get(t, "d.hcl.json") != "{ }" {
		t.Error("a file was written that is none of its business")
	}
}

// TestFmtKeepsModeAndLink formats a file through a symbolic link.
func TestFmtKeepsModeAndLink(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "real.hcl", ugly)
	if err := os.Chmod("real.hcl", 0o604); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real.hcl", "link.hcl"); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := execute(t, "fmt", "link.hcl"); code != OK || out != "link.hcl\n" {
		t.Fatalf("exit code %d, %q, %q", code, out, errs)
	}
	info, err := os.Stat("real.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o604 || get(t, "real.hcl") != pretty {
		t.Errorf("mode %v, %q", info.Mode(), get(t, "real.hcl"))
	}
	if target, err := os.Readlink("link.hcl"); err != nil || target != "real.hcl" {
		t.Errorf("the link leads to %q, %v", target, err)
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestFmtOfALinkedDirectory names the files by the way that was given.
func TestFmtOfALinkedDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := errors.Join(os.Mkdir("real", 0o750), os.Symlink("real", "link")); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join("real", "a.hcl"), ugly)
	if code, out, errs := execute(t, "fmt", "link"); code != OK || filepath.ToSlash(out) != "link/a.hcl\n" {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
}

// TestFmtRefusesWhatDoesNotParse: the other files are formatted, and a secret
// in the wrong one is not shown.
func TestFmtRefusesWhatDoesNotParse(t *testing.T) {
	t.Chdir(t.TempDir())
	broken := "cluster \"a\" {\n  tls =\n  password = \"hunter2\" }}\n"
	put(t, "a.hcl", broken)
	put(t, "b.hcl", ugly)
	code, out, errs := execute(t, "fmt")
	if code != Usage || out != "b.hcl\n" || !strings.Contains(errs, "--> a.hcl:2:8") || strings.Contains(errs, "hunter2") {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	if get(t, "a.hcl") != broken || get(t, "b.hcl") != pretty {
		t.Error("the wrong file was written")
	}
}

const exampleFile = `
variable "to" {}
cluster "a" { embedded = true }
cluster "b" { embedded = true }
mirror "dr" {
  from   = cluster.a
  to     = cluster.b
  topics = ["orders", "!${var.to}"]
}
`

func TestVarFileAndVarInOrder(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "x.hcl", exampleFile)
	put(t, "one.tfvars", "to = \"one\"\n")
	put(t, "two.json", `{"to": "two"}`)
	tests := []struct{ args, want string }{
		{"-var-file one.tfvars", "!one"},
		{"-var-file=one.tfvars --var-file two.json", "!two"},
		{"-var to=v -var-file one.tfvars", "!one"},
		{"-var-file one.tfvars -var to=v", "!v"},
	}
	for _, tt := range tests {
		code, out, errs := execute(t, append([]string{"expand", "x.hcl"}, strings.Fields(tt.args)...)...)
		if code != OK || !strings.Contains(out, `["orders", "`+tt.want+`"]`) {
			t.Errorf("%s: exit code %d, %s%s", tt.args, code, out, errs)
		}
	}
}

func TestExpandJSON(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "x.hcl", exampleFile)
	code, out, errs := execute(t, "expand", "--json", "-var", "to=/<b>&/", "x.hcl")
	var e struct {
		OK     bool
		Result json.RawMessage
	}
	if err := json.Unmarshal([]byte(out), &e); err != nil || code != OK || !e.OK {
		t.Fatalf("exit code %d, %v, %s%s", code, err, out, errs)
	}
	put(t, "again.hcl.json", string(e.Result))
	_, first, _ := execute(t, "expand", "-var", "to=/<b>&/", "x.hcl")
	if _, second, errs := execute(t, "expand", "again.hcl.json"); first != second {
		t.Errorf("%s\n%s", errs, cmp.Diff(first, second))
	}
	code, out, errs = execute(t, "expand", "--json", "x.hcl")
	if code != Usage || !strings.Contains(out, `"ok": false`) || !strings.Contains(errs, "Missing variable") {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
}

// TestValidateJSON compares with the document of Terraform.
func TestValidateJSON(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "x.hcl", "mirror \"dr\" {\n  from = cluster.none\n}\n")
	code, out, _ := execute(t, "validate", "--json", "x.hcl")
	var e struct{ Result map[string]any }
	if err := json.Unmarshal([]byte(out), &e); err != nil || code != Usage {
		t.Fatalf("exit code %d, %v, %s", code, err, out)
	}
	all := e.Result["diagnostics"].([]any)
	got := map[string]any{"count": len(all), "first": all[len(all)-1]}
	for _, key := range []string{"format_version", "valid", "error_count", "warning_count"} {
		got[key] = e.Result[key]
	}
	place := func(line, column, at float64) map[string]any {
		return map[string]any{"line": line, "column": column, "byte": at}
	}
	want := map[string]any{
		"format_version": "1.0", "valid": false, "error_count": 3.0, "warning_count": 0.0, "count": 3,
		"first": map[string]any{
			"severity": "error", "summary": "Unknown cluster", "detail": `There is no cluster named "none".`,
			"range": map[string]any{"filename": "x.hcl", "start": place(2, 10, 23), "end": place(2, 22, 35)},
			"snippet": map[string]any{
				"context": `mirror "dr"`, "code": "  from = cluster.none", "start_line": 2.0,
				"highlight_start_offset": 9.0, "highlight_end_offset": 21.0, "values": []any{},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestVersionFlag(t *testing.T) {
	_, want, _ := execute(t, "version")
	if code, got, _ := execute(t, "--version"); code != OK || got != want || !strings.HasPrefix(got, "klamm v1.2.3") {
		t.Errorf("exit code %d, %q, want %q", code, got, want)
	}
}

// TestCompletion asks as the scripts of the shells do.
func TestCompletion(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "x.hcl", exampleFile)
	tests := []struct{ line, want string }{
		{"run --log-level|", "debug\ninfo\nwarn\nerror\n:4\n"},
		{"run --log-format|", "text\njson\n:4\n"},
		{"run x.hcl -var to=x --pipeline|", "dr\n:4\n"},
		{"run x.hcl --pipeline|", ":4\n"}, // a variable is missing
		{"run|", "hcl\nhcl.json\n:8\n"},
		{"fmt|", "hcl\nhcl.json\n:8\n"},
		{"completion|", "bash\nzsh\nfish\npowershell\n:4\n"},
	}
	for _, tt := range tests {
		args := append([]string{"__completeNoDesc"}, strings.Fields(strings.TrimSuffix(tt.line, "|"))...)
		code, out, errs := execute(t, append(args, "")...)
		if code != OK || out != tt.want {
			t.Errorf("%s exit code %d, %q, want %q; %s", tt.line, code, out, tt.want, errs)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, out, _ := execute(t, "completion", shell); code != OK || !strings.Contains(out, "__complete") {
			t.Errorf("%s: exit code %d, %.100q", shell, code, out)
		}
	}
}
