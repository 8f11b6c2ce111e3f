// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// inEmptyRoot makes a command whose root and working directory are the
// program's own directory. Where the kernel does not allow that, it is only the
// working directory.
func inEmptyRoot(t *testing.T, program string, args []string) *exec.Cmd {
	t.Helper()
	confined := func(args []string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "/"+filepath.Base(program), args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Chroot:      filepath.Dir(program),
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		cmd.Dir = "/"
		return cmd
	}
	probe := confined([]string{"version"})
	if err := probe.Start(); err != nil {
		t.Logf("no root of its own for it: %v", err)
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = filepath.Dir(program)
		return cmd
	}
	if err := probe.Wait(); err != nil {
		t.Fatalf("in an empty root: %v", err)
	}
	return confined(args)
}
