// SPDX-License-Identifier: Apache-2.0

package filter_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/klamm-io/klamm/plugins/filter"
	"github.com/klamm-io/klamm/sdk"
)

// BenchmarkFilter looks at 500 records of 1 KiB, of which all pass.
func BenchmarkFilter(b *testing.B) {
	var values encoded
	for i := range 500 {
		values = append(values, fmt.Sprintf(`{"total":%d,"kind":"order","id":"%08d","text":%q}`, 200+i, i, strings.Repeat("x", 950)))
	}
	for _, where := range []string{`topic == "orders"`, `headers.region != "eu"`, `value.total > 100`} {
		b.Run(where, func(b *testing.B) {
			transform, err := (&filter.Config{Where: sdk.Expression(where)}).NewTransform(b.Context(), sdk.Env{})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(500 << 10)
			b.ReportAllocs()
			for b.Loop() {
				batch := sdk.NewEncodedBatch(sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: "orders"}}, sdk.Offsets{To: 500}, values)
				if err := transform.Apply(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
