// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/core/config"
)

// variableFiles are the files of testdata/variables, which set what
// declarations.hcl there declares.
func variableFiles(t *testing.T, kind string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "variables", "*."+kind+".*"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, file := range files {
		if !strings.HasSuffix(file, ".txt") {
			all = append(all, file)
		}
	}
	if len(all) < 2 {
		t.Fatalf("only %d %s files", len(all), kind)
	}
	return all
}

var declarations = filepath.Join("testdata", "variables", "declarations.hcl")

func TestGoodVariableFiles(t *testing.T) {
	for _, file := range variableFiles(t, "good") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			opts := testOptions(t)
			opts.Vars = []config.Assignment{{File: file}}
			c, diags := config.Load([]string{declarations}, opts)
			if diags.HasErrors() {
				t.Fatal(text(t, diags))
			}
			want := []string{"t", "..dr..3.true...a...b.....a...1...b...2.....host...a...port..9092..tls..true..null."}
			if diff := cmp.Diff(want, c.Pipelines[0].Source.Config.(*kafkaSource).Topics); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := c.Clusters[0].SASL.Password.Reveal(); got != "x"+canary {
				t.Errorf("the password is %q", got)
			}
		})
	}
}

func TestBadVariableFiles(t *testing.T) {
	for _, file := range variableFiles(t, "bad") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			opts := testOptions(t)
			opts.Vars = []config.Assignment{{Var: "enabled=true"}, {File: file}}
			c, diags := config.Load([]string{declarations}, opts)
			if c != nil || !diags.HasErrors() {
				t.Fatal("it was accepted")
			}
			printed := text(t, diags)
			golden(t, file+".txt", []byte(printed))
			checkExpected(t, file, diags)
			if strings.Contains(printed, canary) {
				t.Errorf("a secret is shown:\n%s", printed)
			}
		})
	}
}

// TestVariablesWin checks which value wins over which.
func TestVariablesWin(t *testing.T) {
	dir := write(t, map[string]string{
		"test.hcl": `variable "x" { default = "default" }` + "\n" + mirrorWithPrefix("var.x") + twoClusters,
		"1.tfvars": `x = "1"`, "2.json": `{"x": "2"}`, "other.tfvars": "",
	})
	file := func(name string) config.Assignment { return config.Assignment{File: filepath.Join(dir, name)} }
	given := config.Assignment{Var: "x=v"}
	tests := []struct {
		name, env, want string
		vars            []config.Assignment
	}{
		{"default", "", "default", nil},
		{"environment over default", "env", "env", nil},
		{"file over environment", "env", "1", []config.Assignment{file("1.tfvars")}},
		{"later file", "env", "2", []config.Assignment{file("1.tfvars"), file("2.json")}},
		{"file that does not set it", "env", "1", []config.Assignment{file("1.tfvars"), file("other.tfvars")}},
		{"-var after a file", "", "v", []config.Assignment{file("1.tfvars"), given}},
		{"file after -var", "", "1", []config.Assignment{given, file("1.tfvars")}},
		{"a file twice", "", "1", []config.Assignment{file("1.tfvars"), given, file("1.tfvars")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opts := testOptions(t)
			opts.Vars = tt.vars
			opts.LookupEnv = func(name string) (string, bool) { return tt.env, tt.env != "" && name == "KLAMM_VAR_x" }
			c, diags := config.Load([]string{dir}, opts)
			if diags.HasErrors() {
				t.Fatal(text(t, diags))
			}
			if got := c.Pipelines[0].Transforms[0].Config.(*rename).Prefix; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	opts := testOptions(t)
	for name, want := range map[string]string{"none.tfvars": "Cannot read file", "test.hcl": "Cannot read file"} {
		opts.Vars = []config.Assignment{file(name)}
		if _, diags := config.Load([]string{dir}, opts); len(diags) != 1 || diags[0].Summary != want {
			t.Errorf("%s: %s", name, text(t, diags))
		}
	}
}
