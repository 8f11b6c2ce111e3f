// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed pom.xml
var pom string

//go:embed log4j2.properties
var logging string

// distribution is one version of Kafka in the cache, ready to run.
type distribution struct {
	dir       string
	classpath string
	archive   string
}

// obtain finds version in the cache, downloading it and building its class
// archive if it is not there. Processes that want the same wait for each other.
func obtain(ctx context.Context, version string) (*distribution, error) {
	return cached(ctx, "kafka", pom, version, (*distribution).ensureArchive)
}

// cached finds the jars of a Maven project in the cache, or puts them there,
// and prepares what else is needed.
func cached(ctx context.Context, name, pom, version string, prepare func(*distribution, context.Context) error) (*distribution, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Minute, errors.New("no jars after 10 minutes"))
	defer cancel()
	content := sha256.Sum256([]byte(pom + logging))
	dir := filepath.Join(cache, fmt.Sprintf("%s-%s-%x", name, version, content[:4]))
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if _, err := os.Stat(dir); err != nil {
		if err := download(ctx, pom, version, dir); err != nil {
			return nil, fmt.Errorf("downloading %s %s: %w", name, version, err)
		}
	}
	jars, err := filepath.Glob(filepath.Join(dir, "jars", "*.jar"))
	if err != nil || len(jars) == 0 {
		return nil, fmt.Errorf("no jars in %s: remove it", dir)
	}
	// The class archive is bound to the order of the jars; Glob sorts.
	d := &distribution{dir: dir, classpath: strings.Join(jars, string(os.PathListSeparator))}
	if err := prepare(d, ctx); err != nil {
		return nil, fmt.Errorf("preparing %s %s: %w", name, version, err)
	}
	return d, nil
}

// download fills dir, which comes into being complete or not at all.
func download(ctx context.Context, pom, version, dir string) error {
	part := dir + ".part"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	if err := os.MkdirAll(part, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{"pom.xml": pom, "log4j2.properties": logging} {
		if err := os.WriteFile(filepath.Join(part, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("tests with real brokers need Apache Maven once: %w", err)
	}
	cmd := exec.CommandContext(
		ctx, mvn, "-q", "-B", "dependency:copy-dependencies",
		"-Dkafka.version="+version, "-DoutputDirectory="+filepath.Join(part, "jars"),
	)
	cmd.Dir = part
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running mvn: %w\n%s", err, out)
	}
	return os.Rename(part, dir)
}
