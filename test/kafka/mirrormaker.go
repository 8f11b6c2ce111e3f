// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	_ "embed"
	"fmt"
	"os/exec"
	"strings"
)

//go:embed mirrormaker.xml
var mirrorMakerPOM string

// MirrorMaker is the command that runs MirrorMaker 2 of [DefaultVersion] as
// one process of its own (dedicated mode) with the given file of properties,
// and with the heap and the collector that Kafka's start script gives it. It
// dies with the thread that starts it; the caller locks that one.
func MirrorMaker(ctx context.Context, properties string) (*exec.Cmd, error) {
	dist, err := cached(ctx, "mirrormaker", mirrorMakerPOM, DefaultVersion, func(*distribution, context.Context) error { return nil })
	if err != nil {
		return nil, err
	}
	java, err := javaBinary()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(
		ctx, java, "-Xms256M", "-Xmx2G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
		"-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true",
		"-Dlog4j2.configurationFile="+dist.loggingFile(), "-cp", dist.classpath,
		"org.apache.kafka.connect.mirror.MirrorMaker", properties,
	)
	cmd.SysProcAttr = bound()
	return cmd, nil
}

// JavaVersion is the first line of what Java tells about itself.
func JavaVersion() (string, error) {
	java, err := javaBinary()
	if err != nil {
		return "", err
	}
	out, err := exec.Command(java, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("asking Java for its version: %w", err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line, nil
}
