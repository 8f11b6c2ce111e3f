// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// memberID is the client id by which a process takes part in sharing the lanes,
// for people who look for it.
func memberID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("klamm-%s-%d", host, os.Getpid())
}

// settleTime is how long to wait for lanes that are just being shared out.
const settleTime = 10 * time.Second

// Owners implements [sdk.Store]. It waits while lanes are shared out anew, and then
// is what the coordinator knows.
func (s *store) Owners(ctx context.Context) (map[int]sdk.Owner, error) {
	group, err := s.describeGroup(ctx)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: asking who owns the lanes of group %s: %w", s.client.name, s.group(), err)
	}
	known := map[string]int{} // members by client id
	for _, m := range group.Members {
		known[m.ClientID]++
	}
	owners := map[int]sdk.Owner{}
	for _, m := range group.Members {
		owner := sdk.Owner{ID: m.ClientID, Host: strings.TrimPrefix(m.ClientHost, "/")}
		if m.ClientID == "" || known[m.ClientID] > 1 { // two containers may have the same host name and process id
			owner.ID = m.MemberID
		}
		var assigned kmsg.ConsumerMemberAssignment
		if len(m.MemberAssignment) == 0 || assigned.ReadFrom(m.MemberAssignment) != nil {
			continue // it has none yet
		}
		for _, t := range assigned.Topics {
			if t.Topic != s.Name() {
				continue
			}
			for _, lane := range t.Partitions {
				owners[int(lane)] = owner
			}
		}
	}
	return owners, nil
}

// describeGroup asks the coordinator. A group that does not exist has no
// members.
func (s *store) describeGroup(ctx context.Context) (kmsg.DescribeGroupsResponseGroup, error) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{s.group()}
	began := time.Now()
	var pause retry
	for {
		var group kmsg.DescribeGroupsResponseGroup
		resp, err := req.RequestWith(ctx, s.client.Client)
		switch {
		case err != nil:
		case len(resp.Groups) != 1:
			err = fmt.Errorf("the answer has %d groups", len(resp.Groups))
		default:
			group = resp.Groups[0]
			err = kerr.ErrorForCode(group.ErrorCode)
		}
		switch {
		case errors.Is(err, kerr.GroupIDNotFound):
			return kmsg.DescribeGroupsResponseGroup{}, nil
		case errors.Is(err, kerr.GroupAuthorizationFailed):
			return group, &sdk.EnvironmentError{Err: err, Fix: "grant DESCRIBE or READ on groups with the prefix " + ownPrefix}
		case err == nil && strings.HasSuffix(group.State, "Rebalance") && time.Since(began) < settleTime:
			// Members have no assignments to tell, though they still work.
		case err == nil || !kerr.IsRetriable(err):
			return group, err
		}
		if err := sleep(ctx, pause.again(time.Now())); err != nil {
			return group, err
		}
	}
}
