// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Cluster is a named Kafka connection, declared once in a file and referenced
// by name. Every stage that names the cluster holds the same pointer.
type Cluster struct {
	Name          string   `hcl:"name,label" doc:"The name by which stages reference the cluster: cluster.NAME."`
	Brokers       []string `hcl:"brokers,optional" doc:"Addresses (host:port) to bootstrap from."`
	Embedded      bool     `hcl:"embedded,optional" doc:"Start a cluster in this process instead of connecting to one; for demos and tests. Its data is gone when the process ends."`
	TLS           bool     `hcl:"tls,optional" doc:"Encrypt connections. Implied by every other tls_ attribute."`
	TLSCAFile     string   `hcl:"tls_ca_file,optional" doc:"PEM file with the certificates to trust instead of the system's."`
	TLSCertFile   string   `hcl:"tls_cert_file,optional" doc:"PEM file with the client certificate (mTLS)."`
	TLSKeyFile    string   `hcl:"tls_key_file,optional" doc:"PEM file with the client certificate's private key (mTLS)."`
	TLSServerName string   `hcl:"tls_server_name,optional" doc:"Name to check the brokers' certificates against, if not the address."`
	SASL          *SASL    `hcl:"sasl,block" doc:"How to authenticate."`
}

// SASL is how to authenticate to a cluster.
type SASL struct {
	Mechanism    string `hcl:"mechanism,label" enum:"plain,scram-sha-256,scram-sha-512,aws-msk-iam" doc:"The mechanism."`
	Username     string `hcl:"username,optional" doc:"User name, for plain and scram."`
	Password     Secret `hcl:"password,optional" doc:"Password, for plain and scram."`
	AccessKey    string `hcl:"access_key,optional" doc:"AWS access key id, for aws-msk-iam; without it the environment's AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN are used."`
	SecretKey    Secret `hcl:"secret_key,optional" doc:"AWS secret access key, for aws-msk-iam."`
	SessionToken Secret `hcl:"session_token,optional" doc:"AWS session token, for aws-msk-iam."`
}

// Format prints the mechanism only. Without it a verb that does not fit, such as
// %s of the cluster, makes package fmt print the fields as they are.
func (s SASL) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "sasl %s", s.Mechanism) }

// UsesTLS reports whether connections are encrypted.
func (c *Cluster) UsesTLS() bool {
	return c.TLS || c.TLSCAFile != "" || c.TLSCertFile != "" || c.TLSKeyFile != "" || c.TLSServerName != ""
}

// Validate implements [Validator].
func (c *Cluster) Validate() []Invalid {
	var bad []Invalid
	add := func(path, summary, detail string) {
		bad = append(bad, Invalid{Path: path, Summary: summary, Detail: detail})
	}
	switch {
	case c.Embedded && len(c.Brokers) > 0:
		add("brokers", "Cluster is embedded", "An embedded cluster has addresses of its own; remove brokers or embedded.")
	case c.Embedded && (c.UsesTLS() || c.SASL != nil):
		add("embedded", "Embedded cluster with security", "An embedded cluster takes plain connections only; remove tls and sasl.")
	case !c.Embedded && len(c.Brokers) == 0:
		add("", "Missing brokers", `A cluster needs brokers = ["host:port"], or embedded = true.`)
	}
	for i, broker := range c.Brokers {
		host, port, err := net.SplitHostPort(broker)
		n, err2 := strconv.ParseUint(port, 10, 16)
		if err != nil || err2 != nil || n == 0 || host == "" || strings.ContainsAny(host, " /") {
			add(fmt.Sprintf("brokers[%d]", i), "Invalid address", `Write host:port, such as "east-1:9092".`)
		}
	}
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		add("tls_cert_file", "Half a client certificate", "tls_cert_file and tls_key_file go together.")
	}
	if s := c.SASL; s != nil {
		switch s.Mechanism {
		case "plain", "scram-sha-256", "scram-sha-512":
			if s.Username == "" || s.Password == "" {
				add("sasl", "Missing credentials", "This mechanism needs username and password.")
			}
			if s.AccessKey != "" || s.SecretKey != "" || s.SessionToken != "" {
				add("sasl", "Credentials of another mechanism", "access_key, secret_key and session_token belong to aws-msk-iam.")
			}
		case "aws-msk-iam":
			if s.Username != "" || s.Password != "" {
				add("sasl", "Credentials of another mechanism", "aws-msk-iam takes access_key and secret_key, not username and password.")
			}
			if (s.AccessKey == "") != (s.SecretKey == "") {
				add("sasl", "Half a credential", "access_key and secret_key go together.")
			}
			if !c.UsesTLS() {
				add("sasl", "aws-msk-iam without TLS", "Amazon MSK offers IAM over TLS only; add tls = true.")
			}
		}
	}
	return bad
}
