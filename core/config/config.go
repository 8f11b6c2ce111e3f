// SPDX-License-Identifier: Apache-2.0

// Package config turns pipeline files into pipelines: it parses HCL, resolves
// variables, locals, for_each and references, expands mirrors, and decodes
// every stage into its plugin's config struct. It touches no network. What is
// wrong in a file is said with its place in it, all at once.
package config

import (
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/klamm-io/klamm/sdk"
)

// Config is a loaded configuration, evaluated once and complete.
type Config struct {
	Clusters  []*sdk.Cluster
	Pipelines []*Pipeline // in file order, for_each and mirrors expanded
	Server    *Server     // nil if the files have no server block
}

// Pipeline is one source, any transforms and one sink.
type Pipeline struct {
	// Name is unique in a configuration and made of [A-Za-z0-9_-], with a dot
	// before the key of a for_each.
	Name       string
	Source     Stage[sdk.SourceConfig]
	Transforms []Stage[sdk.TransformConfig]
	Sink       Stage[sdk.SinkConfig]
	Settings   Settings
	// Range is where the pipeline (or the mirror it comes from) is declared.
	Range hcl.Range
}

// Stage is one block of a pipeline, decoded.
type Stage[C any] struct {
	Plugin string
	Config C
	// Values is the block's content as evaluated, for `klamm expand`.
	Values sdk.Values
	// Range is the block's header, or what stands for it in a mirror.
	Range hcl.Range
}

// Settings are a pipeline's own attributes.
type Settings struct {
	Delivery        string       `hcl:"delivery,optional" enum:"at_least_once" doc:"What a crash may cost: at_least_once repeats a suffix of what was being written."`
	Lanes           int          `hcl:"lanes,optional" doc:"Into how many shares the partitions are divided; the most processes that can share the work. Fixed when the pipeline first runs. Without it: the sink's default."`
	Memory          sdk.Bytes    `hcl:"memory,optional" doc:"How much memory each process may take for the pipeline, all told. A process needs some 40MiB for itself."`
	ShutdownTimeout sdk.Duration `hcl:"shutdown_timeout,optional" doc:"How long a stop waits for what is in flight before it gives it up (it is then copied again at the next start)."`
	OnGap           string       `hcl:"on_gap,optional" enum:"stop,skip" doc:"What happens to a partition of which the source removed records before they were read: it stops, or goes on behind them and leaves a gap record."`
	OnTruncate      string       `hcl:"on_truncate,optional" enum:"stop,continue" doc:"What happens to a partition whose log lost records that were read already: it stops, or goes on where the log now ends and leaves a gap record. The target keeps what the source lost."`
	OnRecreate      string       `hcl:"on_recreate,optional" enum:"stop,restart" doc:"What happens to a partition whose topic was deleted and made again: it stops, or goes on with the new topic from its beginning and leaves a gap record. The target keeps what the old topic held."`
	OnReject        string       `hcl:"on_reject,optional" enum:"stop,drop,dead_letter" doc:"What happens to a record that a transform rejects, because it cannot process it: its partition stops before it; or it is left out, and a gap record says so; or it goes to the topic that the dead_letter block names. In the last two cases the partition goes on."`
	DeadLetter      *DeadLetter  `hcl:"dead_letter,block" doc:"Where rejected records go with on_reject = \"dead_letter\": as they were read, with headers that say where they come from and why they were rejected."`
	Limit           *Limit       `hcl:"limit,block" doc:"The most that the pipeline moves per second, over all its processes: each has the share of the lanes it owns."`
}

// Limit is the limit block of a pipeline.
type Limit struct {
	Bytes   sdk.Bytes `hcl:"bytes,optional" doc:"Bytes per second, as read from the source."`
	Records int64     `hcl:"records,optional" doc:"Records per second."`
}

// DeadLetter is the dead_letter block of a pipeline.
type DeadLetter struct {
	Topic string `hcl:"topic" doc:"A topic of the sink. A record keeps the number of its partition; where the sink creates topics, this one is made, with as many partitions as it takes and the cluster's settings."`
}

// What a partition does that meets a loss at its source, besides to stop.
const (
	OnLossStop         = "stop"
	OnGapSkip          = "skip"
	OnTruncateContinue = "continue"
	OnRecreateRestart  = "restart"
)

// What becomes of a record that a transform rejects.
const (
	OnRejectStop       = "stop"
	OnRejectDrop       = "drop"
	OnRejectDeadLetter = "dead_letter"
)

// defaultSettings are what applies where a pipeline says nothing.
func defaultSettings() Settings {
	return Settings{
		Delivery:        "at_least_once",
		Memory:          256 << 20,
		ShutdownTimeout: sdk.Duration(30 * time.Second),
		OnGap:           OnLossStop,
		OnTruncate:      OnLossStop,
		OnRecreate:      OnLossStop,
		OnReject:        OnRejectStop,
	}
}

const (
	maxLanes  = 1000
	minMemory = 32 << 20
)

// written is implemented by a config struct for which a zero in the file is not
// the same as an attribute that is left out.
type written interface {
	validateWritten(sdk.Values) []sdk.Invalid
}

// Validate implements [sdk.Validator].
func (s *Settings) Validate() []sdk.Invalid {
	var bad []sdk.Invalid
	if s.Lanes < 0 || s.Lanes > maxLanes {
		bad = append(bad, sdk.Invalid{Path: "lanes", Summary: "Invalid number of lanes", Detail: "A pipeline has 1 to 1000 lanes."})
	}
	if s.Memory < minMemory {
		bad = append(bad, sdk.Invalid{Path: "memory", Summary: "Too little memory", Detail: "A pipeline needs at least 32MiB."})
	}
	if l := s.Limit; l != nil && l.Bytes == 0 && l.Records == 0 {
		bad = append(bad, sdk.Invalid{Path: "limit", Summary: "Empty limit", Detail: `A limit has bytes, records, or both: limit { bytes = "5MB" }.`})
	}
	if l := s.Limit; l != nil && l.Records < 0 {
		bad = append(bad, sdk.Invalid{Path: "limit.records", Summary: "Invalid limit", Detail: "Write how many records per second, 1 or more."})
	}
	return append(bad, s.validateDeadLetter()...)
}

func (s *Settings) validateDeadLetter() []sdk.Invalid {
	switch {
	case s.DeadLetter == nil && s.OnReject == OnRejectDeadLetter:
		return []sdk.Invalid{{Path: "on_reject", Summary: "No topic for dead letters", Detail: `Name one: dead_letter { topic = "..." }.`}}
	case s.DeadLetter == nil:
		return nil
	case s.OnReject != OnRejectDeadLetter:
		return []sdk.Invalid{{Path: "dead_letter", Summary: "No dead letters", Detail: `No record goes there without on_reject = "dead_letter".`}}
	case !legalTopic.MatchString(s.DeadLetter.Topic) || s.DeadLetter.Topic == "." || s.DeadLetter.Topic == "..":
		return []sdk.Invalid{{Path: "dead_letter.topic", Summary: "Invalid topic name", Detail: "Topic names are made of letters, digits, dots, underscores and hyphens, at most 249 of them."}}
	}
	return nil
}

var legalTopic = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// validateWritten implements [written].
func (s *Settings) validateWritten(values sdk.Values) []sdk.Invalid {
	var bad []sdk.Invalid
	if values["lanes"] == int64(0) {
		bad = append(bad, sdk.Invalid{Path: "lanes", Summary: "Invalid number of lanes", Detail: "A pipeline has 1 to 1000 lanes. Leave the attribute out for the sink's default."})
	}
	limits, _ := values["limit"].([]sdk.Values)
	for _, l := range limits {
		if l["records"] == int64(0) {
			bad = append(bad, sdk.Invalid{Path: "limit.records", Summary: "Invalid limit", Detail: "Write how many records per second, 1 or more. Leave the attribute out for no limit."})
		}
	}
	return bad
}

// Server is the server block: where metrics, health and status are served.
type Server struct {
	Listen string     `hcl:"listen" doc:"Address (host:port) to serve /metrics, /healthz, /readyz and /api/v1/status on."`
	Token  sdk.Secret `hcl:"token,optional" doc:"Who wants to change anything over the API sends it as a bearer token. Without one, changes are taken from this machine only."`
}

// Validate implements [sdk.Validator].
func (s *Server) Validate() []sdk.Invalid {
	var bad []sdk.Invalid
	_, port, err := net.SplitHostPort(s.Listen)
	if n, err2 := strconv.ParseUint(port, 10, 16); err != nil || err2 != nil || n > 65535 {
		bad = append(bad, sdk.Invalid{Path: "listen", Summary: "Invalid address", Detail: `Write host:port, such as "127.0.0.1:9644".`})
	}
	if strings.ContainsFunc(s.Token.Reveal(), notInToken) {
		bad = append(bad, sdk.Invalid{Path: "token", Summary: "Invalid token", Detail: "A token is made of visible ASCII characters, without spaces and line breaks. What a file ends with is removed by trimspace(file(...))."})
	}
	return bad
}

// notInToken reports whether a header could not carry a character as it is.
func notInToken(r rune) bool { return r <= ' ' || r > '~' }

// validateWritten implements [written].
func (s *Server) validateWritten(values sdk.Values) []sdk.Invalid {
	if values["token"] == sdk.Secret("") {
		return []sdk.Invalid{{Path: "token", Summary: "Empty token", Detail: "An empty token protects nothing. Leave the attribute out to take changes from this machine only."}}
	}
	return nil
}
