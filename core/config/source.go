// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

const (
	maxFile  = 1 << 20
	maxTotal = 16 << 20
)

// source is one file's text, or that of a value from outside the files.
type source struct {
	name string
	dir  string // what file() is relative to
	text []byte
	// secretLines are the lines that hold a secret literal, by number.
	secretLines map[int]bool
	// openString is set if a quotation mark is missing: all that follows is
	// then read the wrong way round.
	openString bool
	// file is what was parsed; nil if something is wrong with it.
	file *hcl.File
	// escaped are the JSON strings with escapes: see [source.real].
	escaped []hcl.Range
}

// readSources reads the files named by paths; each file counts once.
func (l *loader) readSources(paths []string) []*source {
	if len(paths) == 0 {
		l.errorf(nil, "No files", "Name a pipeline file, or a directory that holds some.")
	}
	var sources []*source
	seen := map[string]bool{}
	total := 0
	for _, name := range l.listFiles(paths) {
		if abs, err := filepath.Abs(name); err == nil {
			if seen[abs] {
				continue
			}
			seen[abs] = true
		}
		text, err := readFile(name)
		if err != nil {
			l.errorf(nil, "Cannot read file", "%s", sentence(err.Error()))
			continue
		}
		if total += len(text); total > maxTotal {
			l.errorf(nil, "Configuration too large", "The files together are larger than 16 MiB.")
			return nil
		}
		sources = append(sources, &source{name: name, dir: filepath.Dir(name), text: text})
	}
	return sources
}

// listFiles replaces directories by the *.hcl and *.hcl.json files in them.
func (l *loader) listFiles(paths []string) []string {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			l.errorf(nil, "No such file", "There is no file or directory %q.", path)
		case err != nil:
			l.errorf(nil, "Cannot read file", "%s", sentence(err.Error()))
		case info.IsDir():
			files = append(files, l.listDirectory(path)...)
		default:
			files = append(files, path)
		}
	}
	return files
}

func (l *loader) listDirectory(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.errorf(nil, "Cannot read directory", "%s", sentence(err.Error()))
		return nil
	}
	var files []string
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		switch {
		case e.IsDir() || strings.HasPrefix(e.Name(), "."):
		case strings.HasSuffix(name, ".hcl"), strings.HasSuffix(name, ".hcl.json"):
			files = append(files, name)
		}
	}
	if len(files) == 0 {
		l.errorf(nil, "Empty directory", "There is no *.hcl or *.hcl.json file in %q.", dir)
	}
	return files
}

// readFile reads a regular file of at most 1 MiB.
func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s is larger than 1 MiB", name)
	}
	return text, nil
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
