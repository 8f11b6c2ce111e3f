// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/test/link"
)

// broker is one node of a cluster: its directory and addresses stay, its
// process comes and goes.
type broker struct {
	node      int
	dir       string
	addresses map[Listener]string
	link      *link.Link // before Proxied; nil without
	flags     []string   // of the Java machine, besides the usual ones
	dist      *distribution
	process   *process // nil before the first start
}

// advertised is the address that clients of a listener are told.
func (b *broker) advertised(l Listener) string {
	if l == Proxied {
		return b.link.Addr()
	}
	return b.addresses[l]
}

func (b *broker) log() brokerLog         { return brokerLog(filepath.Join(b.dir, "broker.log")) }
func (b *broker) propertiesFile() string { return filepath.Join(b.dir, "server.properties") }
func (b *broker) running() bool          { return b.process != nil && b.process.running() }

// format prepares the broker's storage, once.
func (b *broker) format(ctx context.Context, clusterID string, users map[string]string) error {
	args := []string{"format", "-t", clusterID, "-c", b.propertiesFile()}
	for name, password := range users {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, name, password))
		}
	}
	_, err := b.dist.run(ctx, "kafka.tools.StorageTool", args...)
	return err
}

// launch starts the broker's process; it is not ready yet.
func (b *broker) launch() error {
	flags := append([]string{"-Xms32m", "-Xmx256m"}, b.flags...)
	if len(b.flags) == 0 {
		flags = append(flags, "-Xshare:auto", "-XX:SharedArchiveFile="+b.dist.archive)
	}
	// The process outlives the call, so no context may end it.
	cmd, err := b.dist.java(context.Background(), flags, "kafka.Kafka", b.propertiesFile())
	if err != nil {
		return err
	}
	log, err := os.OpenFile(string(b.log()), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	b.process, err = launch(cmd)
	return err
}

// awaitReady waits until the broker answers and knows that many brokers.
func (b *broker) awaitReady(ctx context.Context, brokers int) error {
	const bound = 60 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, bound, fmt.Errorf("not ready after %s", bound))
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addresses[Plaintext]), kgo.RetryTimeout(time.Second))
	if err != nil {
		return err
	}
	defer client.Close()
	err = poll(ctx, 50*time.Millisecond, func(ctx context.Context) (bool, error) {
		if !b.running() {
			return true, fmt.Errorf("it ended: %v", b.process.err)
		}
		known, err := b.knownBrokers(ctx, client)
		if err == nil && known < brokers {
			err = fmt.Errorf("it knows %d of %d brokers", known, brokers)
		}
		return err == nil, err
	})
	if err != nil {
		return fmt.Errorf("broker %d: %w\n%s", b.node, err, b.log().since(0))
	}
	return nil
}

// knownBrokers asks this broker how many are alive; zero until it is one of
// them itself.
func (b *broker) knownBrokers(ctx context.Context, client *kgo.Client) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{}
	answer, err := client.SeedBrokers()[0].Request(ctx, request)
	if err != nil {
		return 0, err
	}
	metadata := answer.(*kmsg.MetadataResponse)
	for _, known := range metadata.Brokers {
		if known.NodeID == int32(b.node) {
			return len(metadata.Brokers), nil
		}
	}
	return 0, nil
}

// stop shuts the broker down in order.
func (b *broker) stop(ctx context.Context) error {
	const bound = 30 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, bound, fmt.Errorf("still running after %s", bound))
	defer cancel()
	if !b.running() {
		return nil
	}
	if err := b.process.terminate(ctx); err != nil {
		return fmt.Errorf("broker %d: %w\n%s", b.node, err, b.log().since(0))
	}
	return nil
}

// kill ends the broker without giving it a chance to clean up.
func (b *broker) kill() {
	if b.running() {
		b.process.kill()
	}
}
