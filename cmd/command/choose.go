// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"slices"

	"github.com/agext/levenshtein"

	"github.com/klamm-io/klamm/core/config"
)

// choose picks pipelines by name, in the order of the files; no names are all.
func choose(all []*config.Pipeline, names []string) ([]*config.Pipeline, error) {
	if len(all) == 0 {
		return nil, usageError{fmt.Errorf("the files declare no pipeline")}
	}
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(p *config.Pipeline) bool { return p.Name == name }) {
			return nil, usageError{unknownPipeline(all, name)}
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(p *config.Pipeline) bool {
		return !slices.Contains(names, p.Name)
	}), nil
}

func unknownPipeline(all []*config.Pipeline, name string) error {
	nearest := slices.MinFunc(all, func(a, b *config.Pipeline) int {
		return levenshtein.Distance(a.Name, name, nil) - levenshtein.Distance(b.Name, name, nil)
	})
	if levenshtein.Distance(nearest.Name, name, nil) <= 2 {
		return fmt.Errorf("there is no pipeline %q; did you mean %q?", name, nearest.Name)
	}
	known := make([]string, len(all))
	for i, p := range all {
		known[i] = p.Name
	}
	return fmt.Errorf("there is no pipeline %q; there are %q", name, known)
}
