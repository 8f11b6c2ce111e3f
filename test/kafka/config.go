// SPDX-License-Identifier: Apache-2.0

package kafka

import "github.com/klamm-io/klamm/test/link"

// DefaultVersion is the version of Kafka that clusters run unless told
// otherwise; OldVersion is the oldest one tested.
const (
	DefaultVersion = "4.3.1"
	OldVersion     = "3.9.1"
)

// Config says what cluster a test needs. The zero value is one broker of
// [DefaultVersion] without security.
type Config struct {
	Version string
	// Brokers is their number. Broker 1 is also the only controller, so the
	// others can die without taking the cluster along.
	Brokers int
	// Security adds listeners with authentication; only the superuser may do
	// what no ACL allows.
	Security *Security
	// Link puts a link of its own before every broker, for clients that start
	// from the addresses of [Proxied]. Its field Listen is not used.
	Link *link.Options
	// Properties come on top of the broker properties set here, and win.
	Properties map[string]string
}

// Security is who may authenticate, besides the superuser that every client of
// the PLAINTEXT listener is.
type Security struct {
	// Users are the passwords by name, for PLAIN and for both SCRAM mechanisms.
	// One named admin is superuser too.
	Users map[string]string
}

// Listener is one way into a broker, named after its security protocol.
type Listener string

const (
	// Plaintext is open to all, and all are superuser.
	Plaintext Listener = "PLAINTEXT"
	// SSL wants a client certificate (see [Cluster.Identity]).
	SSL Listener = "SSL"
	// SASLSSL takes PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 over TLS.
	SASLSSL Listener = "SASL_SSL"
	// SASLPlaintext takes the same without TLS.
	SASLPlaintext Listener = "SASL_PLAINTEXT"
	// Proxied is like Plaintext behind a link (see [Config]): whoever starts
	// there is told the addresses of the links and nothing else.
	Proxied Listener = "PROXIED"

	controller Listener = "CONTROLLER"
)

// protocol is the security protocol of the listener.
func (l Listener) protocol() string {
	if l == Proxied || l == controller {
		return string(Plaintext)
	}
	return string(l)
}

// listeners are those that clients of the cluster can use.
func (c *Config) listeners() []Listener {
	all := []Listener{Plaintext}
	if c.Security != nil {
		all = append(all, SSL, SASLSSL, SASLPlaintext)
	}
	if c.Link != nil {
		all = append(all, Proxied)
	}
	return all
}
