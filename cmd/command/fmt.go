// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/plugin"
)

type fmtFlags struct{ check, diff, recursive, write bool }

func (p *Program) fmtCommand() *cobra.Command {
	var f fmtFlags
	cmd := &cobra.Command{
		Use:   "fmt [PATH...]",
		Short: "Rewrites files in their canonical form",
		Long: `Rewrites the *.hcl files that are given, or that stand in the given directories, in their
canonical form, and prints the names of those it changed. A PATH of - formats standard
input onto standard output. Nothing but spaces is changed; *.hcl.json files are left alone.`,
		RunE: func(cmd *cobra.Command, paths []string) error { return p.format(cmd.InOrStdin(), paths, f) },
	}
	cmd.Flags().BoolVar(&f.check, "check", false, "write nothing; end with exit code 4 if a file is not in its canonical form")
	cmd.Flags().BoolVar(&f.diff, "diff", false, "print what changes, as a unified diff")
	cmd.Flags().BoolVar(&f.recursive, "recursive", false, "look into directories within directories too")
	cmd.Flags().BoolVar(&f.write, "write", true, "write the files")
	return cmd
}

// formatter is one run of `klamm fmt`.
type formatter struct {
	fmtFlags
	program *Program
	catalog *plugin.Catalog
	changed int
	failed  error
}

func (p *Program) format(stdin io.Reader, paths []string, f fmtFlags) error {
	c, err := p.catalog()
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	run := formatter{fmtFlags: f, program: p, catalog: c}
	if len(paths) == 1 && paths[0] == "-" {
		err = run.stream(stdin)
	} else {
		err = run.files(paths)
	}
	switch {
	case err != nil:
		return err
	case run.failed != nil:
		return run.failed
	case f.check && run.changed > 0:
		return toldError{Gate, fmt.Errorf("%s not formatted", plural(run.changed, "file"))}
	}
	return nil
}

// stream formats standard input; with --check it only tells.
func (f *formatter) stream(stdin io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(stdin, maxInput))
	if err != nil {
		return err
	}
	formatted, ok, err := f.formatted("<stdin>", text)
	if err != nil || !ok {
		return err
	}
	if !bytes.Equal(text, formatted) {
		f.changed++
	}
	switch {
	case f.diff:
		return f.printDiff("<stdin>", text, formatted)
	case f.check:
		return nil
	}
	_, err = f.program.Stdout.Write(formatted)
	return err
}

// maxInput is more than a file may have, which is then said.
const maxInput = 2 << 20

func (f *formatter) files(paths []string) error {
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case path == "-":
			return usageError{errors.New("- stands for standard input and takes no other PATH beside it")}
		case errors.Is(err, fs.ErrNotExist):
			return usageError{fmt.Errorf("there is no file or directory %q", path)}
		case err != nil:
			return usageError{err}
		case info.IsDir():
			err = f.directory(path)
		case strings.HasSuffix(path, ".json"):
			fmt.Fprintf(f.program.Stderr, "klamm: %s is left alone: JSON files have no canonical form here\n", path)
		default:
			err = f.file(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *formatter) directory(dir string) error {
	root := dir + string(filepath.Separator) // follows a symbolic link
	return filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return usageError{err}
		case path == root:
			return nil
		case strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			if !f.recursive {
				return fs.SkipDir
			}
			return nil
		case !strings.HasSuffix(path, ".hcl"):
			return nil
		}
		return f.file(path)
	})
}

// file formats one file. What does not parse is told, and the others go on.
func (f *formatter) file(path string) error {
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxInput) {
		err = fmt.Errorf("%s is not a regular file of at most %d bytes", path, maxInput)
	}
	if err != nil {
		return f.passOver(Usage, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return f.passOver(Usage, err)
	}
	formatted, ok, err := f.formatted(path, text)
	if err != nil || !ok || bytes.Equal(text, formatted) {
		return err
	}
	f.changed++
	if _, err := fmt.Fprintln(f.program.Stdout, path); err != nil {
		return err
	}
	if f.diff {
		if err := f.printDiff(path, text, formatted); err != nil {
			return err
		}
	}
	if f.check || !f.write {
		return nil
	}
	if err := replaceFile(path, formatted); err != nil {
		return f.passOver(RunTime, fmt.Errorf("%s is left as it was: %w", path, err))
	}
	return nil
}

// passOver tells of a file that cannot be formatted; the others still are.
func (f *formatter) passOver(code ExitCode, err error) error {
	f.failed = toldError{code, err}
	_, failed := fmt.Fprintf(f.program.Stderr, "klamm: %v\n", err)
	return failed
}

// formatted returns false for a text that does not parse.
func (f *formatter) formatted(name string, text []byte) ([]byte, bool, error) {
	formatted, diags := config.Format(name, text, f.catalog)
	if !diags.HasErrors() {
		return formatted, true, nil
	}
	f.failed = toldError{Usage, diags}
	p := f.program
	return nil, false, config.WriteDiagnostics(p.Stderr, diags, p.screen(p.Stderr) != nil && p.colour())
}

func (f *formatter) printDiff(name string, before, after []byte) error {
	return difflib.WriteUnifiedDiff(f.program.Stdout, difflib.UnifiedDiff{
		A: diffLines(before), B: diffLines(after),
		FromFile: "old/" + name, ToFile: "new/" + name, Context: 3,
	})
}

// diffLines are the lines of a text as a unified diff has them.
func diffLines(text []byte) []string {
	lines := slices.Collect(strings.Lines(string(text)))
	if n := len(lines); n > 0 && !strings.HasSuffix(lines[n-1], "\n") {
		lines[n-1] += "\n\\ No newline at end of file\n"
	}
	return lines
}

// replaceFile writes a file anew in one step, so that nobody reads a half. It
// keeps the mode, and what a symbolic link leads to is what is replaced.
func replaceFile(path string, text []byte) (err error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(target), ".klamm-fmt-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	_, err = temp.Write(text)
	err = errors.Join(err, temp.Chmod(info.Mode().Perm()), temp.Sync(), temp.Close())
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), target)
}
