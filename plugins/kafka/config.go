// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/klamm-io/klamm/sdk"
)

// SourceConfig is the block `source "kafka"`.
type SourceConfig struct {
	Cluster   *sdk.Cluster `hcl:"cluster" doc:"The cluster to read from."`
	Topics    []string     `hcl:"topics" doc:"Which topics: globs, regular expressions between slashes (they match the whole name), and either with a leading ! to exclude; excludes always win. Topics that begin with __, and those of MirrorMaker and Klamm themselves, are read only if their full name is in the list."`
	Since     string       `hcl:"since,optional" doc:"Where partitions begin that have no stored position: \"earliest\", \"latest\" (at the first start), an RFC 3339 time, or an offset. Partitions that come into being later begin at their first record."`
	Until     string       `hcl:"until,optional" doc:"Where to end: \"latest\" (the last stable offset at start), an RFC 3339 time, or an offset (exclusive). The run then ends by itself when every partition is there."`
	Isolation string       `hcl:"isolation,optional" enum:"read_committed,read_uncommitted" doc:"Whether records of aborted and open transactions are left out."`
}

// SinkConfig is the block `sink "kafka"`.
type SinkConfig struct {
	Cluster           *sdk.Cluster `hcl:"cluster" doc:"The cluster to write to; the pipeline's positions live there too."`
	Compression       string       `hcl:"compression,optional" enum:"keep,none,gzip,snappy,lz4,zstd" doc:"Codec of the batches written: keep is the one that they were read with, in which case a batch that no stage changes is written as it was read. Any other decodes and encodes every batch that has another codec."`
	BatchSize         sdk.Bytes    `hcl:"batch_size,optional" doc:"Largest batch that is encoded anew, before compression; batches written as they were read keep their size. A single record may be larger, up to the topic's max.message.bytes."`
	CreateTopics      bool         `hcl:"create_topics,optional" doc:"Create topics that are missing, with the source's partition count, cleanup policy, retention and size limits, and add partitions as the source's topics grow (not with partitioner = \"key_hash\")."`
	ReplicationFactor int32        `hcl:"replication_factor,optional" doc:"Replication factor of topics created, the pipeline's own included; -1 is the cluster's default."`
	Partitioner       string       `hcl:"partitioner,optional" enum:"keep,key_hash" doc:"Which partition of the target a record goes to: keep is the number it has at the source; key_hash goes by the record's key and the target's number of partitions, as Kafka's Java producer does by default, and by the source partition modulo that number where there is no key. Left out, it is as with keep, but a target with more partitions than the source is refused."`
}

func newSourceConfig() sdk.SourceConfig {
	return &SourceConfig{Since: earliest, Isolation: "read_committed"}
}

func newSinkConfig() sdk.SinkConfig {
	return &SinkConfig{Compression: "keep", BatchSize: 1 << 20, CreateTopics: true, ReplicationFactor: -1}
}

const (
	earliest = "earliest"
	latest   = "latest"
)

// UsesCluster implements [sdk.Clustered].
func (c *SourceConfig) UsesCluster() *sdk.Cluster { return c.Cluster }

// UsesCluster implements [sdk.Clustered].
func (c *SinkConfig) UsesCluster() *sdk.Cluster { return c.Cluster }

// TopicPatterns implements [sdk.Selecting].
func (c *SourceConfig) TopicPatterns() []string { return c.Topics }

// SelectsTopic implements [sdk.Selecting].
func (c *SourceConfig) SelectsTopic(name string) bool {
	s, err := sdk.NewSelection(c.Topics)
	return err == nil && selects(s, name)
}

// Validate implements [sdk.Validator].
func (c *SourceConfig) Validate() []sdk.Invalid {
	var bad []sdk.Invalid
	if len(c.Topics) == 0 {
		bad = append(bad, sdk.Invalid{Path: "topics", Summary: "No topics", Detail: `Name the topics to read, such as topics = ["orders.*", "!*.internal"].`})
	}
	bad = append(bad, invalidPatterns(c.Topics)...)
	if _, err := parseBound(c.Since); err != nil {
		bad = append(bad, sdk.Invalid{Path: "since", Summary: "Invalid since", Detail: err.Error() + "."})
	}
	if c.Until == earliest {
		bad = append(bad, sdk.Invalid{Path: "until", Summary: "Invalid until", Detail: `There is nothing before "earliest".`})
	} else if _, err := parseBound(c.Until); c.Until != "" && err != nil {
		bad = append(bad, sdk.Invalid{Path: "until", Summary: "Invalid until", Detail: err.Error() + "."})
	}
	since, err1 := parseBound(c.Since)
	until, err2 := parseBound(c.Until)
	if err1 == nil && err2 == nil && !since.time.IsZero() && !until.time.IsZero() && until.time.Before(since.time) {
		bad = append(bad, sdk.Invalid{Path: "until", Summary: "until is before since", Detail: "Nothing lies between the two."})
	}
	return bad
}

// invalidPatterns reports every pattern that is wrong.
func invalidPatterns(patterns []string) []sdk.Invalid {
	var bad []sdk.Invalid
	for i, pattern := range patterns {
		path, glob := fmt.Sprintf("topics[%d]", i), strings.TrimPrefix(pattern, "!")
		// Beside "*", so that an exclude is not alone.
		if _, err := sdk.NewSelection([]string{"*", pattern}); err != nil {
			bad = append(bad, sdk.Invalid{Path: path, Summary: "Invalid topic pattern", Detail: err.Error() + "."})
		} else if !strings.HasPrefix(glob, "/") && !topicGlob.MatchString(glob) {
			bad = append(bad, sdk.Invalid{
				Path: path, Summary: "Pattern that matches no topic",
				Detail: fmt.Sprintf("Topic names are made of letters, digits, dots, underscores and hyphens, and a glob adds *, ? and [...]. A regular expression stands between slashes: \"/%s/\".", glob),
			})
		}
	}
	if _, err := sdk.NewSelection(patterns); err != nil && len(bad) == 0 {
		bad = append(bad, sdk.Invalid{Path: "topics[0]", Summary: "Invalid topic pattern", Detail: err.Error() + "."})
	}
	return bad
}

// Validate implements [sdk.Validator].
func (c *SinkConfig) Validate() []sdk.Invalid {
	var bad []sdk.Invalid
	if c.BatchSize < 1<<10 || c.BatchSize > 1<<30 {
		bad = append(bad, sdk.Invalid{Path: "batch_size", Summary: "Invalid batch size", Detail: "A batch may be 1KiB to 1GiB."})
	}
	if c.ReplicationFactor == 0 || c.ReplicationFactor < -1 || c.ReplicationFactor > 1<<15-1 {
		bad = append(bad, sdk.Invalid{Path: "replication_factor", Summary: "Invalid replication factor", Detail: "Write 1 or more, or -1 for the cluster's default."})
	}
	return bad
}

// topicGlob is what a glob for topic names is made of.
var topicGlob = regexp.MustCompile(`^[a-zA-Z0-9._*?\[\]^\\-]+$`)

// bound is one end of what is read: one of a name, a time, or an offset.
type bound struct {
	name   string // earliest or latest
	time   time.Time
	offset int64 // if neither of the others
}

func parseBound(s string) (bound, error) {
	if s == earliest || s == latest {
		return bound{name: s}, nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n >= 0 {
		return bound{offset: n}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return bound{time: t}, nil
	}
	return bound{}, fmt.Errorf(`%q is neither "earliest", "latest", a time such as "2026-11-23T08:00:00Z", nor an offset`, s)
}
