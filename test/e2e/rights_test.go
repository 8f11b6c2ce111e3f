// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/klamm-io/klamm/sdk"
	"github.com/klamm-io/klamm/test/kafka"
)

// grantDocumented gives a principal the rights that the how-to about least
// privileges gives User:klamm at the cluster with an address.
func grantDocumented(t *testing.T, c *kafka.Cluster, address, principal string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/how-to/least-privilege.md")
	if err != nil {
		t.Fatal(err)
	}
	granted := 0
	for _, command := range strings.Split(strings.ReplaceAll(string(text), "\\\n", " "), "\n") {
		words := strings.Fields(command)
		if len(words) < 3 || words[0] != "kafka-acls" || words[2] != address {
			continue
		}
		grantCommand(t, c, words[3:], principal)
		granted++
	}
	if granted == 0 {
		t.Fatalf("the how-to grants nothing at %s", address)
	}
}

// grantCommand does what kafka-acls does with its arguments.
func grantCommand(t *testing.T, c *kafka.Cluster, words []string, principal string) {
	t.Helper()
	b := kadm.NewACLs().ResourcePatternType(kadm.ACLPatternLiteral).AllowHosts("*").Allow("User:" + principal)
	var operations []kadm.ACLOperation
	for i := 0; i < len(words); i++ {
		if words[i] == "--add" {
			continue
		}
		value := words[i+1]
		switch words[i] {
		case "--allow-principal":
		case "--operation":
			operations = append(operations, operation(t, value))
		case "--topic":
			b.Topics(value)
		case "--group":
			b.Groups(value)
		case "--transactional-id":
			b.TransactionalIDs(value)
		case "--resource-pattern-type":
			if value != "prefixed" {
				t.Fatalf("the pattern type %q is not known to the test", value)
			}
			b.ResourcePatternType(kadm.ACLPatternPrefixed)
		default:
			t.Fatalf("the argument %q is not known to the test", words[i])
		}
		i++
	}
	grant(t, c, b.Operations(operations...))
}

func operation(t *testing.T, name string) kadm.ACLOperation {
	t.Helper()
	known := map[string]kadm.ACLOperation{
		"READ": kadm.OpRead, "WRITE": kadm.OpWrite, "CREATE": kadm.OpCreate, "ALTER": kadm.OpAlter,
		"DESCRIBE": kadm.OpDescribe, "DESCRIBE_CONFIGS": kadm.OpDescribeConfigs,
	}
	op, ok := known[name]
	if !ok {
		t.Fatalf("the operation %q is not known to the test", name)
	}
	return op
}

func grant(t *testing.T, c *kafka.Cluster, b *kadm.ACLBuilder) {
	t.Helper()
	if err := tryGrant(t, c, b); err != nil {
		t.Fatalf("creating ACLs: %v", err)
	}
}

func tryGrant(t *testing.T, c *kafka.Cluster, b *kadm.ACLBuilder) error {
	answers, err := c.Admin(t).CreateACLs(t.Context(), b)
	for _, answer := range answers {
		if answer.Err != nil {
			err = answer.Err
		}
	}
	return err
}

// rightsAreMissing runs with less than the documented rights at the source: a
// topic that may not be read stops alone; one that is named and may not be seen
// ends the start; one that a pattern would match is not there; one without
// DESCRIBE_CONFIGS is copied into a topic with the target's defaults.
func rightsAreMissing(t *testing.T, from, to *kafka.Cluster) {
	allowed := newJournal(t, from, "orders.rights", 1, nil)
	seen := newJournal(t, from, "seen.rights", 2, nil)
	hidden := newJournal(t, from, "hidden.rights", 1, nil)
	plain := newJournal(t, from, "plain.rights", 1, map[string]string{"retention.ms": "86400000000"})
	for _, j := range []*journal{allowed, seen, hidden, plain} {
		j.produce(10, 0)
	}
	only := func(topic string, op kadm.ACLOperation) {
		grant(t, from, kadm.NewACLs().Topics(topic).ResourcePatternType(kadm.ACLPatternLiteral).
			Operations(op).Allow("User:"+reader).AllowHosts("*"))
	}
	only(seen.topic, kadm.OpDescribe)
	only(plain.topic, kadm.OpRead)

	p := start(t, securedFile(t, logins[0], from, to, "*.rights", ""))
	allowed.delivered(p, 0)
	plain.delivered(p, 0)
	for partition := range int32(2) {
		part := stopped(t, p, seen.topic, partition, sdk.ReasonDenied)
		mentions(t, part.LastError, "TOPIC_AUTHORIZATION_FAILED", "grant READ", "cluster east")
	}
	if part := p.partition(hidden.topic, 0); part.Topic != "" {
		t.Errorf("a topic that may not be described is there: %+v", part)
	}
	allowed.produce(10, 0)
	allowed.delivered(p, 0)
	p.stop()
	allowed.copied(to, "east."+allowed.topic)
	plain.copied(to, "east."+plain.topic)
	mentions(t, p.output.String(), "topic settings cannot be read", "grant DESCRIBE_CONFIGS")
	if got := configs(t, to, "east."+plain.topic, []string{"retention.ms"}); got["retention.ms"] == "86400000000" {
		t.Errorf("the copy has settings that could not be read: %v", got)
	}

	p = start(t, securedFile(t, logins[0], from, to, hidden.topic, ""))
	if code := p.wait(15 * time.Second); code != 3 {
		t.Errorf("exit code %d for a topic that may not be read", code)
	}
	mentions(t, p.output.String(), "cluster east", "topic "+hidden.topic, "TOPIC_AUTHORIZATION_FAILED", "READ")
}
