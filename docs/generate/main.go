// SPDX-License-Identifier: Apache-2.0

// Generate writes the reference in docs/reference from the code: from the
// schemas of blocks and plugins, the commands, the metrics and the routes. Run
// it at the root of the repository: go run ./docs/generate
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := write("docs/reference"); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	pages, err := reference()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// reference returns the pages by the names of their files.
func reference() (map[string]string, error) {
	language, err := languagePage()
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"language.md":  language,
		"functions.md": functionsPage(),
		"commands.md":  commandsPage(),
		"metrics.md":   metricsPage(),
		"http.md":      httpPage(),
	}, nil
}
