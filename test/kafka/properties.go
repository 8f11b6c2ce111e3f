// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// properties are the contents of one broker's server.properties.
func (c *Cluster) properties(b *broker) string {
	p := smallAndFast()
	maps.Copy(p, c.replication())
	maps.Copy(p, c.endpoints(b))
	if c.config.Security != nil {
		maps.Copy(p, c.security())
	} else {
		p["allow.everyone.if.no.acl.found"] = "true"
	}
	maps.Copy(p, c.config.Properties)
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&text, "%s=%s\n", key, p[key])
	}
	return text.String()
}

func smallAndFast() map[string]string {
	return map[string]string{
		"authorizer.class.name":                "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":                          "User:ANONYMOUS;User:admin",
		"auto.create.topics.enable":            "false",
		"background.threads":                   "1",
		"num.network.threads":                  "1",
		"num.io.threads":                       "2",
		"offsets.topic.num.partitions":         "1",
		"transaction.state.log.num.partitions": "1",
		"group.initial.rebalance.delay.ms":     "0",
		// The cleaner's default buffer does not fit into the heap.
		"log.cleaner.dedupe.buffer.size": "4194304",
		// A killed broker is replaced, and let in again, when its session ends.
		"broker.session.timeout.ms":    "4000",
		"broker.heartbeat.interval.ms": "500",
		"replica.lag.time.max.ms":      "3000",
		// What takes minutes by default takes a second.
		"log.cleaner.backoff.ms":                                      "300",
		"log.initial.task.delay.ms":                                   "100",
		"log.retention.check.interval.ms":                             "500",
		"log.segment.delete.delay.ms":                                 "1000",
		"transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
	}
}

func (c *Cluster) replication() map[string]string {
	factor := strconv.Itoa(min(len(c.brokers), 3))
	return map[string]string{
		"offsets.topic.replication.factor":                 factor,
		"transaction.state.log.replication.factor":         factor,
		"transaction.state.log.min.isr":                    "1",
		"share.coordinator.state.topic.replication.factor": factor,
		"share.coordinator.state.topic.min.isr":            "1",
	}
}

func (c *Cluster) endpoints(b *broker) map[string]string {
	var listeners, advertised []string
	protocols := []string{fmt.Sprintf("%s:%s", controller, controller.protocol())}
	for _, l := range c.config.listeners() {
		listeners = append(listeners, fmt.Sprintf("%s://%s", l, b.addresses[l]))
		advertised = append(advertised, fmt.Sprintf("%s://%s", l, b.advertised(l)))
		protocols = append(protocols, fmt.Sprintf("%s:%s", l, l.protocol()))
	}
	p := map[string]string{
		"node.id":                        strconv.Itoa(b.node),
		"process.roles":                  "broker",
		"log.dirs":                       filepath.Join(b.dir, "data"),
		"advertised.listeners":           strings.Join(advertised, ","),
		"listener.security.protocol.map": strings.Join(protocols, ","),
		"inter.broker.listener.name":     string(Plaintext),
		"controller.listener.names":      string(controller),
		"controller.quorum.voters":       fmt.Sprintf("1@%s", c.brokers[0].addresses[controller]),
	}
	if address, ok := b.addresses[controller]; ok {
		p["process.roles"] = "broker,controller"
		listeners = append(listeners, fmt.Sprintf("%s://%s", controller, address))
	}
	p["listeners"] = strings.Join(listeners, ",")
	return p
}

func (c *Cluster) security() map[string]string {
	p := map[string]string{
		"ssl.keystore.type":                 "PEM",
		"ssl.keystore.location":             c.authority.brokerFile(),
		"ssl.truststore.type":               "PEM",
		"ssl.truststore.location":           c.authority.caFile(),
		"ssl.principal.mapping.rules":       "RULE:^CN=(.*?)(,.*)?$/$1/,DEFAULT",
		"listener.name.ssl.ssl.client.auth": "required",
	}
	const modules = "org.apache.kafka.common.security."
	plain := modules + "plain.PlainLoginModule required"
	for _, name := range slices.Sorted(maps.Keys(c.config.Security.Users)) {
		plain += fmt.Sprintf(" user_%s=%q", name, c.config.Security.Users[name])
	}
	for _, l := range []Listener{SASLSSL, SASLPlaintext} {
		prefix := "listener.name." + strings.ToLower(string(l)) + "."
		p[prefix+"sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
		p[prefix+"plain.sasl.jaas.config"] = plain + ";"
		for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
			p[prefix+mechanism+".sasl.jaas.config"] = modules + "scram.ScramLoginModule required;"
		}
	}
	return p
}
