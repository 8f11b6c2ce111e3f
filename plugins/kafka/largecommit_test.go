// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/klamm-io/klamm/sdk"
)

// A commit larger than a broker takes in one batch is written in several, in one
// transaction.
func TestLargeCommit(t *testing.T) {
	s := openStore(t, newCluster(t), 1)
	var entries []sdk.Entry
	for i := range 12_000 {
		entries = append(entries, sdk.Entry{Key: fmt.Sprintf("known/team-%04d.domain.events.v1", i), Value: bytes.Repeat([]byte{'x'}, 120)})
	}
	if err := openLedger(t, s, 0).Commit(testContext(t), entries); err != nil {
		t.Fatal(err)
	}
	got, err := s.Read(testContext(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !bytes.Equal(got[e.Key], e.Value) {
			t.Fatalf("%s has %q", e.Key, got[e.Key])
		}
	}
}
