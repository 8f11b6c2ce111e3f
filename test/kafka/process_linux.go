// SPDX-License-Identifier: Apache-2.0

package kafka

import "syscall"

// bound keeps a terminal's Ctrl-C away from the child and ends it with its
// parent.
func bound() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
