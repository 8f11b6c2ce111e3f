// SPDX-License-Identifier: Apache-2.0

package sdk_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/klamm-io/klamm/sdk"
)

type inner struct {
	Kind  string `hcl:"kind,label" enum:"a,b" doc:"Which."`
	Count int32  `hcl:"count" doc:"How many."`
}

type outer struct {
	Name     string            `hcl:"name,label" doc:"Its name."`
	Text     string            `hcl:"text" enum:"x,y" doc:"A text."`
	Flag     bool              `hcl:"flag,optional"`
	Small    int               `hcl:"small,optional"`
	Big      int64             `hcl:"big,optional"`
	Ratio    float64           `hcl:"ratio,optional"`
	List     []string          `hcl:"list,optional"`
	Map      map[string]string `hcl:"map,optional"`
	Every    sdk.Duration      `hcl:"every,optional"`
	Size     sdk.Bytes         `hcl:"size,optional"`
	Password sdk.Secret        `hcl:"password,optional"`
	Cluster  *sdk.Cluster      `hcl:"cluster,optional"`
	Where    sdk.Expression    `hcl:"where,optional"`
	Set      sdk.Expressions   `hcl:"set,optional"`
	One      *inner            `hcl:"one,block" doc:"At most one."`
	Many     []inner           `hcl:"many,block"`
	Ignored  chan int
}

func defaults() *outer {
	return &outer{Text: "x", Small: 3, Every: sdk.Duration(time.Minute), Size: 1 << 20, List: []string{"a", "b"}, Password: "hunter2", Where: "true"}
}

func TestSchemaOf(t *testing.T) {
	nested := sdk.Schema{
		Labels:     []sdk.Label{{Name: "kind", Doc: "Which.", Enum: []string{"a", "b"}}},
		Attributes: []sdk.Attribute{{Name: "count", Type: sdk.TypeInteger, Required: true, Doc: "How many."}},
	}
	want := sdk.Schema{
		Labels: []sdk.Label{{Name: "name", Doc: "Its name."}},
		Attributes: []sdk.Attribute{
			{Name: "text", Type: sdk.TypeString, Required: true, Enum: []string{"x", "y"}, Doc: "A text."},
			{Name: "flag", Type: sdk.TypeBool},
			{Name: "small", Type: sdk.TypeInteger, Default: "3"},
			{Name: "big", Type: sdk.TypeInteger},
			{Name: "ratio", Type: sdk.TypeNumber},
			{Name: "list", Type: sdk.TypeStrings, Default: `["a", "b"]`},
			{Name: "map", Type: sdk.TypeMap},
			{Name: "every", Type: sdk.TypeDuration, Default: `"1m0s"`},
			{Name: "size", Type: sdk.TypeBytes, Default: `"1MiB"`},
			{Name: "password", Type: sdk.TypeString, Secret: true, Default: "***"},
			{Name: "cluster", Type: sdk.TypeCluster},
			{Name: "where", Type: sdk.TypeExpression, Default: `"true"`},
			{Name: "set", Type: sdk.TypeExpressions},
		},
		Blocks: []sdk.Block{
			{Name: "one", Doc: "At most one.", Schema: nested},
			{Name: "many", Repeated: true, Schema: nested},
		},
	}
	if diff := cmp.Diff(want, sdk.SchemaOf(defaults())); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
}

func TestSchemaOfRefusesUnsupported(t *testing.T) {
	tests := []struct {
		name   string
		config any
		want   string
	}{
		{"channel", &struct {
			X chan int `hcl:"x"`
		}{}, "field x"},
		{"unsigned", &struct {
			X uint16 `hcl:"x,optional"`
		}{}, "uint16"},
		{"plain duration", &struct {
			X time.Duration `hcl:"x,optional"`
		}{}, "time.Duration"},
		{"named string", &struct {
			X sdk.Type `hcl:"x"`
		}{}, "sdk.Type"},
		{"struct as attribute", &struct {
			X inner `hcl:"x"`
		}{}, "inner"},
		{"unknown kind", &struct {
			X string `hcl:"x,maybe"`
		}{}, `unknown kind "maybe"`},
		{"nested", &struct {
			X []struct {
				Y []int `hcl:"y"`
			} `hcl:"x,block"`
		}{}, "field y"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, tt.want) {
					t.Errorf("panic %q, want it to name %q", said, tt.want)
				}
			}()
			sdk.SchemaOf(tt.config)
		})
	}
}
