// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

const secret = "correct horse battery staple"

// freeAddress is an address where nobody listens.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// silentAddress is an address where connections are taken and nothing is said.
func silentAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// certificate makes a certificate for 127.0.0.1 that signs itself, and its file.
func certificate(t testing.TB) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func TestConnectRefuses(t *testing.T) {
	cert, ca := certificate(t)
	plain := newCluster(t)
	secured := newCluster(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}))
	sasl := newCluster(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "user", "pass"))
	// Kafka says so; kfake only closes the connection.
	refusing := newCluster(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "user", "pass"))
	refusing.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) {
		refusing.KeepControl()
		resp := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		resp.ErrorCode, resp.ErrorMessage = kerr.SaslAuthenticationFailed.Code, kmsg.StringPtr("invalid credentials")
		return resp, nil, true
	})
	unreachable, silent := freeAddress(t), silentAddress(t)
	as := func(mechanism, password string) *sdk.SASL {
		return &sdk.SASL{Mechanism: mechanism, Username: "user", Password: sdk.Secret(password)}
	}
	garbage := filepath.Join(t.TempDir(), "garbage.pem")
	if err := os.WriteFile(garbage, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		cluster *sdk.Cluster
		wants   []string
	}{
		{"nobody listens", &sdk.Cluster{Brokers: []string{unreachable}}, []string{unreachable, "refused"}},
		{"nobody answers", &sdk.Cluster{Brokers: []string{silent}}, []string{silent}},
		{"a name there is none of", &sdk.Cluster{Brokers: []string{"no-such-host.invalid:9092"}}, []string{"no-such-host.invalid:9092"}},
		{"tls against plaintext", &sdk.Cluster{Brokers: plain.ListenAddrs(), TLS: true}, []string{plain.ListenAddrs()[0]}},
		{"plaintext against tls", &sdk.Cluster{Brokers: secured.ListenAddrs()}, []string{secured.ListenAddrs()[0]}},
		{"a certificate that is not trusted", &sdk.Cluster{Brokers: secured.ListenAddrs(), TLS: true}, []string{secured.ListenAddrs()[0], "certificate", "tls_ca_file"}},
		{"a certificate of another name", &sdk.Cluster{Brokers: secured.ListenAddrs(), TLSCAFile: ca, TLSServerName: "other"}, []string{"certificate", "tls_server_name"}},
		{"a wrong password", &sdk.Cluster{Brokers: sasl.ListenAddrs(), SASL: as("scram-sha-256", secret)}, []string{sasl.ListenAddrs()[0], "sasl"}},
		{"a wrong password, said so", &sdk.Cluster{Brokers: refusing.ListenAddrs(), SASL: as("plain", secret)}, []string{refusing.ListenAddrs()[0], "refuses the credentials", "sasl block"}},
		{"a mechanism that is not offered", &sdk.Cluster{Brokers: sasl.ListenAddrs(), SASL: as("plain", secret)}, []string{sasl.ListenAddrs()[0], "sasl"}},
		{"no sasl where it is wanted", &sdk.Cluster{Brokers: sasl.ListenAddrs()}, []string{sasl.ListenAddrs()[0], "sasl"}},
		{"a missing ca file", &sdk.Cluster{Brokers: plain.ListenAddrs(), TLSCAFile: "/none/ca.pem"}, []string{"tls_ca_file", "/none/ca.pem"}},
		{"a ca file of something else", &sdk.Cluster{Brokers: plain.ListenAddrs(), TLSCAFile: garbage}, []string{"holds no PEM certificate"}},
		{"a missing client certificate", &sdk.Cluster{Brokers: plain.ListenAddrs(), TLSCertFile: "/none/a.pem", TLSKeyFile: "/none/b.pem"}, []string{"tls_cert_file"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.cluster.Name = "east"
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
			defer cancel()
			env, _ := newEnv(1 << 20)
			_, err := (&SourceConfig{Cluster: test.cluster, Topics: []string{"t"}, Since: earliest}).NewSource(ctx, env)
			ee, ok := errors.AsType[*sdk.EnvironmentError](err)
			if !ok || ctx.Err() != nil {
				t.Fatalf("%v, %v", err, ctx.Err())
			}
			for _, want := range append(test.wants, "cluster east") {
				if !strings.Contains(ee.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
			if text := fmt.Sprintf("%v %+v %#v", err, ee, ee); strings.Contains(text, secret) {
				t.Errorf("the error tells the password: %s", text)
			}
		})
	}
}

func TestConnects(t *testing.T) {
	cert, ca := certificate(t)
	secured := newCluster(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}))
	sasl := newCluster(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "u256", "p"), kfake.Superuser("SCRAM-SHA-512", "u512", "p"), kfake.Superuser("PLAIN", "plain", "p"))
	tests := []struct {
		name    string
		cluster *sdk.Cluster
	}{
		{"tls", &sdk.Cluster{Brokers: secured.ListenAddrs(), TLSCAFile: ca}},
		{"plain", &sdk.Cluster{Brokers: sasl.ListenAddrs(), SASL: &sdk.SASL{Mechanism: "plain", Username: "plain", Password: "p"}}},
		{"scram-sha-256", &sdk.Cluster{Brokers: sasl.ListenAddrs(), SASL: &sdk.SASL{Mechanism: "scram-sha-256", Username: "u256", Password: "p"}}},
		{"scram-sha-512", &sdk.Cluster{Brokers: sasl.ListenAddrs(), SASL: &sdk.SASL{Mechanism: "scram-sha-512", Username: "u512", Password: "p"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := connect(testContext(t), test.cluster)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if c.id != "test-cluster" {
				t.Errorf("cluster id %q", c.id)
			}
		})
	}
}
