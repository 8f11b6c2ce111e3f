// SPDX-License-Identifier: Apache-2.0

package main

// callable is a function of the language, shown by an example and what that
// gives. A test evaluates every example.
type callable struct{ call, result string }

func functionsPage() string {
	p := newPage("Functions")
	p.text("They have the names and the meaning they have in Terraform. There is none whose result differs from one load to the\nnext, such as `timestamp`.")
	p.heading(2, "From outside")
	p.table([]string{"Function", "What it gives"}, [][]string{
		{code("env(name)"), "an environment variable; an error if it is not set"},
		{code("env(name, default)"), "an environment variable, or the default"},
		{code("file(path)"), "the text of a file; the path is relative to the file it stands in"},
		{code("fileexists(path)"), "whether there is such a file"},
	})
	p.text("In Terraform a path is relative to where the command runs, and there is no `env`.")
	p.heading(2, "Secrets")
	p.table([]string{"Function", "What it gives"}, [][]string{
		{code("sensitive(value)"), "the value, marked: it is printed nowhere, nor is what is made of it"},
		{code("nonsensitive(value)"), "the value without the mark"},
	})
	for _, group := range functionGroups() {
		p.heading(2, group.title)
		if group.note != "" {
			p.text("%s", group.note)
		}
		var rows [][]string
		for _, f := range group.functions {
			rows = append(rows, []string{code(f.call), code(f.result)})
		}
		p.table([]string{"Example", "Result"}, rows)
	}
	return p.String()
}

const failures = "`try` gives the first of its arguments that can be evaluated, `can` says whether its argument can be. References to what is\n" +
	"not declared, circles and limits of size are errors all the same. What is sensitive stays so, also the answer whether an\n" +
	"expression with a sensitive value can be evaluated."

type functionGroup struct {
	title     string
	functions []callable
	note      string
}

func functionGroups() []functionGroup {
	return []functionGroup{
		{title: "Text", functions: textFunctions()},
		{title: "Lists, sets and maps", functions: collectionFunctions()},
		{title: "Numbers", functions: numberFunctions()},
		{title: "Quantities", functions: []callable{
			{`duration("1h30m")`, `5400`},
			{`duration("100ms")`, `0.1`},
			{`bytes("64MiB")`, `67108864`},
			{`bytes("5MB") / 2`, `2500000`},
		}},
		{title: "Failures", note: failures, functions: []callable{
			{`try({ a = 1 }.b, "none")`, `"none"`},
			{`can(tonumber("x"))`, `false`},
		}},
		{title: "Encodings", functions: []callable{
			{`csvdecode("a,b\n1,2\n")`, `[{ a = "1", b = "2" }]`},
			{`jsondecode("[1, 2]")`, `[1, 2]`},
			{`jsonencode({ a = 1 })`, `"{\"a\":1}"`},
		}},
		{title: "Types", functions: []callable{
			{`tobool("true")`, `true`},
			{`tolist(["a"])`, `["a"]`},
			{`tomap({ a = "b" })`, `{ a = "b" }`},
			{`tonumber("8")`, `8`},
			{`toset(["a", "a"])`, `toset(["a"])`},
			{`tostring(8)`, `"8"`},
		}},
	}
}

func textFunctions() []callable {
	return []callable{
		{`chomp("a\n")`, `"a"`},
		{`endswith("orders", "s")`, `true`},
		{`format("%s-%02d", "a", 1)`, `"a-01"`},
		{`formatlist("%s:9092", ["a", "b"])`, `["a:9092", "b:9092"]`},
		{`join(",", ["a", "b"])`, `"a,b"`},
		{`lower("EU")`, `"eu"`},
		{`regex("[0-9]+", "a12b")`, `"12"`},
		{`regexall("[0-9]", "a12b")`, `["1", "2"]`},
		{`replace("a.b", ".", "-")`, `"a-b"`},
		{`replace("a12b", "/[0-9]+/", "-")`, `"a-b"`},
		{`split(",", "a,b")`, `["a", "b"]`},
		{`startswith("orders", "o")`, `true`},
		{`strcontains("orders", "rde")`, `true`},
		{`strrev("abc")`, `"cba"`},
		{`substr("orders", 0, 3)`, `"ord"`},
		{`title("orders")`, `"Orders"`},
		{`trim("--a--", "-")`, `"a"`},
		{`trimprefix("eu.orders", "eu.")`, `"orders"`},
		{`trimspace(" a ")`, `"a"`},
		{`trimsuffix("orders.eu", ".eu")`, `"orders"`},
		{`upper("eu")`, `"EU"`},
	}
}

func collectionFunctions() []callable {
	return []callable{
		{`chunklist(["a", "b", "c"], 2)`, `[["a", "b"], ["c"]]`},
		{`coalesce(null, "", "a")`, `"a"`},
		{`coalescelist([], ["a"])`, `["a"]`},
		{`compact(["a", ""])`, `["a"]`},
		{`concat(["a"], ["b"])`, `["a", "b"]`},
		{`contains(["a"], "a")`, `true`},
		{`distinct(["a", "a"])`, `["a"]`},
		{`element(["a", "b"], 2)`, `"a"`},
		{`flatten([["a"], ["b"]])`, `["a", "b"]`},
		{`index(["a", "b"], "b")`, `1`},
		{`keys({ a = 1 })`, `["a"]`},
		{`length(["a", "b"])`, `2`},
		{`lookup({ a = "1" }, "b", "0")`, `"0"`},
		{`merge({ a = 1 }, { b = 2 })`, `{ a = 1, b = 2 }`},
		{`range(3)`, `[0, 1, 2]`},
		{`reverse(["a", "b"])`, `["b", "a"]`},
		{`setintersection(["a", "b"], ["b"])`, `toset(["b"])`},
		{`setproduct(["a"], ["1", "2"])`, `[["a", "1"], ["a", "2"]]`},
		{`setsubtract(["a", "b"], ["b"])`, `toset(["a"])`},
		{`setunion(["a"], ["b"])`, `toset(["a", "b"])`},
		{`slice(["a", "b", "c"], 1, 2)`, `["b"]`},
		{`sort(["b", "a"])`, `["a", "b"]`},
		{`values({ a = 1 })`, `[1]`},
		{`zipmap(["a"], ["1"])`, `{ a = "1" }`},
	}
}

func numberFunctions() []callable {
	return []callable{
		{`abs(-1)`, `1`},
		{`ceil(1.2)`, `2`},
		{`floor(1.8)`, `1`},
		{`max(1, 2)`, `2`},
		{`min(1, 2)`, `1`},
		{`parseint("ff", 16)`, `255`},
		{`signum(-3)`, `-1`},
	}
}
