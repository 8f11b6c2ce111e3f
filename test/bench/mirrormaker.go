// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// mirrorMakerProperties is MirrorMaker 2's file for a job: with what it cannot
// run without on a single broker, without all it does besides copying, and
// tuned or as it comes.
func mirrorMakerProperties(j *job, tuned bool) string {
	p := map[string]string{
		"clusters":               "east,west",
		"east.bootstrap.servers": join(j.from),
		"west.bootstrap.servers": join(j.to),
		"east->west.enabled":     "true",
		"west->east.enabled":     "false",
		"east->west.topics":      strings.Join(j.topics, ","),

		"replication.policy.class":          "org.apache.kafka.connect.mirror.IdentityReplicationPolicy",
		"replication.factor":                "1",
		"config.storage.replication.factor": "1",
		"offset.storage.replication.factor": "1",
		"status.storage.replication.factor": "1",

		"emit.heartbeats.enabled":    "false",
		"emit.checkpoints.enabled":   "false",
		"emit.offset-syncs.enabled":  "false",
		"sync.group.offsets.enabled": "false",
		"sync.topic.acls.enabled":    "false",
		"sync.topic.configs.enabled": "false",
		"refresh.groups.enabled":     "false",
	}
	if tuned {
		maps.Copy(p, mirrorMakerTuning(j))
	}
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&text, "%s = %s\n", key, p[key])
	}
	return text.String()
}

// mirrorMakerTuning is what an expert would set: large batches, many requests
// in flight in order, the codec of the source, large fetches, and as many
// tasks as there are cores; far away as many as there are partitions, each
// with a producer of its own.
func mirrorMakerTuning(j *job) map[string]string {
	tasks := 2
	if j.far {
		tasks = j.partitions
	}
	return map[string]string{
		"tasks.max": fmt.Sprint(tasks),

		"west.producer.compression.type":                      j.codec,
		"west.producer.batch.size":                            "1000000",
		"west.producer.linger.ms":                             "5",
		"west.producer.buffer.memory":                         "134217728",
		"west.producer.max.request.size":                      "8388608",
		"west.producer.enable.idempotence":                    "true",
		"west.producer.max.in.flight.requests.per.connection": "5",
		"west.producer.send.buffer.bytes":                     "-1",

		"east->west.consumer.fetch.max.bytes":           "52428800",
		"east->west.consumer.max.partition.fetch.bytes": "8388608",
		"east->west.consumer.max.poll.records":          "10000",
		"east->west.consumer.receive.buffer.bytes":      "-1",
	}
}
