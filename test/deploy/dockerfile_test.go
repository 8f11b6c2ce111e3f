// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instruction is one line of the Dockerfile, in its stage.
type instruction struct {
	stage      int
	name, rest string
}

// dockerfile reads deploy/Dockerfile. It knows what that file uses and refuses
// the rest: no continued lines, no heredocs.
func dockerfile(t *testing.T) []instruction {
	t.Helper()
	known := []string{"FROM", "WORKDIR", "ARG", "COPY", "RUN", "LABEL", "USER", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
	var all []instruction
	stage := -1
	for i, line := range strings.Split(read(t, "deploy/Dockerfile"), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		if name == "FROM" {
			stage++
		}
		if !slices.Contains(known, name) || rest == "" || strings.HasSuffix(rest, `\`) || strings.Contains(rest, "<<") || stage < 0 {
			t.Fatalf("deploy/Dockerfile:%d: %q is nothing this test reads", i+1, line)
		}
		all = append(all, instruction{stage, name, rest})
	}
	return all
}

// only returns the argument of an instruction that a stage has once.
func only(t *testing.T, all []instruction, stage int, name string) string {
	t.Helper()
	var found []string
	for _, in := range all {
		if in.stage == stage && in.name == name {
			found = append(found, in.rest)
		}
	}
	if len(found) != 1 {
		t.Fatalf("stage %d has %d times %s", stage, len(found), name)
	}
	return found[0]
}

func TestImage(t *testing.T) {
	all := dockerfile(t)
	toolchain := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))[1]
	if got, want := only(t, all, 0, "FROM"), "--platform=$BUILDPLATFORM golang:"+toolchain+" AS build"; got != want {
		t.Errorf("it is built FROM %s, want %s", got, want)
	}
	if got := only(t, all, 1, "FROM"); got != "scratch" {
		t.Errorf("the image is FROM %s", got)
	}
	if got := only(t, all, 1, "USER"); !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(got) {
		t.Errorf("USER is %s; runAsNonRoot wants a number other than 0", got)
	}
	if got := only(t, all, 1, "STOPSIGNAL"); got != "SIGTERM" {
		t.Errorf("STOPSIGNAL is %s", got)
	}
	var entry, args []string
	for name, list := range map[string]*[]string{"ENTRYPOINT": &entry, "CMD": &args} {
		if err := json.Unmarshal([]byte(only(t, all, 1, name)), list); err != nil {
			t.Errorf("%s: %v; without a shell it has to be a JSON array", name, err)
		}
	}
	if !slices.Equal(entry, []string{"/klamm"}) {
		t.Errorf("ENTRYPOINT is %q", entry)
	}
	if port, exposed := checkRun(t, args), only(t, all, 1, "EXPOSE"); port != exposed {
		t.Errorf("EXPOSE %s, and it listens on %s", exposed, port)
	}
}

// TestImageBuild: `make build` is the only way to build; the variables it is
// given exist, and what it writes is what the image gets.
func TestImageBuild(t *testing.T) {
	all := dockerfile(t)
	build := ""
	for _, in := range all {
		if in.name == "RUN" && in.rest != "go mod download" {
			if build != "" || in.stage != 0 {
				t.Errorf("RUN %s: nothing but make build is run", in.rest)
			}
			build = in.rest
		}
	}
	variables, ok := strings.CutPrefix(build, "GOOS=$TARGETOS GOARCH=$TARGETARCH make build ")
	if !ok {
		t.Fatalf("it is built with %q", build)
	}
	values := map[string]string{}
	for _, assignment := range strings.Fields(variables) {
		name, value, _ := strings.Cut(assignment, "=")
		values[name] = value
		if !regexp.MustCompile(`(?m)^`+name+` *\?=`).MatchString(read(t, "Makefile")) || !strings.Contains(read(t, "Makefile"), "$("+name+")") {
			t.Errorf("the Makefile has no variable %s", name)
		}
	}
	if values["VERSION"] != "$VERSION" || values["COMMIT"] != "$COMMIT" {
		t.Errorf("version and commit are not handed on: %q", build)
	}
	for _, arg := range []string{"VERSION", "COMMIT", "TARGETOS", "TARGETARCH"} {
		if !slices.Contains(all, instruction{0, "ARG", arg}) {
			t.Errorf("ARG %s is not declared where it is used", arg)
		}
	}
	if want := (instruction{1, "COPY", "--from=build " + values["BIN"] + " /klamm"}); !slices.Contains(all, want) {
		t.Errorf("the image does not get %s", values["BIN"])
	}
}

// TestImageSources: what is copied exists and reaches the builder, and it is
// all that the binary is made of.
func TestImageSources(t *testing.T) {
	var copied []string
	for _, in := range dockerfile(t) {
		fields := strings.Fields(in.rest)
		if in.name != "COPY" || strings.HasPrefix(fields[0], "--from=") {
			continue
		}
		for _, source := range fields[:len(fields)-1] {
			if _, err := os.Stat(filepath.Join(root, source)); err != nil {
				t.Errorf("COPY %s: %v", in.rest, err)
			}
			if ignored(t, source) {
				t.Errorf("COPY %s: .dockerignore leaves %s out", in.rest, source)
			}
			if in.stage == 0 {
				copied = append(copied, source)
			}
		}
	}
	needed := append(moduleFiles(t), "go.mod", "go.sum", "Makefile")
	for _, file := range needed {
		if top, _, _ := strings.Cut(file, "/"); !slices.Contains(copied, top) || ignored(t, file) {
			t.Errorf("%s is not copied, or .dockerignore leaves it out", file)
		}
	}
	for _, file := range []string{".git/config", "cmd/klamm/main_test.go", "bin/klamm", "dist/klamm.tar.gz", "env", "test/kafka/doc.go", "core/config/testdata/a.hcl"} {
		if !ignored(t, file) {
			t.Errorf(".dockerignore lets %s into the image's build", file)
		}
	}
}

// moduleFiles are the repository's files that the binary is made of.
func moduleFiles(t *testing.T) []string {
	t.Helper()
	format := `{{if and .Module .Module.Main}}{{$d := .ImportPath}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{end}}`
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", format, "./cmd/klamm")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range strings.Fields(string(out)) {
		files = append(files, strings.TrimPrefix(f, "github.com/klamm-io/klamm/"))
	}
	if !slices.Contains(files, "cmd/klamm/main.go") {
		t.Fatalf("go list names %d files, and not main.go", len(files))
	}
	return files
}

// ignored says whether .dockerignore leaves a path out. The last pattern that
// matches it, or a directory it is in, decides.
func ignored(t *testing.T, file string) bool {
	t.Helper()
	out := false
	for line := range strings.Lines(read(t, ".dockerignore")) {
		pattern := strings.TrimSpace(line)
		if pattern == "" || strings.HasPrefix(pattern, "#") {
			continue
		}
		pattern, wanted := strings.CutPrefix(pattern, "!")
		for p := file; p != "."; p = path.Dir(p) {
			subject := p
			if strings.HasPrefix(pattern, "**/") {
				subject = "**/" + path.Base(p)
			}
			matched, err := path.Match(strings.ReplaceAll(pattern, "**", `\*\*`), subject)
			if err != nil {
				t.Fatal(err)
			}
			if matched {
				out = !wanted
			}
		}
	}
	return out
}
