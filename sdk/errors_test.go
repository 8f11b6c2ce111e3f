// SPDX-License-Identifier: Apache-2.0

package sdk_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/klamm-io/klamm/sdk"
)

func TestErrorTexts(t *testing.T) {
	cause := errors.New("too large")
	tp := sdk.TopicPartition{Topic: "orders", Partition: 3}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"one offset", &sdk.PartitionError{TopicPartition: tp, Reason: sdk.ReasonRefused, Offsets: sdk.Offsets{From: 7, To: 8}, Err: cause}, "topic orders partition 3 offset 7: refused: too large"},
		{"range and fix", &sdk.PartitionError{TopicPartition: tp, Reason: sdk.ReasonGap, Offsets: sdk.Offsets{From: 7, To: 9}, Err: cause, Fix: "do this"}, "topic orders partition 3 offsets [7, 9): gap: too large; do this"},
		{"no offset", &sdk.PartitionError{TopicPartition: tp, Reason: sdk.ReasonDenied, Offsets: sdk.Offsets{From: -1, To: -1}, Err: cause}, "topic orders partition 3: denied: too large"},
		{"environment", &sdk.EnvironmentError{Cluster: "east", Err: cause, Fix: "do this"}, "cluster east: too large; do this"},
		{"environment without cluster", &sdk.EnvironmentError{Err: cause}, "too large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.err.Error(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if !errors.Is(tt.err, cause) {
				t.Error("the cause is lost")
			}
		})
	}
	pe := &sdk.PartitionError{TopicPartition: tp, Err: cause}
	if got, ok := sdk.AsPartitionError(fmt.Errorf("reading: %w", pe)); !ok || got != pe {
		t.Errorf("got %v, %t", got, ok)
	}
	if _, ok := sdk.AsPartitionError(cause); ok {
		t.Error("any error is one of a partition")
	}
}
