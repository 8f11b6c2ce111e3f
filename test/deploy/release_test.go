// SPDX-License-Identifier: Apache-2.0

// Package deploy holds what deploy/ promises, without a container engine, a
// cluster or systemd: that a release is reproducible and runs in an empty root,
// and that the files fit the binary, the documents and each other.
package deploy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// root is the repository as seen from this package.
const root = "../.."

const (
	releaseVersion = "v0.1.0-rc.1"
	releaseCommit  = "0123456789abcdef0123456789abcdef01234567"
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// release runs `make release` for one platform and returns what it wrote, by
// name. The shell line runs before it, as do variables.
func release(t *testing.T, before string, env ...string) map[string][]byte {
	t.Helper()
	dist := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", before+` && exec make --no-print-directory release "$@"`, "sh",
		"VERSION="+releaseVersion, "COMMIT="+releaseCommit, "PLATFORMS=linux/"+runtime.GOARCH, "DIST="+dist)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make release: %v\n%s", err, out)
	}
	files := map[string][]byte{}
	entries, err := os.ReadDir(dist)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dist, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestRelease builds a release twice, in surroundings that differ.
func TestRelease(t *testing.T) {
	first := release(t, "umask 022")
	second := release(t, "umask 077", "TZ=Asia/Tokyo", "LC_ALL=C", "GOOS=plan9", "GOAMD64=v3", "GOARM64=v9.0")
	archive := fmt.Sprintf("klamm_%s_linux_%s.tar.gz", releaseVersion[1:], runtime.GOARCH)
	want := fmt.Sprintf("%x  %s\n", sha256.Sum256(first[archive]), archive)
	if got := string(first["SHA256SUMS"]); got != want || len(first) != 2 {
		t.Errorf("SHA256SUMS is\n%sof %d files, want\n%s", got, len(first), want)
	}
	for name := range first {
		if !bytes.Equal(first[name], second[name]) {
			t.Errorf("%s differs between two builds", name)
		}
	}
	files := unpack(t, first[archive], archive)
	checkContent(t, files)
	dir := t.TempDir()
	program := filepath.Join(dir, "klamm")
	if err := os.WriteFile(program, files["klamm"], 0o700); err != nil {
		t.Fatal(err)
	}
	t.Run("static", func(t *testing.T) { checkStatic(t, program) })
	if runtime.GOOS != "linux" {
		return // only Linux can run what was built
	}
	t.Run("version", func(t *testing.T) {
		out := alone(t, program, "version")
		if want := "klamm " + releaseVersion + " commit " + releaseCommit + " "; !strings.HasPrefix(out, want) {
			t.Errorf("version prints %q, want %q", out, want)
		}
		out = alone(t, program, "version", "--json")
		if !strings.Contains(out, `"version": "`+releaseVersion+`"`) || !strings.Contains(out, `"commit": "`+releaseCommit+`"`) {
			t.Errorf("version --json prints %s", out)
		}
	})
	t.Run("run", func(t *testing.T) {
		mountConfigMap(t, filepath.Join(dir, configDir))
		out := alone(t, program, "run", strings.TrimPrefix(configDir, "/"), "--listen", "127.0.0.1:0")
		if !strings.HasPrefix(out, "dr: done") {
			t.Errorf("run prints %q", out)
		}
	})
}

// checkContent: the archive holds what the repository holds, and nothing that
// tells where it was built.
func checkContent(t *testing.T, files map[string][]byte) {
	t.Helper()
	for _, name := range []string{"LICENSE", "NOTICE", "README.md", "deploy/klamm.service", "deploy/kubernetes.yaml"} {
		if string(files[name]) != read(t, name) {
			t.Errorf("%s in the archive is not that of the repository", name)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if got := string(files["completions/klamm."+shell]); got == "" || got != completion(t, shell) {
			t.Errorf("the archive's completions for %s are not klamm's:\n%s", shell, got)
		}
	}
	if here, err := filepath.Abs(root); err != nil || bytes.Contains(files["klamm"], []byte(here+"/")) {
		t.Errorf("the binary depends on where it was built (%v)", err)
	}
}

// mountConfigMap writes a file the way Kubernetes shows a ConfigMap: by two
// links, the first of which moves when the ConfigMap changes.
func mountConfigMap(t *testing.T, dir string) {
	t.Helper()
	const bounded = `
cluster "east" { embedded = true }
cluster "west" { embedded = true }
mirror "dr" {
  from   = cluster.east
  to     = cluster.west
  topics = ["*"]
  until  = "latest"
}
`
	version := "..2026_11_23_08_00_00.1"
	if err := errors.Join(
		os.MkdirAll(filepath.Join(dir, version), 0o700),
		os.WriteFile(filepath.Join(dir, version, "dr.hcl"), []byte(bounded), 0o600),
		os.Symlink(version, filepath.Join(dir, "..data")),
		os.Symlink(filepath.Join("..data", "dr.hcl"), filepath.Join(dir, "dr.hcl")),
	); err != nil {
		t.Fatal(err)
	}
}

// unpack returns the files of an archive, without the directory they are in.
func unpack(t *testing.T, archive []byte, name string) map[string][]byte {
	t.Helper()
	zipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	var names []string
	for r := tar.NewReader(zipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		inside, ok := strings.CutPrefix(h.Name, strings.TrimSuffix(name, ".tar.gz")+"/")
		if !ok || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" {
			t.Errorf("%s belongs to %d:%d (%s:%s)", h.Name, h.Uid, h.Gid, h.Uname, h.Gname)
		}
		mode := int64(0o644)
		if h.Typeflag == tar.TypeDir || inside == "klamm" {
			mode = 0o755
		}
		if h.Mode != mode {
			t.Errorf("%s has mode %o, want %o", h.Name, h.Mode, mode)
		}
		names = append(names, h.Name)
		if files[inside], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("the archive is not sorted: %q", names)
	}
	return files
}

// checkStatic: neither an interpreter nor a library is needed.
func checkStatic(t *testing.T, program string) {
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary needs a dynamic linker")
		}
	}
	if libraries, err := f.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("the binary needs %q", libraries)
	}
}

// alone runs the binary with nothing around it: no environment, and no file but
// those beside it.
func alone(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := inEmptyRoot(t, program, args)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &stdout, &stderr, []string{}
	if err := cmd.Run(); err != nil {
		t.Fatalf("klamm %s: %v\n%s%s", strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

func TestReleaseRefusesVersions(t *testing.T) {
	tests := []string{"", "0.1.0", "v0.1", "v0.1.0.0", "v01.0.0", "v0.1.0-", "v0.1.0-01", "v0.1.0-rc..1", "v0.1.0+build", "latest", "v0.1.0 x"}
	for _, version := range tests {
		t.Run(version, func(t *testing.T) {
			dist := filepath.Join(t.TempDir(), "dist")
			cmd := exec.CommandContext(t.Context(), "make", "--no-print-directory", "release", "VERSION="+version, "DIST="+dist)
			cmd.Dir = root
			out, err := cmd.CombinedOutput()
			if _, failed := errors.AsType[*exec.ExitError](err); !failed {
				t.Fatalf("ended with %v\n%s", err, out)
			}
			if want := "VERSION is '" + version + "'; say which one it is: make release VERSION=v1.2.3"; !strings.Contains(string(out), want) {
				t.Errorf("got\n%swant\n%s", out, want)
			}
			if _, err := os.Stat(dist); err == nil {
				t.Error("something was written")
			}
		})
	}
}
