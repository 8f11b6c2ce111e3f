// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// quiet is how long a broker that throttles wants to hear nothing.
const quiet = 400 * time.Millisecond

// throttleOnce answers the first request of a kind with a throttle time, and returns
// how long after that the second came.
func throttleOnce(k *kfake.Cluster, key kmsg.Key, answer func(kmsg.Request) kmsg.Response) <-chan time.Duration {
	second := make(chan time.Duration, 1)
	var answered time.Time
	k.ControlKey(int16(key), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if !answered.IsZero() {
			second <- time.Since(answered)
			return nil, nil, false
		}
		k.KeepControl()
		answered = time.Now()
		return answer(r), nil, true
	})
	return second
}

// A broker that throttles answers at once and reads nothing for a while (KIP-219): it
// is sent nothing for so long.
func TestThrottleIsHonoured(t *testing.T) {
	t.Run("produce", func(t *testing.T) {
		k := newCluster(t)
		l := newLane(t, newTestSink(t, k, nil), 1, "t")
		second := throttleOnce(k, kmsg.Produce, func(r kmsg.Request) kmsg.Response {
			resp := r.ResponseKind().(*kmsg.ProduceResponse)
			resp.ThrottleMillis = int32(quiet.Milliseconds())
			for _, topic := range r.(*kmsg.ProduceRequest).Topics {
				part := kmsg.NewProduceResponseTopicPartition()
				part.ErrorCode = kerr.NotEnoughReplicas.Code // sent again in a moment otherwise
				of := kmsg.NewProduceResponseTopic()
				of.Topic, of.TopicID, of.Partitions = topic.Topic, topic.TopicID, append(of.Partitions, part)
				resp.Topics = append(resp.Topics, of)
			}
			return resp
		})
		l.write("t", 0, 0, "0").ok(t)
		holds(t, k, "t", 0, "0")
		heard(t, second)
	})
	t.Run("fetch", func(t *testing.T) {
		k := newCluster(t)
		createTopic(t, k, "t", 1)
		fill(t, k, 1)
		second := throttleOnce(k, kmsg.Fetch, func(r kmsg.Request) kmsg.Response {
			resp := r.ResponseKind().(*kmsg.FetchResponse)
			resp.ThrottleMillis = int32(quiet.Milliseconds())
			return resp
		})
		readOne(t, openReader(t, newTestSource(t, k, nil)), func(g *got) bool { return g.next == 10 })
		heard(t, second)
	})
}

func heard(t *testing.T, second <-chan time.Duration) {
	t.Helper()
	if after := <-second; after < quiet {
		t.Errorf("the broker heard of us after %s, not %s", after, quiet)
	}
}
