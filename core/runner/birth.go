// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/klamm-io/klamm/sdk"
)

// birth is what the control lane's ledger keeps of a pipeline's first run: what
// it is, so that a stranger's positions are never taken for its own, and which
// partitions there were, so that `since` applies to these and to no later ones.
type birth struct {
	identity identity
	known    map[string]knownTopic
}

const (
	identityKey    = "pipeline"
	knownPrefix    = "known/"
	controlVersion = 1
)

// identity is stored under "pipeline".
type identity struct {
	Version  int    `json:"v"`
	Pipeline string `json:"pipeline"`
	Source   string `json:"source"` // cluster id
	Sink     string `json:"sink"`   // cluster id
	Lanes    int    `json:"lanes"`
	Created  string `json:"created"` // RFC 3339
}

// knownTopic is stored under "known/" and the topic's name.
type knownTopic struct {
	Version    int    `json:"v"`
	TopicID    string `json:"topic_id"`
	Partitions int32  `json:"partitions"`
}

// has reports whether a partition was there when the pipeline first ran.
func (b *birth) has(s sdk.Stream) bool {
	k, ok := b.known[s.Topic]
	return ok && k.TopicID == s.TopicID.String() && s.Partition < k.Partitions
}

func newBirth(id identity, streams []sdk.Stream) *birth {
	b := &birth{identity: id, known: map[string]knownTopic{}}
	for _, s := range streams {
		k := b.known[s.Topic]
		b.known[s.Topic] = knownTopic{controlVersion, s.TopicID.String(), max(k.Partitions, s.Partition+1)}
	}
	return b
}

func (b *birth) encode() ([]sdk.Entry, error) {
	raw, err := json.Marshal(b.identity)
	if err != nil {
		return nil, err
	}
	entries := []sdk.Entry{{Key: identityKey, Value: raw}}
	for topic, k := range b.known {
		raw, err := json.Marshal(k)
		if err != nil {
			return nil, err
		}
		entries = append(entries, sdk.Entry{Key: knownPrefix + url.PathEscape(topic), Value: raw})
	}
	return entries, nil
}

// decodeBirth reads a control ledger; nil if the pipeline never ran.
func decodeBirth(entries map[string][]byte) (*birth, error) {
	raw, ok := entries[identityKey]
	if !ok {
		return nil, nil
	}
	b := &birth{known: map[string]knownTopic{}}
	if err := json.Unmarshal(raw, &b.identity); err != nil {
		return nil, fmt.Errorf("reading the control record %q: %w", identityKey, err)
	}
	if err := checkVersion(identityKey, b.identity.Version); err != nil {
		return nil, err
	}
	for key, raw := range entries {
		name, ok := strings.CutPrefix(key, knownPrefix)
		if !ok {
			continue
		}
		topic, err := url.PathUnescape(name)
		if err != nil {
			return nil, fmt.Errorf("reading the control record %q: %w", key, err)
		}
		var k knownTopic
		if err := json.Unmarshal(raw, &k); err != nil {
			return nil, fmt.Errorf("reading the control record %q: %w", key, err)
		}
		if err := checkVersion(key, k.Version); err != nil {
			return nil, err
		}
		b.known[topic] = k
	}
	return b, nil
}

func checkVersion(key string, version int) error {
	if version != controlVersion {
		return fmt.Errorf("the control record %q has version %d; this Klamm reads version %d", key, version, controlVersion)
	}
	return nil
}

// identity is what this run would be born as.
func (r *Runner) identity() identity {
	return identity{
		Version: controlVersion, Pipeline: r.pipeline.Name, Source: r.source.ID(), Sink: r.sink.ID(),
		Lanes: r.store.Lanes(), Created: time.Now().UTC().Format(time.RFC3339),
	}
}

// checkBirth takes the birth over if there has been one.
func (r *Runner) checkBirth(ctx context.Context) error {
	entries, err := r.store.Read(ctx, sdk.ControlLane)
	if err != nil {
		return err
	}
	b, err := decodeBirth(entries)
	if err != nil {
		return fmt.Errorf("%s: %w", r.store.Name(), err)
	}
	if b == nil {
		return nil
	}
	return r.accept(b)
}

// accept remembers the birth, and refuses one that belongs to something else.
func (r *Runner) accept(b *birth) error {
	mine := r.identity()
	switch {
	case b.identity.Source != mine.Source:
		return &sdk.EnvironmentError{
			Err: fmt.Errorf("%s holds the positions of a pipeline %q that reads from %s; this one reads from %s", r.store.Name(), b.identity.Pipeline, b.identity.Source, mine.Source),
			Fix: "give this pipeline another name",
		}
	case b.identity.Sink != mine.Sink:
		return &sdk.EnvironmentError{
			Err: fmt.Errorf("%s holds the positions of a pipeline %q that writes to %s; this one writes to %s", r.store.Name(), b.identity.Pipeline, b.identity.Sink, mine.Sink),
			Fix: "give this pipeline another name",
		}
	}
	r.mu.Lock()
	r.birth = b
	r.mu.Unlock()
	return nil
}

// awaitBirth waits until the owner of the control lane has written the birth.
func (r *Runner) awaitBirth(ctx context.Context) (*birth, error) {
	for {
		r.mu.Lock()
		b := r.birth
		r.mu.Unlock()
		if b != nil {
			return b, nil
		}
		if err := r.checkBirth(ctx); err != nil {
			return nil, err
		}
		timer := time.NewTimer(backoffMin)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

// bear writes the birth into the control lane's ledger, unless there is one.
func (r *Runner) bear(ctx context.Context, ledger sdk.Ledger) error {
	b, err := decodeBirth(ledger.Entries())
	if err != nil {
		return err
	}
	if b == nil {
		r.mu.Lock()
		streams := r.streams
		r.mu.Unlock()
		if surveyor, ok := r.source.(sdk.Surveyor); ok {
			if streams, err = surveyor.Survey(ctx); err != nil {
				return err
			}
		}
		b = newBirth(r.identity(), streams)
		entries, err := b.encode()
		if err != nil {
			return err
		}
		if err := ledger.Commit(ctx, entries); err != nil {
			return err
		}
	}
	return r.accept(b)
}
