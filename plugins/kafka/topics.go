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
// describe configs, topics have none and a line in the log says so. The numbers
// of partitions are as of now: another process may have grown a target by them.
func (s *source) DescribeTopics(ctx context.Context, names []string) ([]sdk.Topic, error) {
	if err := s.metadata.refresh(ctx); err != nil {
		return nil, fmt.Errorf("cluster %s: asking for metadata: %w", s.client.name, err)
	}
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
	if err := s.refresh(ctx); err != nil {
		return nil, err
	}
	failed := map[string]error{}
	for _, t := range topics {
		if have, ok := s.metadata.topic(t.Name); ok && have.err != nil {
			failed[t.Name] = fmt.Errorf("cluster %s: %w", s.client.name, have.err)
		}
	}
	if s.config.CreateTopics {
		if err := s.createTopics(ctx, s.missing(topics), failed); err != nil {
			return nil, err
		}
		if err := s.growTopics(ctx, s.smaller(topics), failed); err != nil {
			return nil, err
		}
	} else {
		s.refuseUnfit(topics, failed)
	}
	s.warnOfTimestamps(ctx, names)
	if err := s.refresh(ctx); err != nil {
		return nil, err
	}
	for _, t := range topics {
		if err := s.checkCount(t); err != nil && failed[t.Name] == nil {
			failed[t.Name] = err
		}
	}
	return failed, nil
}

func (s *sink) refresh(ctx context.Context) error {
	if err := s.metadata.refresh(ctx); err != nil {
		return fmt.Errorf("cluster %s: asking for metadata: %w", s.client.name, err)
	}
	return nil
}

// missing are the topics that the cluster does not have.
func (s *sink) missing(topics []sdk.Topic) []sdk.Topic {
	return slices.DeleteFunc(slices.Clone(topics), func(t sdk.Topic) bool {
		_, ok := s.metadata.topic(t.Name)
		return ok
	})
}

// smaller are the topics that have to get partitions.
func (s *sink) smaller(topics []sdk.Topic) []sdk.Topic {
	if s.config.Partitioner == partitionerKeyHash {
		return nil // any number will do, and another one would move keys
	}
	return slices.DeleteFunc(slices.Clone(topics), func(t sdk.Topic) bool {
		have, ok := s.metadata.topic(t.Name)
		return !ok || have.err != nil || len(have.partitions) >= int(t.Partitions)
	})
}

// refuseUnfit says of which topics more would be needed than is there, where
// nothing may be made.
func (s *sink) refuseUnfit(topics []sdk.Topic, failed map[string]error) {
	for _, t := range s.missing(topics) {
		failed[t.Name] = fmt.Errorf("cluster %s does not have the topic, and create_topics is off; make it with %d partitions", s.client.name, t.Partitions)
	}
	for _, t := range s.smaller(topics) {
		have, _ := s.metadata.topic(t.Name)
		failed[t.Name] = fmt.Errorf("cluster %s has it with %d partitions, the source's topic has %d, and create_topics is off; add partitions, or write partitioner = \"key_hash\"",
			s.client.name, len(have.partitions), t.Partitions)
	}
}

// checkCount refuses a topic whose number of partitions the partitioner cannot
// do with. What has just been made or grown may not be in the metadata yet.
func (s *sink) checkCount(t sdk.Topic) error {
	have, ok := s.metadata.topic(t.Name)
	switch {
	case !ok || have.err != nil:
		return nil
	case s.keys != nil:
		if _, err := s.keys.fixed(t.Name); err != nil {
			return fmt.Errorf("%w; %s", err, fixRecounted)
		}
	case s.config.Partitioner == "" && !t.Shared && len(have.partitions) > int(t.Partitions):
		return fmt.Errorf("cluster %s has it with %d partitions, the source's topic has %d; write partitioner = \"keep\" (same number, the others stay empty) or partitioner = \"key_hash\" (by key, over all of them), or make it with %[3]d partitions",
			s.client.name, len(have.partitions), t.Partitions)
	}
	return nil
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
	return s.refresh(ctx) // what another process has made meanwhile may be smaller
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
