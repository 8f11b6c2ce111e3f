// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lock takes the file lock at path, which excludes other processes too. The
// system frees it when the process dies.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("creating the directory of a lock: %w", err)
	}
	err = poll(ctx, 50*time.Millisecond, func(context.Context) (bool, error) {
		unlock, err = tryLock(path)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return false, fmt.Errorf("%s is held by another process", path)
		}
		return true, err
	})
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	return unlock, nil
}

// tryLock is lock without waiting; [syscall.EWOULDBLOCK] if it is taken.
func tryLock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}
