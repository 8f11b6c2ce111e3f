// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// session is a fetch session (KIP-227): the broker remembers which partitions it is
// asked for, so that a request names only those that have changed, and an answer
// only those that have something. Thousands of idle partitions then cost next to
// nothing. A session lasts no longer than its connection. It belongs to the
// goroutine of its fetcher.
//
// The broker puts partitions that it has served behind the others, so that a large
// one does not keep the small ones waiting.
type session struct {
	owner   *fetcher
	version int16 // of the requests
	id      int32
	epoch   int32 // 0 names everything
	resets  int
	known   map[answerKey]*cursor // what the broker remembers
}

// asked is what a partition was last asked for with, in which session.
type asked struct {
	session     *session
	resets      int
	offset      int64
	epoch       int32
	leaderEpoch int32
	limit       int32
}

func newSession(owner *fetcher, version int16) *session {
	return &session{owner: owner, version: version, known: map[answerKey]*cursor{}}
}

// reset makes the next request name everything again. The broker then answers for
// every partition.
func (s *session) reset() { s.epoch = 0 }

// fill puts into a request what the broker does not know yet of the cursors, and
// which it is to forget. want says what a cursor is to be asked for with.
func (s *session) fill(req *kmsg.FetchRequest, cursors []*cursor, want func(*cursor) asked) {
	if s.epoch == 0 {
		clear(s.known)
		s.resets++
	}
	req.SessionID, req.SessionEpoch = s.id, s.epoch
	topics := map[sdk.TopicID]int{}
	for _, c := range cursors {
		now := want(c)
		now.session, now.resets = s, s.resets
		if c.asked == now {
			continue
		}
		c.asked = now
		s.known[s.key(c)] = c
		i, ok := topics[c.stream.TopicID]
		if !ok {
			t := kmsg.NewFetchRequestTopic()
			t.Topic, t.TopicID = c.stream.Topic, c.stream.TopicID
			req.Topics = append(req.Topics, t)
			i = len(req.Topics) - 1
			topics[c.stream.TopicID] = i
		}
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, now.request(c.stream.Partition))
	}
	if len(s.known) > len(cursors) {
		s.forget(req, cursors)
	}
}

func (s *session) key(c *cursor) answerKey {
	return keyOf(s.version, c.stream.Topic, c.stream.TopicID, c.stream.Partition)
}

func (a asked) request(partition int32) kmsg.FetchRequestTopicPartition {
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition = partition
	p.CurrentLeaderEpoch = a.leaderEpoch
	p.FetchOffset = a.offset
	// With the epoch of what was read last the broker itself finds out that the
	// log was truncated since (KIP-595), also after it has grown past the offset
	// again.
	p.LastFetchedEpoch = a.epoch
	p.LogStartOffset = -1
	p.PartitionMaxBytes = a.limit
	return p
}

// forget names what the broker knows and nobody wants now.
func (s *session) forget(req *kmsg.FetchRequest, cursors []*cursor) {
	wanted := make(map[*cursor]struct{}, len(cursors))
	for _, c := range cursors {
		wanted[c] = struct{}{}
	}
	for key, c := range s.known {
		if _, ok := wanted[c]; ok {
			continue
		}
		delete(s.known, key)
		if c.home.Load() == s.owner { // else it is another fetcher's by now
			c.asked = asked{}
		}
		t := kmsg.NewFetchRequestForgottenTopic()
		t.Topic, t.TopicID, t.Partitions = c.stream.Topic, c.stream.TopicID, []int32{c.stream.Partition}
		req.ForgottenTopics = append(req.ForgottenTopics, t)
	}
}

// answered takes what an answer says of the session. An error means that the
// request has to be made again, of everything.
func (s *session) answered(resp *kmsg.FetchResponse) error {
	err := kerr.ErrorForCode(resp.ErrorCode)
	switch {
	case err != nil, resp.SessionID == 0: // the broker has no room for another session
		s.id, s.epoch = 0, 0
	case s.epoch == 0 || s.epoch == 1<<31-1:
		s.id, s.epoch = resp.SessionID, 1
	default:
		s.epoch++
	}
	return err
}

// sessionLost reports whether a broker has only lost the session.
func sessionLost(err error) bool {
	return errors.Is(err, kerr.FetchSessionIDNotFound) || errors.Is(err, kerr.InvalidFetchSessionEpoch) || errors.Is(err, kerr.FetchSessionTopicIDError)
}
