// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"github.com/klamm-io/klamm/core/config"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// TestGood loads every *.good.hcl and *.good.hcl.json and compares its long form; the long form
// must load again and be its own long form.
func TestGood(t *testing.T) {
	for _, file := range corpus(t, "good") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			expanded := mustExpand(t, file)
			golden(t, goldenName(file, ".expanded"), expanded)

			again := filepath.Join(t.TempDir(), "expanded.hcl")
			if err := os.WriteFile(again, expanded, 0o600); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(expanded), string(mustExpand(t, again))); diff != "" {
				t.Errorf("the long form changed when loaded again (-first +second):\n%s", diff)
			}
		})
	}
}

func mustExpand(t *testing.T, file string) []byte {
	t.Helper()
	c, diags := config.Load([]string{file}, testOptions(t))
	if diags.HasErrors() {
		t.Fatalf("loading %s:\n%s", file, text(t, diags))
	}
	var out bytes.Buffer
	if err := config.Expand(&out, c); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestBad loads every *.bad.hcl and *.bad.hcl.json and compares what is said about it.
func TestBad(t *testing.T) {
	for _, file := range corpus(t, "bad") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c, diags := config.Load([]string{file}, testOptions(t))
			if c != nil || !diags.HasErrors() {
				t.Fatal("it was accepted")
			}
			golden(t, goldenName(file, ".txt"), []byte(text(t, diags)))
			checkExpected(t, file, diags)
		})
	}
}

// goldenName is where the golden file of a file is: x.bad.txt, x.bad.json.txt.
func goldenName(file, extension string) string {
	if base, is := strings.CutSuffix(file, ".hcl.json"); is {
		return base + ".json" + extension
	}
	return strings.TrimSuffix(file, ".hcl") + extension
}

// checkExpected compares with the comments of a bad file: "# expect 5 `token`
// Summary" says line, what the carets stand under, and summary of an error. It
// is written by hand, so that an update of the golden files cannot hide a
// wrong place. In JSON it is a string in a line of its own.
func checkExpected(t *testing.T, file string, diags hcl.Diagnostics) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(source)) {
		var comment string
		if json.Unmarshal([]byte(strings.Trim(line, " ,\n")), &comment) == nil {
			line = "# " + comment
		}
		if rest, ok := strings.CutPrefix(line, "# expect "); ok {
			want = append(want, strings.TrimSpace(rest))
		}
	}
	var got []string
	for _, d := range diags {
		got = append(got, caretOf(text(t, hcl.Diagnostics{d}))+" "+d.Summary)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

var (
	location = regexp.MustCompile(`--> [^\n]*:(\d+):\d+\n`)
	wide     = regexp.MustCompile(`\p{Han}`) // takes two columns
	carets   = regexp.MustCompile(`\n (\d+) \| ([^\n]*)\n +\| ([ \t]*)(\^+)\n`)
)

// caretOf returns what the carets of a printed diagnostic stand under, as
// "line `token`".
func caretOf(printed string) string {
	at := location.FindStringSubmatch(printed)
	if at == nil {
		return "-"
	}
	m := carets.FindStringSubmatch(printed)
	if m == nil {
		return at[1] + " hidden"
	}
	columns := []rune(wide.ReplaceAllString(m[2], "$0\x00"))
	end := min(len(m[3])+len(m[4]), len(columns))
	return at[1] + " `" + strings.ReplaceAll(string(columns[len(m[3]):end]), "\x00", "") + "`"
}

func corpus(t testing.TB, kind string) []string {
	t.Helper()
	native, err := filepath.Glob(filepath.Join("testdata", "*."+kind+".hcl"))
	inJSON, err2 := filepath.Glob(filepath.Join("testdata", "*."+kind+".hcl.json"))
	if err != nil || err2 != nil || len(native) == 0 || len(inJSON) == 0 {
		t.Fatalf("no %s files: %v, %v", kind, err, err2)
	}
	return append(native, inJSON...)
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func text(t testing.TB, diags hcl.Diagnostics) string {
	t.Helper()
	var b strings.Builder
	if err := config.WriteDiagnostics(&b, diags, false); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func read(t testing.TB, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func put(t testing.TB, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
