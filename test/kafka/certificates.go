// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Identity is a client certificate and the CA to check brokers against, as
// PEM files.
type Identity struct {
	CAFile, CertFile, KeyFile string
}

// TLS is the configuration of a client that presents the identity.
func (i Identity) TLS() (*tls.Config, error) {
	ca, err := os.ReadFile(i.CAFile)
	if err != nil {
		return nil, fmt.Errorf("reading the CA: %w", err)
	}
	certificate, err := tls.LoadX509KeyPair(i.CertFile, i.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the client certificate: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{certificate}}, nil
}

// authority is the CA of one cluster; it signs for its brokers and clients.
type authority struct {
	dir         string
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

// newAuthority creates the CA and the certificate of the brokers in dir.
func newAuthority(dir string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := certificate("klamm test CA")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	a := &authority{dir: dir, key: key, certificate: parsed}
	if err := writePEM(a.caFile(), block("CERTIFICATE", der)); err != nil {
		return nil, err
	}
	keyPEM, chain, err := a.issue("localhost")
	if err != nil {
		return nil, err
	}
	return a, writePEM(a.brokerFile(), keyPEM, chain)
}

func (a *authority) caFile() string     { return filepath.Join(a.dir, "ca.pem") }
func (a *authority) brokerFile() string { return filepath.Join(a.dir, "broker.pem") }

// identity issues a client certificate for a principal.
func (a *authority) identity(name string) (Identity, error) {
	i := Identity{
		CAFile:   a.caFile(),
		CertFile: filepath.Join(a.dir, name+".cert.pem"),
		KeyFile:  filepath.Join(a.dir, name+".key.pem"),
	}
	key, chain, err := a.issue(name)
	if err != nil {
		return i, err
	}
	if err := writePEM(i.KeyFile, key); err != nil {
		return i, err
	}
	return i, writePEM(i.CertFile, chain)
}

// issue signs a new key, for use on this machine; both are PEM.
func (a *authority) issue(name string) (key, chain []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := certificate(name)
	template.DNSNames = []string{"localhost"}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &private.PublicKey, a.key)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	chain = append(block("CERTIFICATE", der), block("CERTIFICATE", a.certificate.Raw)...)
	return block("PRIVATE KEY", pkcs8), chain, nil
}

func certificate(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(24 * time.Hour),
	}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func writePEM(path string, blocks ...[]byte) error {
	var content []byte
	for _, b := range blocks {
		content = append(content, b...)
	}
	return os.WriteFile(path, content, 0o600)
}
