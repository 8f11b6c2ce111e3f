// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klamm-io/klamm/test/kafka"
)

// job is what an engine is to copy.
type job struct {
	name       string // no two jobs have the same
	from, to   []string
	topics     []string
	prefix     string // of the names at the target
	partitions int    // of each topic
	codec      string
	records    int64 // 0 is without an end
	far        bool  // a link lies between
}

// target is the name of a topic's copy.
func (j *job) target(topic string) string { return j.prefix + topic }

// The engines, by the names that flags and tables have for them.
const (
	klammEngine    = "klamm"
	decodedEngine  = "klamm decoded"
	loopEngine     = "loop"
	promptEngine   = "loop without linger"
	defaultEngine  = "mirrormaker default"
	tunedEngine    = "mirrormaker tuned"
	floorEngine    = "floor"
	noMirrorEngine = "no mirror"
)

// engineNames are those that can be chosen; the others belong to one measure.
func engineNames() []string {
	return []string{klammEngine, decodedEngine, loopEngine, defaultEngine, tunedEngine, floorEngine}
}

func isMirrorMaker(engine string) bool { return engine == defaultEngine || engine == tunedEngine }

// command is how an engine is started for a job.
func (b *bench) command(ctx context.Context, engine string, j *job) (*exec.Cmd, error) {
	switch engine {
	case klammEngine:
		file, err := b.pipeline(j, "")
		return exec.CommandContext(ctx, b.klamm, "run", file), err
	case decodedEngine:
		file, err := b.pipeline(j, fmt.Sprintf("  transform \"touch\" {}\n  sink \"kafka\" {\n    cluster     = cluster.west\n    compression = %q\n  }\n", j.codec))
		return b.owned(ctx, "klamm", "run", file), err
	case loopEngine, promptEngine:
		return b.loop(ctx, engine, j)
	case defaultEngine, tunedEngine:
		file := filepath.Join(b.dir, j.name+".properties")
		if err := os.WriteFile(file, []byte(mirrorMakerProperties(j, engine == tunedEngine)), 0o600); err != nil {
			return nil, err
		}
		return kafka.MirrorMaker(ctx, file)
	default:
		return nil, fmt.Errorf("%s is no mirror", engine)
	}
}

// pipeline writes Klamm's file; rest stands where the sink would.
func (b *bench) pipeline(j *job, rest string) (string, error) {
	if rest == "" {
		rest = "  sink \"kafka\" { cluster = cluster.west }\n"
	}
	until := ""
	if j.records > 0 {
		until = "    until   = \"latest\"\n"
	}
	text := fmt.Sprintf(`cluster "east" { brokers = [%s] }
cluster "west" { brokers = [%s] }

pipeline %q {
  source "kafka" {
    cluster = cluster.east
    topics  = [%s]
%s  }
  transform "rename" { prefix = %q }
%s}
`, quoted(j.from), quoted(j.to), j.name, quoted(j.topics), until, j.prefix, rest)
	file := filepath.Join(b.dir, j.name+".hcl")
	return file, os.WriteFile(file, []byte(text), 0o600)
}

func quoted(list []string) string {
	var all []string
	for _, s := range list {
		all = append(all, fmt.Sprintf("%q", s))
	}
	return strings.Join(all, ", ")
}

func (b *bench) loop(ctx context.Context, engine string, j *job) (*exec.Cmd, error) {
	for _, topic := range j.topics {
		if err := b.west.createTopic(ctx, j.target(topic), j.partitions); err != nil {
			return nil, err
		}
	}
	args := []string{
		"loop", "-from", join(j.from), "-to", join(j.to), "-topics", join(j.topics), "-prefix", j.prefix,
		"-codec", j.codec, "-records", fmt.Sprint(j.records), "-partitions", fmt.Sprint(j.partitions),
	}
	if engine == promptEngine {
		args = append(args, "-linger", "0s")
	}
	return b.owned(ctx, args...), nil
}

// newJob is a job that no other run gets in the way of.
func (b *bench) newJob(engine string, l *loaded) *job {
	b.jobs++
	j := &job{
		name: fmt.Sprintf("bench-%d", b.jobs), from: b.east.direct(), to: b.west.direct(), topics: []string{l.topic},
		partitions: len(l.ends), codec: l.codec, records: l.records,
	}
	// MirrorMaker 2 is told to keep names, for only then it renames nothing.
	if !isMirrorMaker(engine) {
		j.prefix = j.name + "."
	}
	return j
}

// chosen are the engines among names that flags ask for.
func (b *bench) chosen(names ...string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		if name == promptEngine {
			name = loopEngine
		}
		return name != noMirrorEngine && !b.runsEngine(name)
	})
}
