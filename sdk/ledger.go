// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

const (
	positionPrefix  = "position/"
	positionVersion = 1
)

// PositionKey is the ledger key of a partition's position. It goes by name, so
// that a topic made again under its name finds the old position and is noticed
// by its id, instead of starting over.
func PositionKey(tp TopicPartition) string {
	return positionPrefix + url.PathEscape(tp.Topic) + "/" + strconv.Itoa(int(tp.Partition))
}

// positionValue is the stored form of a position. Fields are only ever added;
// a change of meaning raises the version.
type positionValue struct {
	Version     int    `json:"v"`
	TopicID     string `json:"topic_id"`
	Offset      int64  `json:"offset"`
	LeaderEpoch int32  `json:"leader_epoch"`
	Target      string `json:"target,omitempty"`
	Token       string `json:"token,omitempty"` // base64
}

// EncodePosition makes the ledger entry of a position.
func EncodePosition(p Position) (Entry, error) {
	v := positionValue{
		Version: positionVersion, TopicID: p.TopicID.String(), Offset: p.Offset, LeaderEpoch: p.LeaderEpoch, Target: p.Target,
		Token: base64.StdEncoding.EncodeToString([]byte(p.Token)),
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return Entry{}, fmt.Errorf("encoding position %s: %w", p, err)
	}
	return Entry{Key: PositionKey(p.TopicPartition), Value: raw}, nil
}

// DecodePosition reads a ledger entry; ok is false if it is none of a position.
// What a newer Klamm wrote is refused, never guessed.
func DecodePosition(key string, value []byte) (p Position, ok bool, err error) {
	rest, ok := strings.CutPrefix(key, positionPrefix)
	if !ok {
		return Position{}, false, nil
	}
	fail := func(err error) (Position, bool, error) {
		return Position{}, true, fmt.Errorf("reading stored position %q: %w", key, err)
	}
	name, number, found := strings.Cut(rest, "/")
	if !found {
		return fail(fmt.Errorf("the key has no partition"))
	}
	topic, err := url.PathUnescape(name)
	if err != nil {
		return fail(err)
	}
	partition, err := strconv.ParseInt(number, 10, 32)
	if err != nil || partition < 0 {
		return fail(fmt.Errorf("%q is not a partition", number))
	}
	tp := TopicPartition{Topic: topic, Partition: int32(partition)}
	if PositionKey(tp) != key {
		return fail(fmt.Errorf("the key of this partition is %q", PositionKey(tp)))
	}
	var v positionValue
	if err := json.Unmarshal(value, &v); err != nil {
		return fail(err)
	}
	if v.Version != positionVersion {
		return fail(fmt.Errorf("version %d; this Klamm reads version %d: use the Klamm that wrote it, or a newer one", v.Version, positionVersion))
	}
	id, err := ParseTopicID(v.TopicID)
	if err != nil {
		return fail(err)
	}
	if v.Offset < 0 || v.LeaderEpoch < NoEpoch {
		return fail(fmt.Errorf("offset %d, leader epoch %d: not a position", v.Offset, v.LeaderEpoch))
	}
	token, err := base64.StdEncoding.DecodeString(v.Token)
	if err != nil {
		return fail(err)
	}
	return Position{
		Stream: Stream{TopicPartition: tp, TopicID: id},
		Offset: v.Offset, LeaderEpoch: v.LeaderEpoch, Target: v.Target, Token: string(token),
	}, true, nil
}
