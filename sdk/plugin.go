// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"context"
	"log/slog"
)

// Plugin is what a block label such as `source "kafka"` names. A field that is
// nil says that the plugin has no such stage. Each function returns a pointer
// to a config struct that holds the defaults; see [SchemaOf] for its tags.
// Functions and schema are pure: no network, no files, no side effects.
type Plugin struct {
	Name    string
	Summary string

	Source    func() SourceConfig
	Transform func() TransformConfig
	Sink      func() SinkConfig
	Sync      func() SyncConfig
}

// SourceConfig is the decoded block of a source, and its constructor.
type SourceConfig interface {
	NewSource(ctx context.Context, env Env) (Source, error)
}

// TransformConfig is the decoded block of a transform, and its constructor.
type TransformConfig interface {
	NewTransform(ctx context.Context, env Env) (Transform, error)
}

// SinkConfig is the decoded block of a sink, and its constructor.
type SinkConfig interface {
	NewSink(ctx context.Context, env Env) (Sink, error)
}

// SyncConfig is the decoded block of a sync, and its constructor. It gets what
// the stages of its pipeline decided: their configs and the topic mapping.
type SyncConfig interface {
	NewSync(ctx context.Context, env Env, of Pipeline) (Sync, error)
}

// Pipeline is what a sync sees of the pipeline it stands in.
type Pipeline struct {
	Source  SourceConfig
	Sink    SinkConfig
	Mapping TopicMapping
}

// Env is what a stage gets from the pipeline it stands in.
type Env struct {
	Pipeline string
	// Log already carries pipeline and stage.
	Log *slog.Logger
	// Memory bounds what the stage holds in buffers of its own, over all lanes.
	Memory *Budget
	// Trouble tells that the stage is retrying something and why, so that it
	// shows; it is told again as long as it lasts. It may be called from any
	// goroutine.
	Trouble func(err error)
}

// Validator is a config that knows more than its schema can say. It must not
// touch the network: `klamm validate` calls it.
type Validator interface {
	Validate() []Invalid
}

// Invalid is something wrong in a stage's block.
type Invalid struct {
	// Path points into the block: "prefix", "topics[2]", `map["a"]`,
	// "replace[0].pattern"; empty is the block itself.
	Path string
	// Summary says what is wrong in a few words, Detail why and what to write
	// instead.
	Summary, Detail string
	// Within is the part of the string at Path that is meant; zero is all of it.
	Within Span
}

// Span is a part of a string, in bytes: [From, To).
type Span struct{ From, To int }

// Clustered is a config whose stage works on a Kafka cluster. Identity checks
// (loops, collisions) go by it before anything is connected.
type Clustered interface {
	UsesCluster() *Cluster
}

// Selecting is a source config that reads a selection of topics.
type Selecting interface {
	SelectsTopic(name string) bool
	// TopicPatterns are the patterns as written.
	TopicPatterns() []string
}
