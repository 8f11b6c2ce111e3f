// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/klamm-io/klamm/sdk"
)

// RequestError is about what a person asked for, and not about the pipeline or its
// clusters: a topic that is not there, an offset beyond the log. Nothing was done.
type RequestError struct{ Err error }

func (e *RequestError) Error() string { return e.Err.Error() }
func (e *RequestError) Unwrap() error { return e.Err }

func (d *Desk) errorf(tp sdk.TopicPartition, format string, args ...any) error {
	return fmt.Errorf("pipeline %s: topic %s partition %d: %w", d.pipeline.Name, tp.Topic, tp.Partition, fmt.Errorf(format, args...))
}

func (d *Desk) refuse(tp sdk.TopicPartition, format string, args ...any) error {
	return &RequestError{d.errorf(tp, format, args...)}
}

// unknown is the error about a partition, or a topic, that has no position.
func (d *Desk) unknown(tp sdk.TopicPartition, known []sdk.TopicPartition) error {
	var topics, partitions []string
	for _, k := range known {
		if k.Topic == tp.Topic {
			partitions = append(partitions, fmt.Sprint(k.Partition))
		} else if !slices.Contains(topics, k.Topic) {
			topics = append(topics, k.Topic)
		}
	}
	switch near := nearest(topics, tp.Topic); {
	case len(partitions) > 0:
		return &RequestError{fmt.Errorf("pipeline %s: topic %s partition %d has no position; those that have one: %s", d.pipeline.Name, tp.Topic, tp.Partition, some(partitions))}
	case near != "":
		return &RequestError{fmt.Errorf("pipeline %s: topic %s has no positions; did you mean %q?", d.pipeline.Name, tp.Topic, near)}
	case len(topics) == 0:
		return &RequestError{fmt.Errorf("pipeline %s: topic %s has no positions; no topic has any yet", d.pipeline.Name, tp.Topic)}
	}
	return &RequestError{fmt.Errorf("pipeline %s: topic %s has no positions; topics that have some: %s", d.pipeline.Name, tp.Topic, some(topics))}
}

// nearest is the name that was probably meant, or empty.
func nearest(names []string, given string) string {
	best, distance := "", 3
	for _, name := range names {
		if n := levenshtein.Distance(name, given, nil); n < distance && n < len(name) {
			best, distance = name, n
		}
	}
	return best
}

// some lists names, and not too many of them.
func some(names []string) string {
	const most = 10
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
