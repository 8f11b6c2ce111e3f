// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"testing"

	"github.com/klamm-io/klamm/plugins/expression"
	"github.com/klamm-io/klamm/sdk"
)

// FuzzEvaluate: no text and no record brings the process down, and what an
// expression is to give it gives.
func FuzzEvaluate(f *testing.F) {
	for _, text := range []string{
		`value.total > 100`, `any(value.items, .n in [1, 2]) ? topic : headers.region`, `merge(value, {"a": value})`,
		`reduce(value, #acc + #, 0)`, `string(key) + join(split(raw_value, ","), replace(topic, "o", key))`, `let x = value ?? {}; x[key]`,
		`timestamp + duration("1h")`, `toJSON(map(1..9, {"n": #})) matches key`, `sort(keys(value))[1:]`, `fromJSON(value)`,
	} {
		f.Add(text, []byte("k"), []byte(`{"total": 1, "items": [{"n": 2}]}`), int64(5))
		f.Add(text, []byte(nil), []byte("\xff"), int64(-1))
	}
	f.Fuzz(func(t *testing.T, text string, key, value []byte, timestamp int64) {
		r := &sdk.Record{Key: key, Value: value, Timestamp: timestamp, Headers: []sdk.Header{{Key: string(key), Value: value}}}
		var records expression.Records
		for _, want := range []expression.Want{expression.Anything, expression.Condition, expression.Text, expression.Time} {
			p, err := expression.Compile(text, want)
			if err != nil {
				for _, bad := range expression.Check("", text, want) {
					_ = text[bad.Within.From:bad.Within.To]
				}
				continue
			}
			e := records.Get(batch, r)
			switch want {
			case expression.Anything:
				_, err = p.Bytes(e)
			case expression.Condition:
				_, err = p.Condition(e)
			case expression.Text:
				_, err = p.Text(e)
			case expression.Time:
				_, err = p.Milliseconds(e)
			}
			if err != nil && err.Error() == "" {
				t.Error("rejected without a reason")
			}
			records.Put(e)
		}
	})
}
