// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// shapingConfigs are the topic settings without which a copy would lose what
// the original keeps, keep what it drops, or refuse what it holds.
var shapingConfigs = []string{
	"cleanup.policy", "retention.ms", "retention.bytes", "delete.retention.ms", "max.message.bytes",
}

// requestTimeoutMillis bounds requests that create or describe topics.
const requestTimeoutMillis = 15000

// DescribeTopics implements [sdk.TopicDescriber]. Where the principal may not
// describe configs, topics have none and a line in the log says so.
func (s *source) DescribeTopics(ctx context.Context, names []string) ([]sdk.Topic, error) {
	configs, err := describeConfigs(ctx, s.client, names, shapingConfigs)
	if err != nil {
		return nil, fmt.Errorf("describing topics: %w", err)
	}
	var topics []sdk.Topic
	for _, name := range names {
		t, ok := s.metadata.topic(name)
		if !ok {
			continue
		}
		found := configs[name]
		if found.err != nil {
			s.env.Log.Warn("topic settings cannot be read; a topic created for it gets the target's defaults (retention, cleanup policy, size limits)",
				"topic", name, "cluster", s.client.name, "error", found.err, "fix", "grant DESCRIBE_CONFIGS on the topic, or create the target topic yourself")
		}
		topics = append(topics, sdk.Topic{Name: name, Partitions: int32(len(t.partitions)), Configs: found.values})
	}
	return topics, nil
}

type topicConfigs struct {
	values map[string]string
	err    error
}

func describeConfigs(ctx context.Context, c *client, topics, keys []string) (map[string]topicConfigs, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, name := range topics {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, name, keys
		req.Resources = append(req.Resources, r)
	}
	out := make(map[string]topicConfigs, len(topics))
	for _, shard := range c.RequestSharded(ctx, req) {
		if shard.Err != nil {
			return nil, shard.Err
		}
		for _, r := range shard.Resp.(*kmsg.DescribeConfigsResponse).Resources {
			found := topicConfigs{err: kerr.ErrorForCode(r.ErrorCode)}
			if found.err == nil {
				found.values = map[string]string{}
			}
			for _, kv := range r.Configs {
				if kv.Value != nil {
					found.values[kv.Name] = *kv.Value
				}
			}
			out[r.ResourceName] = found
		}
	}
	return out, nil
}

// EnsureTopics implements [sdk.TopicEnsurer].
func (s *sink) EnsureTopics(ctx context.Context, topics []sdk.Topic) (map[string]error, error) {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = t.Name
	}
	s.metadata.add(names...)
	if err := s.metadata.refresh(ctx); err != nil {
		return nil, fmt.Errorf("cluster %s: asking for metadata: %w", s.client.name, err)
	}
	failed := map[string]error{}
	var missing, smaller []sdk.Topic
	for _, t := range topics {
		have, ok := s.metadata.topic(t.Name)
		switch {
		case ok && have.err != nil:
			failed[t.Name] = fmt.Errorf("cluster %s: %w", s.client.name, have.err)
		case !ok:
			missing = append(missing, t)
		case len(have.partitions) < int(t.Partitions):
			smaller = append(smaller, t)
		}
	}
	if !s.config.CreateTopics {
		for _, t := range slices.Concat(missing, smaller) {
			failed[t.Name] = fmt.Errorf("cluster %s does not have the topic with %d partitions, and create_topics is off", s.client.name, t.Partitions)
		}
		return failed, nil
	}
	if err := s.createTopics(ctx, missing, failed); err != nil {
		return nil, err
	}
	if err := s.growTopics(ctx, smaller, failed); err != nil {
		return nil, err
	}
	s.warnOfTimestamps(ctx, names)
	return failed, s.metadata.refresh(ctx)
}

// warnOfTimestamps says of which topics the timestamps will not be the source's.
// A principal that may not ask is not told.
func (s *sink) warnOfTimestamps(ctx context.Context, names []string) {
	const key = "message.timestamp.type"
	found, err := describeConfigs(ctx, s.client, names, []string{key})
	if err != nil {
		return
	}
	for _, name := range names {
		if found[name].values[key] == "LogAppendTime" {
			s.env.Log.Warn("the target topic sets timestamps itself, so those of the source are not kept",
				"topic", name, "cluster", s.client.name, "fix", "set message.timestamp.type of the topic to CreateTime")
		}
	}
}

func (s *sink) createTopics(ctx context.Context, topics []sdk.Topic, failed map[string]error) error {
	if len(topics) == 0 {
		return nil
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = requestTimeoutMillis
	for _, t := range topics {
		req.Topics = append(req.Topics, topicToCreate(t.Name, t.Partitions, s.config.ReplicationFactor, t.Configs))
	}
	resp, err := req.RequestWith(ctx, s.client.Client)
	if err != nil {
		return fmt.Errorf("cluster %s: creating topics: %w", s.client.name, err)
	}
	for _, t := range resp.Topics {
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case err == nil:
			s.env.Log.Info("topic created", "topic", t.Topic, "cluster", s.client.name)
		case !errors.Is(err, kerr.TopicAlreadyExists):
			failed[t.Topic] = fmt.Errorf("cluster %s: creating the topic: %w%s", s.client.name, err, detail(t.ErrorMessage))
		}
	}
	return nil
}

func topicToCreate(name string, partitions, replication int32, configs map[string]string) kmsg.CreateTopicsRequestTopic {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, int16(replication)
	for _, key := range slices.Sorted(maps.Keys(configs)) {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = key, kmsg.StringPtr(configs[key])
		t.Configs = append(t.Configs, c)
	}
	return t
}

func (s *sink) growTopics(ctx context.Context, topics []sdk.Topic, failed map[string]error) error {
	if len(topics) == 0 {
		return nil
	}
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.TimeoutMillis = requestTimeoutMillis
	for _, t := range topics {
		rt := kmsg.NewCreatePartitionsRequestTopic()
		rt.Topic, rt.Count = t.Name, t.Partitions
		req.Topics = append(req.Topics, rt)
	}
	resp, err := req.RequestWith(ctx, s.client.Client)
	if err != nil {
		return fmt.Errorf("cluster %s: adding partitions: %w", s.client.name, err)
	}
	for _, t := range resp.Topics {
		// Invalid is only a number that is no increase: another process has
		// been faster.
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil && !errors.Is(err, kerr.InvalidPartitions) {
			failed[t.Topic] = fmt.Errorf("cluster %s: adding partitions: %w%s", s.client.name, err, detail(t.ErrorMessage))
			continue
		}
		s.env.Log.Info("partitions added", "topic", t.Topic, "cluster", s.client.name)
	}
	return nil
}

// detail is what a broker adds to an error code, if anything.
func detail(message *string) string {
	if message == nil || *message == "" {
		return ""
	}
	return ": " + *message
}
