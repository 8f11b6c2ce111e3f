// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

func owners(t testing.TB, s *store) map[int]sdk.Owner {
	t.Helper()
	found, err := s.Owners(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// awaitOwners waits until the coordinator says that all lanes have an owner, of
// which there are n.
func awaitOwners(t testing.TB, s *store, n int) map[int]sdk.Owner {
	t.Helper()
	for {
		found := owners(t, s)
		ids := map[string]bool{}
		for _, o := range found {
			ids[o.ID] = true
		}
		if len(found) == s.Lanes()+1 && len(ids) == n {
			return found
		}
		if err := testContext(t).Err(); err != nil {
			t.Fatalf("owners %v", found)
		}
	}
}

func TestOwners(t *testing.T) {
	k := newCluster(t)
	s := openStore(t, k, 3)
	if found := owners(t, s); len(found) != 0 {
		t.Errorf("nobody runs, and %v own", found)
	}
	first := join(t, s)
	first.until(t, 4)
	alone := awaitOwners(t, s, 1)
	for lane, o := range alone {
		if o.ID != memberID() || o.Host == "" || strings.HasPrefix(o.Host, "/") {
			t.Errorf("lane %d: %+v", lane, o)
		}
	}
	// Two of the same name, as containers may be.
	second := join(t, openStore(t, k, 0))
	second.until(t, 2)
	first.until(t, 2)
	both := awaitOwners(t, openStore(t, k, sdk.Existing), 2)
	for _, m := range []*member{first, second} {
		lanes := m.owned()
		if both[lanes[0]] != both[lanes[1]] || !strings.HasPrefix(both[lanes[0]].ID, memberID()) {
			t.Errorf("lanes %v belong to %+v and %+v", lanes, both[lanes[0]], both[lanes[1]])
		}
	}
	if err := errors.Join(first.leave(), second.leave()); err != nil {
		t.Fatal(err)
	}
	if found := owners(t, s); len(found) != 0 {
		t.Errorf("all have left, and %v own", found)
	}
}

func TestOwnersAnswers(t *testing.T) {
	assigned := func(topic string, lanes ...int32) []byte {
		a := kmsg.NewConsumerMemberAssignment()
		of := kmsg.NewConsumerMemberAssignmentTopic()
		of.Topic, of.Partitions = topic, lanes
		a.Topics = append(a.Topics, of)
		return a.AppendTo(nil)
	}
	member := func(id, client, host string, assignment []byte) kmsg.DescribeGroupsResponseGroupMember {
		m := kmsg.NewDescribeGroupsResponseGroupMember()
		m.MemberID, m.ClientID, m.ClientHost, m.MemberAssignment = id, client, host, assignment
		return m
	}
	const topic = "_klamm.p.positions"
	tests := []struct {
		name    string
		members []kmsg.DescribeGroupsResponseGroupMember
		want    map[int]sdk.Owner
	}{
		{"nobody", nil, map[int]sdk.Owner{}},
		{
			"two processes",
			[]kmsg.DescribeGroupsResponseGroupMember{member("m1", "klamm-a-1", "/10.0.0.1", assigned(topic, 0, 2)), member("m2", "klamm-b-1", "/10.0.0.2", assigned(topic, 1))},
			map[int]sdk.Owner{0: {ID: "klamm-a-1", Host: "10.0.0.1"}, 1: {ID: "klamm-b-1", Host: "10.0.0.2"}, 2: {ID: "klamm-a-1", Host: "10.0.0.1"}},
		},
		{
			"two of one name",
			[]kmsg.DescribeGroupsResponseGroupMember{member("m1", "klamm-a-1", "/10.0.0.1", assigned(topic, 0)), member("m2", "klamm-a-1", "/10.0.0.2", assigned(topic, 1))},
			map[int]sdk.Owner{0: {ID: "m1", Host: "10.0.0.1"}, 1: {ID: "m2", Host: "10.0.0.2"}},
		},
		{
			"lanes are being shared out",
			[]kmsg.DescribeGroupsResponseGroupMember{member("m1", "klamm-a-1", "/10.0.0.1", nil), member("m2", "klamm-b-1", "/10.0.0.2", assigned(topic, 1))},
			map[int]sdk.Owner{1: {ID: "klamm-b-1", Host: "10.0.0.2"}},
		},
		{
			"bytes that are no assignment, and another topic",
			[]kmsg.DescribeGroupsResponseGroupMember{member("m1", "a", "/h", []byte{0, 1, 0}), member("m2", "b", "/h", assigned("other", 1))},
			map[int]sdk.Owner{},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := newCluster(t)
			s := openStore(t, k, 2)
			k.ControlKey(int16(kmsg.DescribeGroups), func(r kmsg.Request) (kmsg.Response, error, bool) {
				resp := r.(*kmsg.DescribeGroupsRequest).ResponseKind().(*kmsg.DescribeGroupsResponse)
				group := kmsg.NewDescribeGroupsResponseGroup()
				group.Group, group.Members = s.group(), test.members
				resp.Groups = append(resp.Groups, group)
				return resp, nil, true
			})
			if d := cmp.Diff(test.want, owners(t, s)); d != "" {
				t.Errorf("-want +owners:\n%s", d)
			}
		})
	}
}

func TestOwnersErrors(t *testing.T) {
	k := newCluster(t)
	s := openStore(t, k, 1)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeGroups}, Err: kerr.CoordinatorLoadInProgress, Count: 2})
	if found := owners(t, s); len(found) != 0 {
		t.Errorf("%v", found)
	}
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeGroups}, Err: kerr.GroupAuthorizationFailed, Count: -1})
	_, err := s.Owners(testContext(t))
	if _, ok := errors.AsType[*sdk.EnvironmentError](err); !ok || !strings.Contains(err.Error(), "group _klamm.p:") || !strings.Contains(err.Error(), "grant DESCRIBE or READ on groups") {
		t.Errorf("%v", err)
	}
}
