// SPDX-License-Identifier: Apache-2.0

// Package ledger says what a pipeline keeps on its target: the keys and values
// in the ledgers of its lanes and of its control lane. Whoever owns a lane
// writes its ledger; everybody reads. The control lane's ledger is also how a
// person tells running processes what to do: it moves no records, so whoever
// has something to say owns it for a moment.
//
//	control lane   pipeline                     what the pipeline is
//	               known/TOPIC                  what there was when it first ran
//	               pause[/TOPIC[/PARTITION]]    what shall not be read
//	               move/TOPIC/PARTITION         where a partition shall go on
//	lane           lane                         how the lane is doing
//	               position/TOPIC/PARTITION     how far a partition was read
//	               map/TOPIC/PARTITION/OFFSET   where its records from that offset on are at the target
//	               stop/TOPIC/PARTITION         why it is not read any further
//	               gap/TOPIC/PARTITION/TIME     what of it was passed over
//	               moved/TOPIC/PARTITION        the last move that was carried out
//
// Values are JSON objects with a version "v"; fields are only ever added, and a
// change of meaning raises the version. Topics are escaped as in URLs.
package ledger

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/url"
	"strconv"
	"strings"

	"github.com/klamm-io/klamm/sdk"
)

const (
	pipelineKey = "pipeline"
	laneKey     = "lane"

	knownPrefix = "known/"
	movePrefix  = "move/"
	mapPrefix   = "map/"
	stopPrefix  = "stop/"
	gapPrefix   = "gap/"
	movedPrefix = "moved/"
)

// LaneOf is the lane of a partition. It goes by name, so that a topic made
// again under its name meets its old position.
func LaneOf(tp sdk.TopicPartition, lanes int) int {
	h := fnv.New32a()
	h.Write([]byte(tp.Topic))
	h.Write([]byte{0})
	h.Write([]byte(strconv.Itoa(int(tp.Partition))))
	return int(h.Sum32()%uint32(lanes)) + 1
}

const version = 1

// versioned is what every value begins with.
type versioned struct {
	Version int `json:"v"`
}

// entry makes a ledger entry of a value that embeds versioned.
func entry(key string, value any) (sdk.Entry, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return sdk.Entry{}, fmt.Errorf("encoding the record %q: %w", key, err)
	}
	return sdk.Entry{Key: key, Value: raw}, nil
}

// decode reads a value. What a newer Klamm wrote is refused, never guessed.
func decode(key string, raw []byte, value any) error {
	var v versioned
	if err := json.Unmarshal(raw, &v); err != nil {
		return fmt.Errorf("reading the stored record %q: %w", key, err)
	}
	if v.Version != version {
		return fmt.Errorf("reading the stored record %q: it has version %d; this Klamm reads version %d: use the Klamm that wrote it, or a newer one", key, v.Version, version)
	}
	if err := json.Unmarshal(raw, value); err != nil {
		return fmt.Errorf("reading the stored record %q: %w", key, err)
	}
	return nil
}

func partitionKey(prefix string, tp sdk.TopicPartition) string {
	return prefix + url.PathEscape(tp.Topic) + "/" + strconv.Itoa(int(tp.Partition))
}

// partitionOf reads what partitionKey wrote behind the prefix; rest is what
// follows.
func partitionOf(key, prefix string) (tp sdk.TopicPartition, rest string, err error) {
	parts := strings.SplitN(strings.TrimPrefix(key, prefix), "/", 3)
	if len(parts) < 2 {
		return tp, "", fmt.Errorf("the stored key %q names no partition", key)
	}
	if tp.Topic, err = url.PathUnescape(parts[0]); err != nil {
		return tp, "", fmt.Errorf("the stored key %q: %w", key, err)
	}
	n, err := strconv.ParseInt(parts[1], 10, 32)
	if err != nil || n < 0 {
		return tp, "", fmt.Errorf("the stored key %q: %q is not a partition", key, parts[1])
	}
	tp.Partition = int32(n)
	if len(parts) == 3 {
		rest = parts[2]
	}
	return tp, rest, nil
}
