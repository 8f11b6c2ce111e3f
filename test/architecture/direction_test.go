// SPDX-License-Identifier: Apache-2.0

package architecture

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

type goPackage struct {
	ImportPath string
	Standard   bool
	// Imports are those of the package, the others those of its tests.
	Imports, TestImports, XTestImports []string
}

// list asks the go command about packages.
func list(t *testing.T, args ...string) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Standard,Imports,TestImports,XTestImports"}, args...)...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// area is the top-level directory of a package of ours, or "".
func area(importPath string) string {
	rest, ours := strings.CutPrefix(importPath, module+"/")
	if !ours {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// TestDirection: cmd → core → sdk ← plugins. Every package is looked at, so
// what holds for direct imports holds for indirect ones. Tests may use the test
// grounds besides.
func TestDirection(t *testing.T) {
	mayImport := map[string][]string{
		"sdk":     {"sdk"},
		"core":    {"core", "sdk"},
		"plugins": {"plugins", "sdk"},
		"cmd":     {"cmd", "core", "plugins", "sdk"},
		"docs":    {"cmd", "core", "plugins", "sdk", "docs"},
		"test":    {"cmd", "core", "plugins", "sdk", "test"},
	}
	for _, p := range list(t, "./...") {
		allowed, known := mayImport[area(p.ImportPath)]
		if !known {
			t.Errorf("%s: no rule says what may be imported there", p.ImportPath)
			continue
		}
		check := func(imports, allowed []string) {
			for _, i := range imports {
				if a := area(i); a != "" && !slices.Contains(allowed, a) {
					t.Errorf("%s imports %s; %s may import only %s", p.ImportPath, i, area(p.ImportPath), strings.Join(allowed, ", "))
				}
			}
		}
		check(p.Imports, allowed)
		check(slices.Concat(p.TestImports, p.XTestImports), append(slices.Clone(allowed), "test"))
	}
}

// TestContractStandsAlone: whoever writes a plugin takes on nothing else.
func TestContractStandsAlone(t *testing.T) {
	for _, p := range list(t, "-deps", "./sdk") {
		if !p.Standard && p.ImportPath != module+"/sdk" {
			t.Errorf("sdk depends on %s; it imports the standard library only", p.ImportPath)
		}
	}
}
