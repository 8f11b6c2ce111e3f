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
	if err := sdk.Decode(sdk.Encode(&want, nil), &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("got %+v", got)
	}
}

// TestEncodeKeepsZeros encodes zeros that override a default, and one that is
// required in a nested block.
func TestEncodeKeepsZeros(t *testing.T) {
	want := defaults()
	want.Small, want.List, want.Password, want.Text = 0, []string{}, "", "y"
	want.Where, want.Set = "", sdk.Expressions{"a": "b"}
	want.One, want.Many = &inner{Kind: "a"}, []inner{{Kind: "b"}}
	values := sdk.Encode(want, defaults())
	for _, unset := range []string{"flag", "big", "map", "cluster"} {
		if _, ok := values[unset]; ok {
			t.Errorf("%s is unset, and was encoded", unset)
		}
	}
	got := defaults()
	if err := sdk.Decode(values, got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("got %+v", got)
	}
	if n, ok := values["one"].([]sdk.Values)[0]["count"]; n != int64(0) || !ok {
		t.Errorf("the required zero is %v", n)
	}
}
