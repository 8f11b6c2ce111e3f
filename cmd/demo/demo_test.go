// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/klamm-io/klamm/core/plugin"
	"github.com/klamm-io/klamm/plugins"
)

func catalog(t *testing.T) *plugin.Catalog {
	t.Helper()
	c, err := plugin.NewCatalog(plugins.All())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRun runs the whole demonstration, only shorter.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := Run(t.Context(), Options{Catalog: catalog(t), Duration: 2500 * time.Millisecond, Out: &out}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"mirror \"demo\" {", "records written", "east.payments", "Equal: 4 topics, 10 partitions", "klamm run mirror.hcl"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
