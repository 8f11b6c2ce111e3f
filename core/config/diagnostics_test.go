// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/core/config"
)

func TestDiagnosticsAsJSON(t *testing.T) {
	file := filepath.Join("testdata", "cluster-unknown.bad.hcl")
	_, diags := config.Load([]string{file}, testOptions(t))
	got, err := json.MarshalIndent(config.Describe(diags), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "cluster-unknown.json"), append(got, '\n'))
}

func TestDiagnosticsWithoutAPlaceAsJSON(t *testing.T) {
	_, diags := config.Load(nil, testOptions(t))
	got, err := json.Marshal(config.Describe(diags))
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"severity":"error","summary":"No files","detail":"Name a pipeline file, or a directory that holds some."}]`
	if string(got) != want {
		t.Errorf("got %s", got)
	}
}

// TestDiagnosticsInColor checks that colours change nothing but the colours.
func TestDiagnosticsInColor(t *testing.T) {
	_, diags := config.Load([]string{filepath.Join("testdata", "several-at-once.bad.hcl")}, testOptions(t))
	var colored strings.Builder
	if err := config.WriteDiagnostics(&colored, diags, true); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(colored.String(), "\x1b[1;31mError\x1b[0m") {
		t.Error("there is no colour")
	}
	plain := strings.NewReplacer("\x1b[1;31m", "", "\x1b[1m", "", "\x1b[0m", "").Replace(colored.String())
	if diff := cmp.Diff(text(t, diags), plain); diff != "" {
		t.Errorf("(-plain +colored):\n%s", diff)
	}
}

func TestLongLinesAreCut(t *testing.T) {
	source := `cluster "a" { brokers = ["` + strings.Repeat("ä", 5000) + `", null, "` + strings.Repeat("ö", 5000) + `"] }`
	_, diags := config.Load([]string{write(t, map[string]string{"test.hcl": source})}, testOptions(t))
	printed := text(t, diags)
	if len(printed) > 1000 {
		t.Errorf("printed as %d bytes", len(printed))
	}
	if got := caretOf(printed); got != "1 `null`" {
		t.Errorf("the caret is at %s in:\n%s", got, printed)
	}
}

func isJSON(file string) bool { return strings.HasSuffix(file, ".json") }

// TestLoadIsDeterministic loads what is wrong in many ways many times.
func TestLoadIsDeterministic(t *testing.T) {
	var source strings.Builder
	for _, file := range corpus(t, "bad") {
		if !isJSON(file) && !strings.Contains(file, "syntax") && !strings.Contains(file, "hidden") {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(content)
		}
	}
	dir := write(t, map[string]string{"test.hcl": source.String()})
	_, first := config.Load([]string{dir}, testOptions(t))
	for range 5 {
		_, again := config.Load([]string{dir}, testOptions(t))
		if diff := cmp.Diff(text(t, first), text(t, again)); diff != "" {
			t.Fatalf("(-first +again):\n%s", diff)
		}
	}
}
