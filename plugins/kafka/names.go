// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"strings"

	"github.com/klamm-io/klamm/sdk"
)

// ownPrefix begins the names of Klamm's own topics, groups and transactional
// ids, so that one prefixed ACL covers them.
const ownPrefix = "_klamm."

// selects reports whether a topic is to be read. Topics by which clusters and
// mirrors do their own bookkeeping are read only if named in full.
func selects(s *sdk.Selection, topic string) bool {
	if internal(topic) {
		return s.Names(topic)
	}
	return s.Match(topic)
}

// internal goes by the names that Kafka, MirrorMaker 2 (its
// DefaultReplicationPolicy.isInternalTopic and DefaultTopicFilter) and Klamm
// give to their own topics.
func internal(topic string) bool {
	return strings.HasPrefix(topic, "__") ||
		strings.HasPrefix(topic, ownPrefix) ||
		strings.HasPrefix(topic, "mm2-") && strings.HasSuffix(topic, ".internal") ||
		strings.HasSuffix(topic, ".checkpoints.internal") ||
		strings.HasPrefix(topic, "mm2-offset-syncs.") ||
		strings.HasPrefix(topic, "mskr-offset-syncs.") ||
		topic == "heartbeats" || strings.HasSuffix(topic, ".heartbeats")
}
