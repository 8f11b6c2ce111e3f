// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/klamm-io/klamm/sdk"
)

// connectTimeout bounds how long a cluster may take to answer at start.
const connectTimeout = 10 * time.Second

// client is what is known of one cluster. Metadata, offsets, topics, groups and
// transactions go through franz-go, as raw requests; fetch and produce requests
// through connections of our own (see connection).
type client struct {
	*kgo.Client
	declared *sdk.Cluster
	name     string // of the cluster in the file
	id       string // cluster id
	// transactionV2 says that the cluster has transaction.version 2 (KIP-890):
	// a produce request adds its partition to the transaction by itself.
	transactionV2 bool
}

// connect makes a client and waits until the cluster has answered. An error is
// an *sdk.EnvironmentError that names what stood in the way.
func connect(ctx context.Context, c *sdk.Cluster, opts ...kgo.Opt) (*client, error) {
	fail := func(fix string, err error) (*client, error) {
		return nil, &sdk.EnvironmentError{Cluster: c.Name, Err: err, Fix: fix}
	}
	security, err := securityOpts(c)
	if err != nil {
		return fail("", err)
	}
	dials := &dialErrors{}
	opts = slices.Concat([]kgo.Opt{kgo.ClientID(clientID)}, opts, security)
	opts = append(opts,
		kgo.SeedBrokers(c.Brokers...),
		kgo.WithHooks(dials),
		// A client never moves a position by itself (invariant 7).
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	)
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return fail("", err)
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	made := &client{Client: cl, declared: c, name: c.Name}
	if err := made.identify(ctx); err != nil {
		cl.Close()
		return fail(explainConnect(err, dials.last.Load(), c))
	}
	return made, nil
}

// identify asks for the cluster's id and its features.
func (c *client) identify(ctx context.Context) error {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	meta, err := req.RequestWith(ctx, c.Client)
	if err != nil {
		return err
	}
	if meta.ClusterID != nil {
		c.id = *meta.ClusterID
	}
	versions, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, c.Client)
	if err != nil {
		return err
	}
	for _, f := range versions.FinalizedFeatures {
		if f.Name == "transaction.version" {
			c.transactionV2 = f.MaxVersionLevel >= 2
		}
	}
	return nil
}

// dialErrors remembers why connections could not be made: kgo itself reports
// only that it ran out of time.
type dialErrors struct {
	last atomic.Pointer[dialError]
	made atomic.Bool // a connection was
}

type dialError struct {
	addr string
	err  error
}

var _ kgo.HookBrokerConnect = (*dialErrors)(nil)

func (d *dialErrors) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, conn net.Conn, err error) {
	if conn != nil {
		d.made.Store(true)
	}
	if err == nil {
		return
	}
	// A broker that lets itself be connected to and then does not answer can be
	// connected to; that the time is over meets the next attempt only.
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() && d.made.Load() {
		return
	}
	d.last.Store(&dialError{net.JoinHostPort(meta.Host, fmt.Sprint(meta.Port)), err})
}

// brokerRequestor sends requests to one broker, without kgo's retries: what an
// error means is decided here.
type brokerRequestor struct {
	client *client
	broker int32
}

func (r brokerRequestor) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	return r.client.Broker(int(r.broker)).Request(ctx, req)
}

// answerKey finds a partition in the answer to a fetch or produce request. Since
// version 13 of both, topics go by their ids (KIP-516).
type answerKey struct {
	topic     string
	id        sdk.TopicID
	partition int32
}

func keyOf(version int16, topic string, id sdk.TopicID, partition int32) answerKey {
	if version >= 13 {
		return answerKey{id: id, partition: partition}
	}
	return answerKey{topic: topic, partition: partition}
}

func explainConnect(err error, dial *dialError, c *sdk.Cluster) (fix string, why error) {
	addr := strings.Join(c.Brokers, ", ")
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return "check the cluster's sasl block", fmt.Errorf("%s refuses the credentials: %w", addr, err)
	case errors.Is(err, kerr.UnsupportedSaslMechanism), errors.Is(err, kerr.IllegalSaslState):
		return "check the mechanism of the cluster's sasl block", fmt.Errorf("%s does not offer this way to authenticate: %w", addr, err)
	case dial != nil:
		return connectFix(dial.err), fmt.Errorf("cannot connect to %s: %w", dial.addr, dial.err)
	case errors.Is(err, context.DeadlineExceeded):
		return "check the address, and whether the listener wants tls or sasl", fmt.Errorf("no answer from %s within %s", addr, connectTimeout)
	}
	return "check the address, and whether the listener wants tls or sasl", fmt.Errorf("no usable answer from %s: %w", addr, err)
}

func connectFix(err error) string {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "check tls_ca_file and tls_server_name"
	}
	if strings.Contains(err.Error(), "tls: ") {
		return "check the cluster's tls attributes"
	}
	if errors.Is(err, io.EOF) {
		return "check whether the listener wants tls or sasl, and the credentials"
	}
	return "check that the cluster runs, that its address is right, and whether the listener wants tls"
}

func securityOpts(c *sdk.Cluster) ([]kgo.Opt, error) {
	var opts []kgo.Opt
	if c.UsesTLS() {
		conf, err := tlsConfig(c)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(conf))
	}
	if c.SASL != nil {
		m, err := mechanism(c.SASL)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(m))
	}
	return opts, nil
}

func tlsConfig(c *sdk.Cluster) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.TLSServerName}
	if c.TLSCAFile != "" {
		pem, err := os.ReadFile(c.TLSCAFile)
		if err != nil {
			return nil, fmt.Errorf("reading tls_ca_file: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls_ca_file %s holds no PEM certificate", c.TLSCAFile)
		}
	}
	if c.TLSCertFile != "" {
		cert, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile)
		if err != nil {
			return nil, fmt.Errorf("reading tls_cert_file and tls_key_file: %w", err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	return conf, nil
}

func mechanism(s *sdk.SASL) (sasl.Mechanism, error) {
	user, pass := s.Username, s.Password.Reveal()
	switch s.Mechanism {
	case "plain":
		return plain.Auth{User: user, Pass: pass}.AsMechanism(), nil
	case "scram-sha-256":
		return scram.Auth{User: user, Pass: pass}.AsSha256Mechanism(), nil
	case "scram-sha-512":
		return scram.Auth{User: user, Pass: pass}.AsSha512Mechanism(), nil
	case "aws-msk-iam":
		return aws.ManagedStreamingIAM(func(context.Context) (aws.Auth, error) { return awsAuth(s) }), nil
	}
	return nil, fmt.Errorf("sasl mechanism %q is not supported", s.Mechanism)
}

// awsAuth is asked for at every connection, so that an environment that changes
// is followed.
func awsAuth(s *sdk.SASL) (aws.Auth, error) {
	auth := aws.Auth{
		AccessKey: s.AccessKey, SecretKey: s.SecretKey.Reveal(), SessionToken: s.SessionToken.Reveal(), UserAgent: "klamm",
	}
	if auth.AccessKey == "" {
		auth.AccessKey = os.Getenv("AWS_ACCESS_KEY_ID")
		auth.SecretKey = os.Getenv("AWS_SECRET_ACCESS_KEY")
		auth.SessionToken = os.Getenv("AWS_SESSION_TOKEN")
	}
	if auth.AccessKey == "" || auth.SecretKey == "" {
		return auth, errors.New("aws-msk-iam has no credentials: give access_key and secret_key, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	return auth, nil
}
