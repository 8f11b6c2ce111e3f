// SPDX-License-Identifier: Apache-2.0

// Package config turns pipeline files into pipelines: it parses HCL, resolves
// variables, locals, for_each and references, expands mirrors, and decodes
// every stage into its plugin's config struct. It touches no network. What is
// wrong in a file is said with its place in it, all at once.
package config

import (
	"net"
	"strconv"
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
	Memory          sdk.Bytes    `hcl:"memory,optional" doc:"How many bytes of records the pipeline holds at a time, per process."`
	ShutdownTimeout sdk.Duration `hcl:"shutdown_timeout,optional" doc:"How long a stop waits for what is in flight before it gives it up (it is then copied again at the next start)."`
}

// defaultSettings are what applies where a pipeline says nothing.
func defaultSettings() Settings {
	return Settings{
		Delivery:        "at_least_once",
		Memory:          256 << 20,
		ShutdownTimeout: sdk.Duration(30 * time.Second),
	}
}

const (
	maxLanes  = 1000
	minMemory = 1 << 20
)

// Validate implements [sdk.Validator].
func (s *Settings) Validate() []sdk.Invalid {
	var bad []sdk.Invalid
	if s.Lanes < 0 || s.Lanes > maxLanes {
		bad = append(bad, sdk.Invalid{Path: "lanes", Summary: "Invalid number of lanes", Detail: "A pipeline has 1 to 1000 lanes."})
	}
	if s.Memory < minMemory {
		bad = append(bad, sdk.Invalid{Path: "memory", Summary: "Too little memory", Detail: "A pipeline needs at least 1MiB."})
	}
	return bad
}

// Server is the server block: where metrics, health and status are served.
type Server struct {
	Listen string `hcl:"listen" doc:"Address (host:port) to serve /metrics, /healthz, /readyz and /api/v1/status on."`
}

// Validate implements [sdk.Validator].
func (s *Server) Validate() []sdk.Invalid {
	_, port, err := net.SplitHostPort(s.Listen)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n > 65535 {
		return []sdk.Invalid{{Path: "listen", Summary: "Invalid address", Detail: `Write host:port, such as "127.0.0.1:9644".`}}
	}
	return nil
}
