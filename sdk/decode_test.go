// SPDX-License-Identifier: Apache-2.0

package sdk_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/sdk"
)

func TestDecode(t *testing.T) {
	cluster := &sdk.Cluster{Name: "east"}
	tests := []struct {
		name   string
		values sdk.Values
		want   func(*outer)
	}{
		{"nothing keeps the defaults", sdk.Values{}, func(*outer) {}},
		{"what is unknown is left alone", sdk.Values{"other": 1}, func(*outer) {}},
		{"label and text", sdk.Values{"name": "n", "text": "y"}, func(o *outer) { o.Name, o.Text = "n", "y" }},
		{"zero over a default", sdk.Values{"small": int64(0), "text": ""}, func(o *outer) { o.Small, o.Text = 0, "" }},
		{"numbers", sdk.Values{"small": int64(-7), "big": int64(math.MaxInt64), "ratio": 0.5}, func(o *outer) { o.Small, o.Big, o.Ratio = -7, math.MaxInt64, 0.5 }},
		{"expressions", sdk.Values{"where": "a > b", "set": map[string]string{"k": "v"}}, func(o *outer) { o.Where, o.Set = "a > b", sdk.Expressions{"k": "v"} }},
		{"bool", sdk.Values{"flag": true}, func(o *outer) { o.Flag = true }},
		{"list replaces", sdk.Values{"list": []string{"c"}}, func(o *outer) { o.List = []string{"c"} }},
		{"empty list replaces", sdk.Values{"list": []string{}}, func(o *outer) { o.List = []string{} }},
		{"map", sdk.Values{"map": map[string]string{"k": "v"}}, func(o *outer) { o.Map = map[string]string{"k": "v"} }},
		{"duration and size", sdk.Values{"every": "90s", "size": "2GB"}, func(o *outer) { o.Every, o.Size = sdk.Duration(90*time.Second), 2e9 }},
		{"secret from a string", sdk.Values{"password": "s3"}, func(o *outer) { o.Password = "s3" }},
		{"secret from a secret", sdk.Values{"password": sdk.Secret("s3")}, func(o *outer) { o.Password = "s3" }},
		{"cluster is the same pointer", sdk.Values{"cluster": cluster}, func(o *outer) { o.Cluster = cluster }},
		{"one block", sdk.Values{"one": []sdk.Values{{"kind": "a", "count": int64(2)}}}, func(o *outer) { o.One = &inner{"a", 2} }},
		{
			"blocks keep their order",
			sdk.Values{"many": []sdk.Values{{"kind": "b", "count": int64(1)}, {"kind": "a", "count": int64(math.MinInt32)}}},
			func(o *outer) { o.Many = []inner{{"b", 1}, {"a", math.MinInt32}} },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, got := defaults(), defaults()
			tt.want(want)
			if err := sdk.Decode(tt.values, got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
			if got.Cluster != want.Cluster {
				t.Error("the cluster was copied")
			}
		})
	}
}

func TestDecodeErrorsNameTheAttribute(t *testing.T) {
	tests := []struct {
		name   string
		values sdk.Values
		want   []string
	}{
		{"string for a bool", sdk.Values{"flag": "true"}, []string{"flag", "want bool, got string"}},
		{"int for a string", sdk.Values{"text": int64(65)}, []string{"text", "want string"}},
		{"nil", sdk.Values{"text": nil}, []string{"text", "want string"}},
		{"nil for a duration", sdk.Values{"every": nil}, []string{"every"}},
		{"float for an int", sdk.Values{"small": 1.5}, []string{"small", "want int"}},
		{"bytes for a string", sdk.Values{"text": []byte("x")}, []string{"text"}},
		{"string for a list", sdk.Values{"list": "a"}, []string{"list"}},
		{"list of anything", sdk.Values{"list": []any{"a"}}, []string{"list"}},
		{"negative duration", sdk.Values{"every": "-1s"}, []string{"every", `"-1s"`, "positive"}},
		{"number for a duration", sdk.Values{"every": int64(5)}, []string{"every"}},
		{"no size", sdk.Values{"size": "big"}, []string{"size", `"big"`}},
		{"cluster by name", sdk.Values{"cluster": "east"}, []string{"cluster"}},
		{"block as a map", sdk.Values{"one": sdk.Values{}}, []string{"one", "want blocks"}},
		{"too large in a block", sdk.Values{"one": []sdk.Values{{"count": int64(math.MaxInt32) + 1}}}, []string{"one", "count", "2147483648 is out of range"}},
		{"too small in a block", sdk.Values{"many": []sdk.Values{{"count": int64(1)}, {"count": int64(math.MinInt32) - 1}}}, []string{"many", "count", "out of range"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := sdk.Decode(tt.values, defaults())
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}
