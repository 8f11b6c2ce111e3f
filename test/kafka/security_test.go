// SPDX-License-Identifier: Apache-2.0

package kafka_test

import (
	"crypto/tls"
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/klamm-io/klamm/test/kafka"
)

func TestSecurity(t *testing.T) {
	t.Parallel()
	for _, version := range []string{kafka.DefaultVersion, kafka.OldVersion} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := kafka.Start(t, kafka.Config{
				Version:  version,
				Security: &kafka.Security{Users: map[string]string{"alice": "alice-secret"}},
			})
			topic := kafka.UniqueName("secured")
			c.CreateTopic(t, topic, 1, nil)
			allowAlice(t, c, topic)
			authenticated(t, c, topic)
			refused(t, c, topic)
		})
	}
}

func allowAlice(t *testing.T, c *kafka.Cluster, topic string) {
	t.Helper()
	acl := kadm.NewACLs().Topics(topic).ResourcePatternType(kadm.ACLPatternLiteral).
		Operations(kadm.OpWrite, kadm.OpDescribe).Allow("User:alice").AllowHosts("*")
	results, err := c.Admin(t).CreateACLs(bounded(t), acl)
	for _, result := range results {
		err = errors.Join(err, result.Err)
	}
	if err != nil {
		t.Fatalf("creating ACLs: %v", err)
	}
}

func clientTLS(t *testing.T, c *kafka.Cluster, name string) *tls.Config {
	t.Helper()
	config, err := c.Identity(t, name).TLS()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func authenticated(t *testing.T, c *kafka.Cluster, topic string) {
	t.Helper()
	password := scram.Auth{User: "alice", Pass: "alice-secret"}
	mechanisms := map[string]kgo.Opt{
		"plain":         kgo.SASL(plain.Auth{User: "alice", Pass: "alice-secret"}.AsMechanism()),
		"scram-sha-256": kgo.SASL(password.AsSha256Mechanism()),
		"scram-sha-512": kgo.SASL(password.AsSha512Mechanism()),
	}
	overTLS := kgo.DialTLSConfig(clientTLS(t, c, "alice"))
	produce(t, c.Client(t, kgo.SeedBrokers(c.Addresses(kafka.SSL)...), overTLS), topic, "mTLS")
	values := []string{"mTLS"}
	for name, mechanism := range mechanisms {
		produce(t, c.Client(t, kgo.SeedBrokers(c.Addresses(kafka.SASLPlaintext)...), mechanism), topic, name)
		produce(t, c.Client(t, kgo.SeedBrokers(c.Addresses(kafka.SASLSSL)...), mechanism, overTLS), topic, name+" over TLS")
		values = append(values, name, name+" over TLS")
	}
	expect(t, c, topic, values...)
}

func refused(t *testing.T, c *kafka.Cluster, topic string) {
	t.Helper()
	anonymous := clientTLS(t, c, "mallory")
	mallory := anonymous.Clone()
	anonymous.Certificates = nil
	wrong := kgo.SASL(plain.Auth{User: "alice", Pass: "guessed"}.AsMechanism())
	tests := []struct {
		name     string
		listener kafka.Listener
		opt      kgo.Opt
		want     string
	}{
		{"wrong password", kafka.SASLPlaintext, wrong, kerr.SaslAuthenticationFailed.Message},
		{"no client certificate", kafka.SSL, kgo.DialTLSConfig(anonymous), "tls"},
		{"no ACL", kafka.SSL, kgo.DialTLSConfig(mallory), kerr.TopicAuthorizationFailed.Message},
	}
	for _, test := range tests {
		client := c.Client(t, kgo.SeedBrokers(c.Addresses(test.listener)...), test.opt)
		_, err := kadm.NewClient(client).ListEndOffsets(bounded(t), topic)
		if err == nil {
			err = client.ProduceSync(bounded(t), &kgo.Record{Topic: topic}).FirstErr()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}
