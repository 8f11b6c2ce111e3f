// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package deploy

import (
	"os/exec"
	"path/filepath"
	"testing"
)

func inEmptyRoot(t *testing.T, program string, args []string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = filepath.Dir(program)
	return cmd
}
