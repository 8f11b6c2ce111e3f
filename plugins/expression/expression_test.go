// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/klamm-io/klamm/plugins/expression"
	"github.com/klamm-io/klamm/sdk"
)

var batch = sdk.NewBatch(
	sdk.Stream{TopicPartition: sdk.TopicPartition{Topic: "orders", Partition: 3}}, sdk.Offsets{From: 40, To: 50}, nil,
)

// order is the record that expressions are tried on.
func order() *sdk.Record {
	return &sdk.Record{
		Offset: 42, Timestamp: time.Date(2026, 11, 24, 8, 30, 0, 0, time.UTC).UnixMilli(),
		Key:   []byte("1001"),
		Value: []byte(`{"total": 120, "price": 1.10, "id": 9007199254740993, "huge": 123456789012345678901, "text": "a<b", "items": [{"sku": "x", "n": 2}, {"sku": "y", "n": 3}], "none": null}`),
		Headers: []sdk.Header{
			{Key: "region", Value: []byte("us")},
			{Key: "region", Value: []byte("eu")},
			{Key: "empty"},
		},
	}
}

// evaluate compiles and evaluates an expression to what a value would hold.
func evaluate(t *testing.T, text string, r *sdk.Record) (string, error) {
	t.Helper()
	p, err := expression.Compile(text, expression.Anything)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var records expression.Records
	e := records.Get(batch, r)
	defer records.Put(e)
	out, err := p.Bytes(e)
	if out == nil {
		return "nil", err
	}
	return string(out), err
}

func TestEvaluate(t *testing.T) {
	tests := []struct{ text, want string }{
		{`topic`, "orders"},
		{`partition`, "3"},
		{`offset`, "42"},
		{`timestamp`, `"2026-11-24T08:30:00Z"`},
		{`timestamp.Hour()`, "8"},
		{`timestamp > date("2026-11-24")`, "true"},
		{`(timestamp + duration("1h")).Hour()`, "9"},
		{`key`, "1001"},
		{`key == "1001"`, "true"},
		{`int(key) + 1`, "1002"},
		{`value.total > 100`, "true"},
		{`value.price`, "1.1"},
		{`value.id`, "9007199254740993"},
		{`value.id + 1`, "9007199254740994"},
		{`value.huge`, "123456789012345678901"},
		{`value.text`, "a<b"},
		{`value.missing`, "nil"},
		{`value.none == nil`, "true"},
		{`value.missing?.deeper ?? "no"`, "no"},
		{`value.items[1].sku`, "y"},
		{`sum(value.items, .n)`, "5"},
		{`reduce(value.items, #acc + .sku, "")`, "xy"},
		{`any(value.items, .sku == "y" and .n > 2)`, "true"},
		{`filter(value.items, .n > 2)`, `[{"n":3,"sku":"y"}]`},
		{`map(value.items, .sku in ["x", value.text])`, `[true,false]`},
		{`headers.region`, "eu"},
		{`headers["missing"]`, ""},
		{`"missing" in headers`, "false"},
		{`"empty" in headers`, "true"},
		{`topic + "." + headers.region`, "orders.eu"},
		{`topic + "." + value.text`, "orders.a<b"},
		{`merge(omit(value, "items", "none", "huge"), {"total": 1, "text": "new"})`, `{"id":9007199254740993,"price":1.1,"text":"new","total":1}`},
		{`keys(value)`, `["huge","id","items","none","price","text","total"]`},
		{`values({"b": 2, "a": 1})`, `[1,2]`},
		{`toJSON(value.items)`, `[{"n":2,"sku":"x"},{"n":3,"sku":"y"}]`},
		{`fromJSON("[1, 2.5]")[0]`, "1"},
		{`join(map(value.items, .sku), "-")`, "x-y"},
		{`join(split("a,b", ","))`, "ab"},
		{`replace(value.text, "<", "&&")`, "a&&b"},
		{`string(value.total) + string(nil) + string(raw_key)`, "1201001"},
		{`string(value.items[0])`, `{"n":2,"sku":"x"}`},
		{`raw_key[0] == 49 and len(raw_key) == 4`, "true"},
		{`raw_key`, "1001"},
		{`nil`, "nil"},
		{`let limit = value.total * 2; limit > 200 ? "large" : "small"`, "large"},
		{`value.text matches "^a.b$"`, "true"},
	}
	for _, test := range tests {
		got, err := evaluate(t, test.text, order())
		if err != nil || got != test.want {
			t.Errorf("%s is %s, %v; want %s", test.text, got, err, test.want)
		}
	}
}

func TestDecoded(t *testing.T) {
	tests := []struct{ name, raw, expression, want string }{
		{"an object", ` {"a": 1} `, "value.a", "1"},
		{"an array", `[1, 2]`, "value[1]", "2"},
		{"a number", `41`, "value + 1", "42"},
		{"null", `null`, "value == nil", "true"},
		{"a JSON text", `"a\n"`, "value", "a\n"},
		{"text", `plain text`, "value", "plain text"},
		{"text that begins like JSON", `{"a": 1} and more`, "value", `{"a": 1} and more`},
		{"nothing", ``, `value == ""`, "true"},
		{"not UTF-8", "\xff\x00", "len(value) == 2 and value[0] == 255", "true"},
		{"JSON that is not UTF-8", "\"\xff\"", "value[1] == 255", "true"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := evaluate(t, test.expression, &sdk.Record{Value: []byte(test.raw)})
			if err != nil || got != test.want {
				t.Errorf("%s of %q is %q, %v", test.expression, test.raw, got, err)
			}
		})
	}
	if got, err := evaluate(t, "value == nil and key == nil and raw_value == nil", &sdk.Record{}); err != nil || got != "true" {
		t.Errorf("a tombstone without key: %s, %v", got, err)
	}
	if got, err := evaluate(t, `key.id == 7 and headers.a == ""`, &sdk.Record{Key: []byte(`{"id": 7}`)}); err != nil || got != "true" {
		t.Errorf("a key that is an object: %s, %v", got, err)
	}
}

func TestRejected(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing to compare", `value.missing > 100`, `<nil> > int: at ">" (character 15) of "value.missing > 100"`},
		{"a field of nothing", `value.none.deeper == 1`, `cannot fetch deeper from <nil>`},
		{"a field of a text", `value.text.deeper`, `a text or an array has no fields: at "deeper"`},
		{"a field of an array", `value.items.deeper`, `a text or an array has no fields`},
		{"a text for a number", `value.text > 5`, `invalid operation: string > int`},
		{"not a number", `int(value.text)`, `invalid operation: int(a<b)`},
		{"an index too large", `value.items[7]`, `index out of range: 7`},
		{"an argument", `replace(value.total, "a", "b")`, `argument 1 is a number, not a text`},
		{"an element", `join(value.items)`, `element 0 is a map, not a text`},
		{"no JSON", `fromJSON("{")`, `unexpected end of JSON`},
		{"a number too large", `value.huge > 1`, `json.Number > int`},
		{"no JSON can say it", `1 / 0`, `unsupported value: +Inf`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := evaluate(t, test.text, order())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("it gives %s and says: %v", got, err)
			}
		})
	}
}

// TestWork tries what would take for ever, or all memory there is.
func TestWork(t *testing.T) {
	large := `{"a": [` + strings.Repeat("1,", 20_000) + `1], "t": "` + strings.Repeat("x", 50_000) + `"}`
	chain := func(first, next string) string {
		text := "let a0 = " + first + "; "
		for i := range 30 {
			text += fmt.Sprintf("let a%d = %s; ", i+1, strings.ReplaceAll(next, "a", fmt.Sprintf("a%d", i)))
		}
		return text
	}
	doubled, shared := chain("value.t", "a + a"), chain("value", "[a, a]")
	tests := []struct{ name, text string }{
		{"loops in loops", `count(value.a, count(value.a, # > 1) > 1) > 1`},
		{"looking for each in all", `all(value.a, # in value.a)`},
		{"a text in a loop", `none(value.a, value.t contains "y")`},
		{"a text made in a loop", `len(map(value.a, upper(value.t))) > 1`},
		{"a part of a text in a loop", `len(map(value.a, value.t[1:])) > 1`},
		{"a text that doubles", doubled + `len(a30) > 1`},
		{"a text that grows", `len(reduce(value.a, #acc + #acc, "x")) > 1`},
		{"replacing", `len(replace(value.t, "x", value.t)) > 1`},
		{"joining", `len(join(map(value.a, "x"), value.t)) > 1`},
		{"a value made of itself", shared + `a30`},
		{"a value made of itself, as JSON", shared + `len(toJSON(a30)) > 1`},
		{"a value made of itself, compared", shared + `a30 == [a29, a29]`},
		{"a value made of itself, flattened", shared + `len(flatten(a30)) > 1`},
		{"a range", `len(1..2000000) > 1`},
		{"ranges in a loop", `sum(map(value.a, len(1..1000))) > 1`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := evaluate(t, test.text, &sdk.Record{Value: []byte(large)})
			if err == nil || !strings.Contains(err.Error(), "work") && !strings.Contains(err.Error(), "memory budget") {
				t.Errorf("it gives %.100s and says: %v", got, err)
			}
		})
	}
	for _, text := range []string{`all(value.a, # >= 1 and # < 5)`, `len(upper(value.t)) == 50000`, `value == value`, `len(toJSON(value)) > 1`} {
		if got, err := evaluate(t, text, &sdk.Record{Value: []byte(large)}); err != nil || got != "true" {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	tests := []struct {
		text string
		want expression.Want
		at   string // what the caret stands under
		says string
	}{
		{`valeu.total > 100`, expression.Condition, "valeu", "Unknown name valeu; there is headers, key, offset"},
		{`value.total + 1 == 2 && tópic`, expression.Condition, "tópic", "Unknown name tópic"},
		{`"ü" + topic > 5`, expression.Condition, ">", "mismatched types string and int"},
		{`offset + 1`, expression.Condition, "+", "It has to give true or false, and gives int"},
		{`offset`, expression.Text, "offset", "It has to give a text, and gives int"},
		{`topic`, expression.Time, "topic", "It has to give a time, or a number of milliseconds, and gives string"},
		{`value.total >`, expression.Condition, ">", "Unexpected token EOF"},
		{`value matches "("`, expression.Condition, "matches", "missing closing )"},
		{`timestamp > now()`, expression.Condition, "now", "There is no now() here"},
		{`$env.topic == "a"`, expression.Condition, "$env", "Unknown name $env"},
		{`replace(topic, 1, "b")`, expression.Text, "1", "Cannot use int as argument (type string) to call replace."},
		{`topic + 1`, expression.Text, "+", "mismatched types string and int"},
		{`let value = 1; value > 0`, expression.Condition, "value", "Cannot redeclare"},
		{`" value"()`, expression.Condition, "(", ""},
		{``, expression.Condition, "", "must not be empty"},
		{strings.Repeat("(", 20_000), expression.Condition, "", "16 KiB"},
		{strings.Repeat("1+", 1000) + "1", expression.Anything, "", "exceeds maximum"},
	}
	for _, test := range tests {
		_, err := expression.Compile(test.text, test.want)
		var e *expression.Error
		if !errors.As(err, &e) {
			t.Errorf("%.40s: %v", test.text, err)
			continue
		}
		if got := test.text[e.Within.From:e.Within.To]; test.at != "" && !strings.HasPrefix(got, test.at) || !strings.Contains(e.Message, test.says) {
			t.Errorf("%.40s: %q at %q", test.text, e.Message, got)
		}
	}
}
