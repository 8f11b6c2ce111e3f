// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// workspace is the directory for what the shared brokers of this process
// write. It is locked as long as the process lives, so that the next run can
// tell what a killed one left behind.
type workspace struct {
	dir    string
	unlock func()
}

func newWorkspace(ctx context.Context) (*workspace, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	runs := filepath.Join(cache, "runs")
	unlock, err := lock(ctx, filepath.Join(runs, "lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	sweep(runs)
	dir, err := os.MkdirTemp(runs, "run-")
	if err != nil {
		return nil, fmt.Errorf("creating a directory for brokers: %w", err)
	}
	own, err := tryLock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("locking the directory for brokers: %w", err)
	}
	return &workspace{dir: dir, unlock: own}, nil
}

// sweep removes the directories in runs whose process is gone.
func sweep(runs string) {
	left, _ := filepath.Glob(filepath.Join(runs, "run-*"))
	for _, dir := range left {
		unlock, err := tryLock(filepath.Join(dir, "lock"))
		if err != nil {
			continue
		}
		_ = os.RemoveAll(dir)
		unlock()
	}
}

func (w *workspace) remove() error {
	err := os.RemoveAll(w.dir)
	w.unlock()
	return err
}

// cacheDir is where jars, archives and the data of shared brokers are kept.
func cacheDir() (string, error) {
	if dir := os.Getenv("KLAMM_TEST_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", errors.Join(errors.New("no cache directory: set KLAMM_TEST_CACHE"), err)
	}
	return filepath.Join(dir, "klamm-test"), nil
}
