// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/klamm-io/klamm/test/compare"
	"github.com/klamm-io/klamm/test/kafka"
	"github.com/klamm-io/klamm/test/link"
)

// TestCutsWithoutRead cuts the link to a target whose principal has the documented
// rights but READ on the topics that it writes to. What was in flight may come twice
// then; nothing is lost, the order is kept, and klamm says which right is missing.
func TestCutsWithoutRead(t *testing.T) {
	t.Parallel()
	east, _ := kafka.Clusters(t)
	west := kafka.Start(t, kafka.Config{
		Link:       &link.Options{Delay: 10 * time.Millisecond},
		Properties: map[string]string{"super.users": "User:admin"}, // everybody else needs what an ACL is about
	})
	topic := kafka.UniqueName("unread")
	target := "east." + topic
	of := func(ops ...kadm.ACLOperation) *kadm.ACLBuilder {
		return kadm.NewACLs().Topics(target).ResourcePatternType(kadm.ACLPatternLiteral).Allow("User:ANONYMOUS").AllowHosts("*").Operations(ops...)
	}
	eventually(t, 30*time.Second, func() (bool, string) { // until brokers have read their ACLs, only superusers may do anything
		err := tryGrant(t, west, of(kadm.OpWrite, kadm.OpCreate, kadm.OpAlter, kadm.OpDescribeConfigs))
		return err == nil, fmt.Sprint(err)
	})
	east.CreateTopic(t, topic, oddPartitions, nil)
	oddBatches(t, east, topic, 600)
	p := start(t, mirrorOf(t, east.Bootstrap()[0], west.Addresses(kafka.Proxied)[0], topic))
	breakLink(t, p, west.Links()[0], true)
	delivered(t, p, east, topic)
	mentions(t, p.output.String(), "may come twice", "grant READ", target, "TOPIC_AUTHORIZATION_FAILED")
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	grant(t, west, of(kadm.OpRead))
	equal(t, east, topic, west, target, compare.Options{AllowReplays: true})
}
