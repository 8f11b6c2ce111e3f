// SPDX-License-Identifier: Apache-2.0

package rename

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/sdk"
)

func TestRename(t *testing.T) {
	tests := []struct {
		name   string
		config Config
		want   map[string]string
	}{
		{
			name:   "prefix and suffix",
			config: Config{Prefix: "east.", Suffix: ".copy"},
			want:   map[string]string{"orders": "east.orders.copy"},
		},
		{
			name:   "a map decides alone",
			config: Config{Map: map[string]string{"orders": "bestellungen"}, Prefix: "east."},
			want:   map[string]string{"orders": "bestellungen", "orders.eu": "east.orders.eu"},
		},
		{
			name: "replacements apply in order, before prefix and suffix",
			config: Config{
				Replace: []Replace{{Pattern: `^prod\.(.*)$`, With: "$1"}, {Pattern: "o", With: "0"}},
				Prefix:  "prod.",
			},
			want: map[string]string{"prod.orders": "prod.0rders", "stock": "prod.st0ck"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if bad := tt.config.Validate(); len(bad) > 0 {
				t.Fatal(bad)
			}
			transform, err := tt.config.NewTransform(context.Background(), sdk.Env{})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for topic := range tt.want {
				encoded := bytesOf("untouched")
				b := sdk.NewEncodedBatch(sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: topic}}, sdk.Offsets{To: 1}, encoded)
				if err := transform.Apply(context.Background(), b); err != nil {
					t.Fatal(err)
				}
				got[topic] = b.Topic
				if e, ok := b.Encoded(); !ok || string(e.Bytes()) != "untouched" {
					t.Error("the batch is no longer as it was read")
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// bytesOf is a batch that fails the test if it is decoded.
type bytesOf string

func (b bytesOf) Bytes() []byte                 { return []byte(b) }
func (b bytesOf) Count() int                    { return 1 }
func (b bytesOf) Release()                      {}
func (b bytesOf) Decode() ([]sdk.Record, error) { panic("rename looked inside") }

func TestValidate(t *testing.T) {
	tests := []struct {
		name       string
		config     Config
		path, says string
	}{
		{"nothing", Config{}, "", "Nothing to rename"},
		{"prefix", Config{Prefix: "east/"}, "prefix", "Invalid prefix"},
		{"suffix", Config{Suffix: " "}, "suffix", "Invalid suffix"},
		{"empty target", Config{Map: map[string]string{"a": ""}}, `map["a"]`, "Invalid topic name"},
		{"long target", Config{Map: map[string]string{"a": strings.Repeat("x", 250)}}, `map["a"]`, "Invalid topic name"},
		{"two to one", Config{Map: map[string]string{"a": "c", "b": "c"}}, `map["b"]`, `"a" and "b" would both become "c"`},
		{"pattern", Config{Replace: []Replace{{Pattern: "a"}, {Pattern: "("}}}, "replace[1].pattern", "missing closing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bad := tt.config.Validate()
			if len(bad) != 1 || bad[0].Path != tt.path || !strings.Contains(bad[0].Summary+bad[0].Detail, tt.says) {
				t.Errorf("got %+v, want %q at %q", bad, tt.says, tt.path)
			}
		})
	}
}
