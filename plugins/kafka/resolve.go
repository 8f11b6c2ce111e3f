// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"fmt"

	"github.com/klamm-io/klamm/sdk"
)

var _ sdk.Resolver = (*source)(nil)

// Resolve implements [sdk.Resolver].
func (s *source) Resolve(ctx context.Context, streams []sdk.Stream, where string) ([]sdk.Position, error) {
	b, err := parseBound(where)
	if err != nil {
		return nil, err
	}
	return s.positionsAt(ctx, streams, b)
}

// positionsAt returns the position of each partition at a bound, without those of
// which it cannot be said now.
func (s *source) positionsAt(ctx context.Context, streams []sdk.Stream, b bound) ([]sdk.Position, error) {
	resolved, err := s.resolve(ctx, streams, b)
	if err != nil {
		return nil, fmt.Errorf("resolving where to start: %w", err)
	}
	s.epochsBefore(ctx, resolved)
	positions := make([]sdk.Position, 0, len(streams))
	for _, stream := range streams {
		at := resolved[stream.TopicPartition]
		if at.err != nil {
			s.env.Trouble(fmt.Errorf("cluster %s: resolving where %s starts: %w", s.client.name, stream.TopicPartition, at.err))
			continue
		}
		positions = append(positions, sdk.Position{Stream: stream, Offset: at.offset, LeaderEpoch: at.epoch})
	}
	return positions, nil
}
