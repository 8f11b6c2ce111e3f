// SPDX-License-Identifier: Apache-2.0

package kafka

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

	controller Listener = "CONTROLLER"
)

// listeners are those that clients of the cluster can use.
func (c *Config) listeners() []Listener {
	if c.Security == nil {
		return []Listener{Plaintext}
	}
	return []Listener{Plaintext, SSL, SASLSSL, SASLPlaintext}
}
