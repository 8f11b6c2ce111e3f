// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package kafka

import "syscall"

// bound leaves the child in the group of its parent: the system has no
// parent-death signal, so Ctrl-C has to reach both.
func bound() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{}
}
