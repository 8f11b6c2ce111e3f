// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klamm-io/klamm/test/kafka"
)

// The principals of the tests, and what they prove it with.
const (
	reader, readerPassword = "reader", "rEaDeR-canary-7f3a"
	writer, writerPassword = "writer", "wRiTeR-canary-9c1e"
)

var passwords = map[string]string{reader: readerPassword, writer: writerPassword}

// secured are two clusters with security, one of each version. Each is source
// and target, and lets the two principals do what the documentation says they
// need for that, and nothing else.
func secured(t *testing.T) (recent, old *kafka.Cluster) {
	t.Helper()
	clusters := map[string]*kafka.Cluster{kafka.DefaultVersion: nil, kafka.OldVersion: nil}
	var mu sync.Mutex
	var starting sync.WaitGroup
	for version := range clusters {
		starting.Go(func() {
			c := kafka.Start(t, kafka.Config{Version: version, Security: &kafka.Security{Users: passwords}})
			mu.Lock()
			defer mu.Unlock()
			clusters[version] = c
		})
	}
	starting.Wait()
	for _, c := range clusters {
		grantDocumented(t, c, "east-1:9092", reader)
		grantDocumented(t, c, "west-1:9092", writer)
	}
	return clusters[kafka.DefaultVersion], clusters[kafka.OldVersion]
}

// login is one way into a cluster.
type login struct {
	mechanism string // mtls, or one of SASL
	listener  kafka.Listener
}

var logins = []login{
	{"plain", kafka.SASLPlaintext},
	{"scram-sha-256", kafka.SASLSSL},
	{"scram-sha-512", kafka.SASLSSL},
	{"mtls", kafka.SSL},
}

// block is a cluster block for a principal; its password comes from a file.
func (l login) block(t *testing.T, c *kafka.Cluster, name, principal, password string) string {
	t.Helper()
	identity := c.Identity(t, principal)
	text := fmt.Sprintf("cluster %q {\n  brokers = [%q]\n", name, c.Addresses(l.listener)[0])
	if l.listener != kafka.SASLPlaintext {
		text += fmt.Sprintf("  tls_ca_file = %q\n", identity.CAFile)
	}
	if l.mechanism == "mtls" {
		return text + fmt.Sprintf("  tls_cert_file = %q\n  tls_key_file = %q\n}\n", identity.CertFile, identity.KeyFile)
	}
	secret := filepath.Join(t.TempDir(), principal)
	if err := os.WriteFile(secret, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	return text + fmt.Sprintf("  sasl %q {\n    username = %q\n    password = file(%q)\n  }\n}\n", l.mechanism, principal, secret)
}

// securedFile mirrors topics from one secured cluster to the other.
func securedFile(t *testing.T, l login, from, to *kafka.Cluster, topics, attributes string) string {
	t.Helper()
	return write(t, "%s\n%s\n"+`
mirror %q {
  from   = cluster.east
  to     = cluster.west
  topics = [%q]
  rename { prefix = "east." }
  %s
}
`, l.block(t, from, "east", reader, readerPassword), l.block(t, to, "west", writer, writerPassword), kafka.UniqueName("secured"), topics, attributes)
}

// TestSecured mirrors under the documented rights, by each way to authenticate
// that both versions of Kafka offer, from each to the other: a topic that has to
// be created, and then to grow.
func TestSecured(t *testing.T) {
	t.Parallel()
	recent, old := secured(t)
	for _, direction := range []struct {
		name     string
		from, to *kafka.Cluster
	}{{"to-old", recent, old}, {"to-recent", old, recent}} {
		for _, l := range logins {
			t.Run(l.mechanism+" "+direction.name, func(t *testing.T) {
				j := newJournal(t, direction.from, "orders-"+direction.name+"-"+l.mechanism, 2, map[string]string{"retention.ms": "-1"})
				j.produce(100, 0, 1)
				file := securedFile(t, l, direction.from, direction.to, j.topic, `until = "latest"`)
				for run := range 2 {
					p := start(t, file)
					if code := p.wait(time.Minute); code != 0 {
						t.Fatalf("run %d: exit code %d", run, code)
					}
					j.copied(direction.to, "east."+j.topic)
					noSecret(t, "output", p.output.String())
					if run == 0 {
						grow(t, j, 4)
						j.produce(10, 0, 1, 2, 3)
					}
				}
				likeSource(t, j, direction.to, "east."+j.topic)
			})
		}
	}
	t.Run("secrets", func(t *testing.T) { secretsAreKept(t, recent, old) })
	t.Run("rights", func(t *testing.T) { rightsAreMissing(t, recent, old) })
	t.Run("credentials", func(t *testing.T) { credentialsAreWrong(t, recent, old) })
}

// noSecret fails the test if a text has a password in it.
func noSecret(t *testing.T, where, text string) {
	t.Helper()
	for _, password := range passwords {
		if strings.Contains(text, password) {
			t.Errorf("%s holds a password:\n%s", where, text)
		}
	}
}

// secretsAreKept looks for the passwords wherever klamm says something.
func secretsAreKept(t *testing.T, from, to *kafka.Cluster) {
	j := newJournal(t, from, "orders.secrets", 1, nil)
	j.produce(10, 0)
	file := securedFile(t, logins[1], from, to, j.topic, "")
	p := start(t, file, "--log-level", "debug")
	j.delivered(p, 0)
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/api/v1/status"} {
		code, body := p.get(path)
		if code != 200 || len(body) == 0 {
			t.Errorf("%s: %d", path, code)
		}
		noSecret(t, path, string(body))
	}
	p.stop()
	noSecret(t, "output", p.output.String())
	path, err := builtBinary()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"expand", file}, {"validate", "--json", file}} {
		out, err := exec.Command(path, args...).CombinedOutput()
		if err != nil || len(out) == 0 {
			t.Errorf("klamm %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		noSecret(t, "klamm "+args[0], string(out))
	}
}

// credentialsAreWrong starts with a wrong password, and without a certificate:
// exit code 3, with the cluster's name and without the password.
func credentialsAreWrong(t *testing.T, from, to *kafka.Cluster) {
	good := logins[0].block(t, from, "good", reader, readerPassword)
	const wrong = "guessed-canary-55d0"
	for _, l := range logins {
		block := l.block(t, to, "bad", writer, wrong)
		if l.mechanism == "mtls" {
			block = fmt.Sprintf("cluster \"bad\" {\n  brokers = [%q]\n  tls_ca_file = %q\n}\n", to.Addresses(kafka.SSL)[0], to.Identity(t, writer).CAFile)
		}
		for _, ends := range []string{"from = cluster.good\n  to = cluster.bad", "from = cluster.bad\n  to = cluster.good"} {
			file := write(t, "%s\n%s\nmirror \"m\" {\n  %s\n  topics = [\"orders*\"]\n  rename { prefix = \"east.\" }\n}\n", good, block, ends)
			p := start(t, file)
			if code := p.wait(15 * time.Second); code != 3 {
				t.Errorf("%s: exit code %d", l.mechanism, code)
			}
			out := p.output.String()
			mentions(t, out, "cluster bad: ", to.Addresses(l.listener)[0])
			noSecret(t, "output", out)
			if strings.Contains(out, wrong) {
				t.Errorf("the output holds the wrong password:\n%s", out)
			}
		}
	}
}

// TestUnreachable starts with a cluster where nobody listens, and with one that
// takes connections and never answers.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	east, _ := kafka.Clusters(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var answering sync.WaitGroup
	answering.Go(func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	})
	defer answering.Wait()
	defer silent.Close()
	tests := map[*process][]string{}
	for _, test := range []struct{ address, reason string }{
		{closed.Addr().String(), "connection refused"},
		{silent.Addr().String(), "no answer"},
	} {
		for _, ends := range []string{"from = cluster.east\n  to = cluster.far", "from = cluster.far\n  to = cluster.east"} {
			file := write(t, `
cluster "east" { brokers = [%q] }
cluster "far" { brokers = [%q] }

mirror "m" {
  %s
  topics = ["orders*"]
}
`, east.Bootstrap()[0], test.address, ends)
			tests[start(t, file)] = []string{"cluster far: ", test.address, test.reason}
		}
	}
	for p, words := range tests {
		if code := p.wait(15 * time.Second); code != 3 {
			t.Errorf("exit code %d", code)
		}
		mentions(t, p.output.String(), words...)
	}
}
