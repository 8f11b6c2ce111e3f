// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// java is the command that runs a main class of the distribution.
func (d *distribution) java(ctx context.Context, flags []string, class string, args ...string) (*exec.Cmd, error) {
	bin, err := javaBinary()
	if err != nil {
		return nil, err
	}
	line := append([]string{
		"-XX:+UseSerialGC",
		"-XX:TieredStopAtLevel=1",
		"-Djava.awt.headless=true",
		"-Dlog4j2.configurationFile=" + d.loggingFile(),
	}, flags...)
	line = append(line, "-cp", d.classpath, class)
	return exec.CommandContext(ctx, bin, append(line, args...)...), nil
}

func (d *distribution) loggingFile() string { return filepath.Join(d.dir, "log4j2.properties") }

// run runs a main class to its end and returns what it printed.
func (d *distribution) run(ctx context.Context, class string, args ...string) (string, error) {
	cmd, err := d.java(ctx, []string{"-Xmx128m", "-Xshare:auto", "-XX:SharedArchiveFile=" + d.archive}, class, args...)
	if err != nil {
		return "", err
	}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	p, err := launch(cmd)
	if err != nil {
		return "", err
	}
	<-p.exited
	if p.err != nil {
		return stdout.String(), fmt.Errorf("running %s: %w\n%s%s", class, p.err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

func javaBinary() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		return filepath.Join(home, "bin", "java"), nil
	}
	bin, err := exec.LookPath("java")
	if err != nil {
		return "", fmt.Errorf("tests with real brokers need a JDK 17 or newer: %w", err)
	}
	return bin, nil
}
