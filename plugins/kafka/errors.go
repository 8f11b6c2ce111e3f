// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
)

// fenced reports whether a producer has a newer owner.
func fenced(err error) bool {
	return errors.Is(err, kerr.InvalidProducerEpoch) || errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerIDMapping)
}

// isAnswer tells a broker's answer from a connection that failed.
func isAnswer(err error) bool {
	_, ok := errors.AsType[*kerr.Error](err)
	return ok
}

// transient reports whether a batch may be sent again as it is.
func transient(err error) bool {
	switch {
	case errors.Is(err, kerr.CorruptMessage), errors.Is(err, kerr.InvalidTimestamp):
		return false // kerr takes these for retriable
	case errors.Is(err, kerr.UnknownTopicID),
		errors.Is(err, kerr.NotEnoughReplicas), errors.Is(err, kerr.NotEnoughReplicasAfterAppend):
		return true
	}
	return kerr.IsRetriable(err)
}
