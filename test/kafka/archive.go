// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
)

// ensureArchive builds the class-data archive, which halves the time a broker
// takes to start. It is the dump of a broker that ran once, for one Java.
func (d *distribution) ensureArchive(ctx context.Context) error {
	java, err := javaFingerprint()
	if err != nil {
		return err
	}
	d.archive = filepath.Join(d.dir, "broker-"+java+".jsa")
	if _, err := os.Stat(d.archive); err == nil {
		return nil
	}
	dir, err := os.MkdirTemp(d.dir, "archive-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	dump := filepath.Join(dir, "broker.jsa")
	c, err := newCluster(d, dir, Config{Brokers: 1})
	if err != nil {
		return err
	}
	c.brokers[0].flags = []string{"-XX:ArchiveClassesAtExit=" + dump}
	if err := c.start(ctx); err != nil {
		return err
	}
	if err := c.brokers[0].stop(ctx); err != nil {
		return err
	}
	return os.Rename(dump, d.archive)
}

// javaFingerprint tells one installation of Java from another.
func javaFingerprint() (string, error) {
	bin, err := javaBinary()
	if err != nil {
		return "", err
	}
	path, err := filepath.EvalSymlinks(bin)
	if err != nil {
		return "", fmt.Errorf("finding Java: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("finding Java: %w", err)
	}
	sum := sha256.Sum256(fmt.Append(nil, path, info.Size(), info.ModTime().UnixNano()))
	return fmt.Sprintf("%x", sum[:4]), nil
}
