// SPDX-License-Identifier: Apache-2.0

package sdk_test

import (
	"reflect"
	"testing"

	"github.com/klamm-io/klamm/sdk"
)

func TestEncodeIsTheInverseOfDecode(t *testing.T) {
	want := sdk.Cluster{
		Name: "east", Brokers: []string{"a:1"}, TLS: true,
		SASL: &sdk.SASL{Mechanism: "plain", Username: "u", Password: "p"},
	}
	var got sdk.Cluster
	if err := sdk.Decode(sdk.Encode(&want), &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("got %+v", got)
	}
}
