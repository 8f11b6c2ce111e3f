// SPDX-License-Identifier: Apache-2.0

package records

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const lag = "min.compaction.lag.ms"

// compactedConfigs make a log of a few segments that nothing cleans yet.
func compactedConfigs(count int) map[string]string {
	return map[string]string{
		"cleanup.policy":            "compact",
		"min.cleanable.dirty.ratio": "0.01",
		"segment.ms":                strconv.Itoa(max(count/4, 1)), // records are a millisecond apart
		lag:                         strconv.Itoa(math.MaxInt64),
	}
}

// fillCompacted writes many records of few keys, some of them tombstones.
func (p *production) fillCompacted(ctx context.Context, t *Topic) error {
	s := p.newSource(t.Name, "compacted", 30)
	keys := max(t.Written/10, 1)
	err := p.fill(ctx, t.Written, func(int) *kgo.Record {
		r := s.odd()
		key := s.random.IntN(keys)
		r.Key = fmt.Appendf(nil, "key-%d", key)
		if key == 0 {
			r.Key = []byte{}
		}
		r.Partition = int32(key) % s.partitions
		// An old timestamp would end a segment.
		r.Timestamp = time.UnixMilli(epoch + s.serial)
		return r
	}, kgo.ProducerLinger(0), kgo.MaxBufferedRecords(max(t.Written/50, 1)))
	if err != nil || !p.Compact {
		return err
	}
	return p.compact(ctx, t.Name)
}

// compact lets the cleaner at the topic until it has done its work, and keeps
// it away again.
func (p *production) compact(ctx context.Context, topic string) error {
	const bound = 60 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, bound, fmt.Errorf("not compacted after %s", bound))
	defer cancel()
	full, err := p.size(ctx, topic)
	if err != nil {
		return err
	}
	if err := p.setLag(ctx, topic, 0); err != nil {
		return err
	}
	if err := p.awaitSmaller(ctx, topic, full); err != nil {
		return fmt.Errorf("compacting: %w", err)
	}
	return p.setLag(ctx, topic, math.MaxInt64)
}

// awaitSmaller waits until the topic has shrunk and does so no more.
func (p *production) awaitSmaller(ctx context.Context, topic string, full int64) error {
	const still = 8 // polls without a change
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	last, same := full, 0
	for last == full || same < still {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d bytes: %w", last, full, context.Cause(ctx))
		case <-tick.C:
		}
		size, err := p.size(ctx, topic)
		if err != nil {
			return err
		}
		same++
		if size != last {
			last, same = size, 0
		}
	}
	return nil
}

// size is that of the topic's logs on disk.
func (p *production) size(ctx context.Context, topic string) (int64, error) {
	topics := kadm.TopicsSet{}
	for partition := range p.Partitions {
		topics.Add(topic, partition)
	}
	brokers, err := p.admin.DescribeAllLogDirs(ctx, topics)
	if err != nil {
		return 0, fmt.Errorf("describing log dirs: %w", err)
	}
	var size int64
	brokers.Each(func(dir kadm.DescribedLogDir) {
		err = errors.Join(err, dir.Err)
		size += dir.Size()
	})
	return size, err
}

func (p *production) setLag(ctx context.Context, topic string, ms int64) error {
	value := strconv.FormatInt(ms, 10)
	answers, err := p.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: lag, Value: &value}}, topic)
	for _, answer := range answers {
		err = errors.Join(err, answer.Err)
	}
	if err != nil {
		return fmt.Errorf("setting %s: %w", lag, err)
	}
	return nil
}
