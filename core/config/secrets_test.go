// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/sdk"
)

const canary = "hunter2-canary"

// secretFiles hold the canary in all the ways a file can hold a secret.
var secretFiles = []string{
	`
cluster "a" {
  brokers = ["a:1"]
  sasl "plain" {
    username = "u"
    password = "hunter2-canary"
  }
}
pipeline "p" {
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  sink "webhook" {
    url   = "http://x"
    token = <<-EOT
      hunter2-canary
    EOT
    auth "basic" { key = "hunter2-canary" }
  }
}
`, `
variable "token" {
  type      = string
  sensitive = true
  default   = "hunter2-canary"
  validation {
    condition     = length(var.token) > 3
    error_message = "Too short: ${var.token}."
  }
}
variable "more" {
  type      = map(string)
  sensitive = true
}
locals {
  kept = sensitive("hunter2-canary")
  made = "Bearer ${var.token}"
  all  = { token = local.made, other = var.more["x"] }
}
cluster "a" {
  brokers = ["a:1"]
  sasl "aws-msk-iam" {
    access_key    = "AKIA"
    secret_key    = local.all.token
    session_token = local.all.other
  }
  tls = true
}
pipeline "p" {
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  sink "webhook" {
    url   = "http://x"
    token = env("TOKEN")
  }
}
`,
}

func secretOptions(t testing.TB) config.Options {
	opts := testOptions(t)
	opts.Vars = assigned(`more={ x = "hunter2-canary" }`)
	opts.LookupEnv = func(name string) (string, bool) { return canary, name == "TOKEN" }
	return opts
}

// everything is whatever can be printed of a Load.
func everything(t testing.TB, dir, source string, opts config.Options) string {
	t.Helper()
	return everythingIn(t, filepath.Join(dir, "test.hcl"), source, opts)
}

func everythingIn(t testing.TB, file, source string, opts config.Options) string {
	t.Helper()
	put(t, file, source)
	c, diags := config.Load([]string{file}, opts)
	var b strings.Builder
	if err := config.WriteDiagnostics(&b, diags, true); err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(&b).Encode(config.Describe(diags)); err != nil {
		t.Fatal(err)
	}
	for _, d := range diags {
		fmt.Fprintf(&b, "%v %+v %#v %v", d, *d, *d, d.Extra)
	}
	if c == nil {
		return b.String()
	}
	if err := config.Expand(&b, c); err != nil {
		t.Fatal(err)
	}
	for _, cluster := range c.Clusters {
		fmt.Fprintf(&b, "%v %+v %#v %v %#v", *cluster, *cluster, *cluster, cluster.SASL, cluster.SASL)
	}
	for _, p := range c.Pipelines {
		fmt.Fprintf(&b, "%v %+v %#v %+v", *p, *p, *p, p.Sink.Config)
		if err := json.NewEncoder(&b).Encode([]sdk.Values{p.Source.Values, p.Sink.Values}); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

var insideWord = regexp.MustCompile(`\w\w`)

func TestSecretsReachTheirPlace(t *testing.T) {
	dir := write(t, map[string]string{"test.hcl": secretFiles[1]})
	c, diags := config.Load([]string{dir}, secretOptions(t))
	if diags.HasErrors() {
		t.Fatal(text(t, diags))
	}
	sasl := c.Clusters[0].SASL
	if sasl.SecretKey.Reveal() != "Bearer "+canary || sasl.SessionToken.Reveal() != canary {
		t.Error("the cluster's secrets are wrong")
	}
	if c.Pipelines[0].Sink.Config.(*webhook).Token.Reveal() != canary {
		t.Error("the sink's token is wrong")
	}
}

// TestSecretsAreNotPrinted breaks the files in every place and looks for the
// canary in whatever is printed.
func TestSecretsAreNotPrinted(t *testing.T) {
	opts, dir := secretOptions(t), t.TempDir()
	for i, source := range secretFiles {
		if strings.Contains(everything(t, dir, source, opts), canary) {
			t.Fatalf("file %d shows its secret", i)
		}
		for at := range len(source) {
			if at == 0 || strings.Contains(source[max(0, at-len(canary)):min(len(source), at+len(canary))], canary) {
				continue // the secret itself stays whole
			}
			variants := []string{source[:at], source[:at] + source[at+1:]}
			if !insideWord.MatchString(source[at-1 : at+1]) {
				for _, inserted := range []string{`"`, "{", "[]"} {
					variants = append(variants, source[:at]+inserted+source[at:])
				}
			}
			for _, broken := range variants {
				if out := everything(t, dir, broken, opts); strings.Contains(out, canary) {
					t.Fatalf("a secret is shown by:\n%s\nas:\n%s", broken, out)
				}
			}
		}
	}
}

// TestSensitiveIsRefusedWhereShown passes a sensitive value to attributes that
// are no secrets.
func TestSensitiveIsRefusedWhereShown(t *testing.T) {
	for _, attribute := range []string{
		`topics = [sensitive("hunter2-canary")]`,
		`topics = sensitive(["hunter2-canary"])`,
		`since = "${sensitive("hunter2-canary")}"`,
		`topics = ["a${sensitive("hunter2-canary") == "x" ? 1 : 2}"]`,
		`topics = split(",", sensitive("hunter2-canary"))`,
	} {
		t.Run(attribute, func(t *testing.T) {
			if !strings.HasPrefix(attribute, "topics") {
				attribute = "topics = [\"t\"]\n" + attribute
			}
			source := twoClusters + "mirror \"m\" {\n from = cluster.a\n to = cluster.b\n " + attribute + "\n}\n"
			out := everything(t, t.TempDir(), source, testOptions(t))
			if strings.Contains(out, canary) || !strings.Contains(out, "Sensitive value where it would be shown") {
				t.Error(out)
			}
		})
	}
}

// TestSecretsInValues gives secrets from outside that do not fit their type.
func TestSecretsInValues(t *testing.T) {
	for _, typ := range []string{"number", "bool", "list(string)", "map(number)", "object({ a = string })"} {
		for _, value := range []string{canary, `"` + canary, `{ a = ` + canary + ` }`, `[` + canary, `{ "` + canary + `" = 1 }`, `["` + canary + `"`} {
			opts := testOptions(t)
			opts.Vars = assigned("x=" + value)
			out := everything(t, t.TempDir(), "variable \"x\" {\n type = "+typ+"\n sensitive = true\n}\n", opts)
			if strings.Contains(out, canary) {
				t.Errorf("%s of type %s:\n%s", value, typ, out)
			}
		}
	}
}

// FuzzSecrets puts a secret into a file and looks for it in what is printed.
func FuzzSecrets(f *testing.F) {
	for _, source := range secretFiles {
		before, after, _ := strings.Cut(source, canary)
		f.Add(before, after)
	}
	f.Add("cluster \"a\" { password = ", "\n}")
	opts, dir := secretOptions(f), f.TempDir()
	f.Fuzz(func(t *testing.T, before, after string) {
		source := before + "\n  password = \"" + canary + "\"\n" + after
		if strings.Contains(before+after, canary[:4]) {
			return
		}
		if out := everything(t, dir, source, opts); strings.Contains(out, canary) {
			t.Fatalf("a secret is shown by:\n%s\nas:\n%s", source, out)
		}
	})
}

// FuzzSecretsInJSON does the same in JSON.
func FuzzSecretsInJSON(f *testing.F) {
	f.Add(`{"cluster": {"a": {"sasl": {"plain": {"username": "u",`, "}}}}}")
	f.Add(`{"cluster": {"a": {"password":`, "}}}")
	opts, dir := secretOptions(f), f.TempDir()
	f.Fuzz(func(t *testing.T, before, after string) {
		source := before + "\n  \"password\": \"" + canary + "\"\n" + after
		if strings.Contains(before+after, canary[:4]) {
			return
		}
		if out := everythingIn(t, filepath.Join(dir, "test.hcl.json"), source, opts); strings.Contains(out, canary) {
			t.Fatalf("a secret is shown by:\n%s\nas:\n%s", source, out)
		}
	})
}
