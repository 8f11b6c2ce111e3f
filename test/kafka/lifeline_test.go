// SPDX-License-Identifier: Apache-2.0

package kafka_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klamm-io/klamm/test/kafka"
)

// orphanEnv makes TestOrphan the process that TestBrokersDieWithTheirTest
// kills.
const orphanEnv = "KLAMM_TEST_ORPHAN"

func TestOrphan(t *testing.T) {
	if os.Getenv(orphanEnv) == "" {
		return // it is the child of another test
	}
	c := kafka.Start(t, kafka.Config{})
	if _, err := os.Stdout.WriteString("bootstrap " + c.Bootstrap()[0] + "\n"); err != nil {
		t.Fatal(err)
	}
	<-bounded(t).Done()
}

func TestBrokersDieWithTheirTest(t *testing.T) {
	kafka.Clusters(t) // skips where brokers are not wanted
	ctx := bounded(t)
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestOrphan$")
	child.Env = append(os.Environ(), orphanEnv+"=1", "TMPDIR="+t.TempDir())
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	address := ""
	for lines := bufio.NewScanner(out); address == "" && lines.Scan(); {
		_, address, _ = strings.Cut(lines.Text(), "bootstrap ")
	}
	if address == "" {
		t.Fatalf("the child told no address: %v", child.Wait())
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	awaitRefused(ctx, t, address)
}

func awaitRefused(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			_ = conn.Close()
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the broker still listens at %s", address)
		case <-tick.C:
		}
	}
}
