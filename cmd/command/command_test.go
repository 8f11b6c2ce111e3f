// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/sdk"
)

func TestExitCode(t *testing.T) {
	broken := errors.New("broken")
	unreachable := fmt.Errorf("pipeline dr: %w", &sdk.EnvironmentError{Cluster: "east", Err: broken})
	tests := []struct {
		name string
		err  error
		want ExitCode
	}{
		{"nothing", nil, OK},
		{"while running", broken, RunTime},
		{"usage", usageError{broken}, Usage},
		{"environment", unreachable, Environment},
		{"told already", toldError{Usage, broken}, Usage},
		{"all unreachable", errors.Join(unreachable, unreachable), Environment},
		{"one unreachable, one broken", errors.Join(unreachable, broken), RunTime},
		{"the other way round", errors.Join(broken, unreachable), RunTime},
		{"joined deeper", errors.Join(errors.Join(unreachable, nil), nil), Environment},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := exitCode(tt.err); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
	for i, e := range ExitCodes() {
		if int(e.Code) != i || e.Meaning == "" {
			t.Errorf("the table of exit codes has a hole at %d", i)
		}
	}
}

func TestDoubleDashed(t *testing.T) {
	got := doubleDashed([]string{"run", "-var", "a=b", "-var=c=d", "-var-file", "x", "-var-file=y", "-variable", "-q", "--var", "e=f", "--", "-var"})
	want := []string{"run", "--var", "a=b", "--var=c=d", "--var-file", "x", "--var-file=y", "-variable", "-q", "--var", "e=f", "--", "-var"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestChoose(t *testing.T) {
	all := []*config.Pipeline{{Name: "dr"}, {Name: "central.eu"}, {Name: "central.us"}}
	tests := []struct {
		name, pick, want, err string
	}{
		{"all", "", "dr central.eu central.us", ""},
		{"some, in the order of the file", "central.us dr", "dr central.us", ""},
		{"a slip", "centrl.eu", "", `did you mean "central.eu"?`},
		{"nothing like it", "orders", "", `there are ["dr" "central.eu" "central.us"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			chosen, err := choose(all, strings.Fields(tt.pick))
			var names []string
			for _, p := range chosen {
				names = append(names, p.Name)
			}
			if got := strings.Join(names, " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q in it", err, tt.err)
			}
		})
	}
}

// TestNoCommandOfCobras: what is not in the table of commands is not there.
func TestNoCommandOfCobras(t *testing.T) {
	code, out, _ := execute(t, "completion", "bash", "extra")
	if code != Usage || out != "" {
		t.Errorf("exit code %d, output %q", code, out)
	}
	if code, out, _ := execute(t, "--help"); code != OK || strings.Contains(out, "Additional help topics") {
		t.Errorf("exit code %d, output %q", code, out)
	}
}
