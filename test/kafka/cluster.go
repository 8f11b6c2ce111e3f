// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/klamm-io/klamm/test/link"
)

// Cluster is a running Kafka cluster: one of the two that all tests share, or
// a test's own. Its methods take the testing.TB of the test that calls them
// and fail it when the cluster does not do as asked.
type Cluster struct {
	config    Config
	authority *authority // nil without security
	addresses map[Listener][]string
	brokers   []*broker // none in a test's view of a shared cluster
}

// Start starts a cluster for one test and stops it when the test ends. It
// returns when the cluster takes requests.
func Start(t testing.TB, config Config) *Cluster {
	t.Helper()
	c, err := startIn(t.Context(), t.TempDir(), config)
	if err != nil {
		t.Fatalf("starting Kafka: %v", err)
	}
	t.Cleanup(func() {
		c.killAll()
		if t.Failed() {
			for _, b := range c.brokers {
				t.Logf("broker %d logged:\n%s", b.node, b.log().since(0))
			}
		}
	})
	return c
}

// startIn starts a cluster that keeps its data in dir.
func startIn(ctx context.Context, dir string, config Config) (*Cluster, error) {
	if config.Version == "" {
		config.Version = DefaultVersion
	}
	config.Brokers = max(config.Brokers, 1)
	dist, err := obtain(ctx, config.Version)
	if err != nil {
		return nil, err
	}
	c, err := newCluster(dist, dir, config)
	if err != nil {
		return nil, err
	}
	if err := c.start(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// newCluster lays out the brokers' directories and addresses.
func newCluster(dist *distribution, dir string, config Config) (*Cluster, error) {
	c := &Cluster{config: config, addresses: map[Listener][]string{}}
	ports, err := freePorts(config.Brokers*len(config.listeners()) + 1)
	if err != nil {
		return nil, err
	}
	address := func() string {
		port := ports[0]
		ports = ports[1:]
		return fmt.Sprintf("127.0.0.1:%d", port)
	}
	for node := 1; node <= config.Brokers; node++ {
		b := &broker{node: node, dist: dist, dir: filepath.Join(dir, fmt.Sprintf("broker-%d", node)), addresses: map[Listener]string{}}
		for _, l := range config.listeners() {
			b.addresses[l] = address()
		}
		c.brokers = append(c.brokers, b)
	}
	c.brokers[0].addresses[controller] = address()
	if config.Security != nil {
		if c.authority, err = newAuthority(dir); err != nil {
			return nil, fmt.Errorf("creating certificates: %w", err)
		}
	}
	return c, nil
}

// configure opens the links, and writes down what the brokers are to be.
func (c *Cluster) configure() error {
	for _, b := range c.brokers {
		if c.config.Link != nil {
			var err error
			if b.link, err = link.New(b.addresses[Proxied], link.Options{Delay: c.config.Link.Delay}); err != nil {
				return err
			}
		}
		for _, l := range c.config.listeners() {
			c.addresses[l] = append(c.addresses[l], b.advertised(l))
		}
		if err := os.MkdirAll(b.dir, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(b.propertiesFile(), []byte(c.properties(b)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// start formats and starts all brokers; on an error none is left running.
func (c *Cluster) start(ctx context.Context) error {
	if err := c.configure(); err != nil {
		c.killAll()
		return err
	}
	clusterID := newClusterID()
	var users map[string]string
	if c.config.Security != nil {
		users = c.config.Security.Users
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, b := range c.brokers {
		group.Go(func() error {
			if err := b.format(ctx, clusterID, users); err != nil {
				return err
			}
			if err := b.launch(); err != nil {
				return err
			}
			return b.awaitReady(ctx, len(c.brokers))
		})
	}
	if err := group.Wait(); err != nil {
		c.killAll()
		return err
	}
	return nil
}

// newClusterID is a random id as Kafka writes it. The first bit is clear, or
// some began with "-" and looked like an option.
func newClusterID() string {
	var id [16]byte
	_, _ = rand.Read(id[:])
	id[0] &= 0x7f
	return base64.RawURLEncoding.EncodeToString(id[:])
}

func (c *Cluster) killAll() {
	for _, b := range c.brokers {
		b.kill()
		if b.link != nil {
			_ = b.link.Close()
		}
	}
}

// Bootstrap is where clients of the PLAINTEXT listener start from: the
// address of every broker.
func (c *Cluster) Bootstrap() []string { return c.Addresses(Plaintext) }

// Addresses are where clients of one listener start from, by broker.
func (c *Cluster) Addresses(l Listener) []string { return c.addresses[l] }

// Links are those before the brokers, by broker; none unless the cluster was
// started with [Config.Link].
func (c *Cluster) Links() []*link.Link {
	var links []*link.Link
	for _, b := range c.brokers {
		if b.link != nil {
			links = append(links, b.link)
		}
	}
	return links
}

// Identity issues a client certificate for the principal User:name.
func (c *Cluster) Identity(t testing.TB, name string) Identity {
	t.Helper()
	if c.authority == nil {
		t.Fatal("the cluster was started without security")
	}
	identity, err := c.authority.identity(name)
	if err != nil {
		t.Fatalf("issuing a certificate for %s: %v", name, err)
	}
	return identity
}

// Kill ends a broker as a power failure would: SIGKILL.
func (c *Cluster) Kill(t testing.TB, node int) {
	t.Helper()
	c.broker(t, node).kill()
}

// Freeze stops a broker without ending it, so that it takes connections and answers
// nothing, until Thaw or the end of the test.
func (c *Cluster) Freeze(t testing.TB, node int) {
	t.Helper()
	c.signal(t, node, syscall.SIGSTOP)
}

// Thaw lets a frozen broker go on.
func (c *Cluster) Thaw(t testing.TB, node int) {
	t.Helper()
	c.signal(t, node, syscall.SIGCONT)
}

func (c *Cluster) signal(t testing.TB, node int, s syscall.Signal) {
	t.Helper()
	if err := c.broker(t, node).process.child.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// Stop shuts a broker down in order.
func (c *Cluster) Stop(t testing.TB, node int) {
	t.Helper()
	if err := c.broker(t, node).stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Restart starts a broker again, after stopping it if it runs. It returns when
// the broker is part of the cluster again, which needs broker 1 to run.
func (c *Cluster) Restart(t testing.TB, node int) {
	t.Helper()
	b := c.broker(t, node)
	err := b.stop(t.Context())
	if err == nil {
		err = b.launch()
	}
	if err == nil {
		err = b.awaitReady(t.Context(), 1)
	}
	if err != nil {
		t.Fatalf("restarting: %v", err)
	}
}

func (c *Cluster) broker(t testing.TB, node int) *broker {
	t.Helper()
	if node < 1 || node > len(c.brokers) {
		t.Fatalf("no broker %d of this test: it has %d", node, len(c.brokers))
	}
	return c.brokers[node-1]
}
