// SPDX-License-Identifier: Apache-2.0

// Package expression compiles and evaluates the expressions of transforms: one per
// record, in the language of expr-lang, with a bounded amount of work.
package expression

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/klamm-io/klamm/sdk"
)

// Want is what an expression has to give.
type Want int

// What expressions give.
const (
	Anything Want = iota // any value; see [Bytes]
	Condition
	Text
	Time // a time, or milliseconds since the epoch
)

func (w Want) String() string {
	return [...]string{"any value", "true or false", "a text", "a time, or a number of milliseconds"}[w]
}

const (
	maxLength = 16 << 10
	maxNodes  = 1000
)

// Program is a compiled expression. It is safe for concurrent use.
type Program struct {
	text    string
	want    Want
	program *vm.Program
}

// Error is what is wrong with an expression's text, and where.
type Error struct {
	Message string
	Within  sdk.Span
}

func (e *Error) Error() string { return e.Message }

// Compile compiles and type-checks an expression. An error is an *Error.
func Compile(text string, want Want) (p *Program, err error) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil, &Error{Message: "An expression must not be empty."}
	case len(text) > maxLength:
		return nil, &Error{Message: fmt.Sprintf("An expression may be %d KiB long.", maxLength>>10)}
	}
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, &Error{Message: sentence(fmt.Sprint(r))}
		}
	}()
	patch := newPatcher()
	program, err := expr.Compile(text, expr.Env(&Record{}), expr.MaxNodes(maxNodes), expr.Patch(patch), functions)
	if patch.err != nil {
		err = patch.err
	}
	if err == nil && !want.mayBe(program.Node().Type()) {
		err = &file.Error{Location: program.Node().Location(), Message: fmt.Sprintf("it has to give %s, and gives %s", want, program.Node().Type())}
	}
	if err != nil {
		return nil, explain(text, err)
	}
	return &Program{text: text, want: want, program: program}, nil
}

// mayBe reports whether what is known of a value's type lets it be what is wanted.
func (w Want) mayBe(t reflect.Type) bool {
	switch {
	case t.Kind() == reflect.Interface, w == Anything:
		return true
	case w == Condition:
		return t.Kind() == reflect.Bool
	case w == Text:
		return t.Kind() == reflect.String
	}
	return t == timeType || t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64 && t != reflect.TypeFor[time.Duration]()
}

// unknownName is the message about a name that there is not.
var unknownName = regexp.MustCompile(`^unknown name (\S+)`)

// explain says what the compiler says, with the place in bytes.
func explain(text string, err error) *Error {
	e := &Error{Message: sentence(err.Error())}
	at, ok := errors.AsType[*file.Error](err)
	if !ok {
		return e
	}
	message := at.Message
	if m := unknownName.FindStringSubmatch(message); m != nil {
		if why := refusedFunctions[m[1]]; why != "" {
			message = fmt.Sprintf("there is no %s() here: %s", m[1], why)
		} else {
			message += "; there is " + strings.Join(names, ", ") + ", and what let declares"
		}
	}
	e.Message = sentence(message)
	e.Within = sdk.Span{From: byteOf(text, at.From), To: byteOf(text, max(at.To, at.From+1))}
	if e.Within.From == len(text) { // at the end of the text: its last character
		e.Within.From = byteOf(text, len([]rune(text))-1)
	}
	return e
}

// byteOf is where a rune of a text begins.
func byteOf(text string, index int) int {
	for at := range text {
		if index <= 0 {
			return at
		}
		index--
	}
	return len(text)
}

func sentence(text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// Check says what is wrong with an expression that stands at a path of a config.
func Check(path, text string, want Want) []sdk.Invalid {
	_, err := Compile(text, want)
	if e, is := errors.AsType[*Error](err); is {
		return []sdk.Invalid{{Path: path, Summary: "Invalid expression", Detail: e.Message, Within: e.Within}}
	}
	return nil
}

// run evaluates the expression. Every error rejects the record.
func (p *Program) run(r *Record) (any, error) {
	out, err := r.vm.Run(p.program, r)
	clear(r.vm.Variables)
	if err != nil {
		return nil, p.failed(err)
	}
	return out, nil
}

// maxShown is how much of an expression or a message a reason quotes.
const maxShown = 200

// failed says why an expression has not given a value: what, and at which part.
func (p *Program) failed(err error) error {
	message := err.Error()
	at, ok := errors.AsType[*file.Error](err)
	if ok {
		message = at.Message
	}
	if message == "invalid operation: int(string)" {
		message = "a text or an array has no fields"
	}
	if message = short(message); !ok || at.From <= 0 && at.To <= 0 {
		return fmt.Errorf("%s: in %q", message, short(p.text))
	}
	runes := []rune(p.text)
	from := min(at.From, len(runes))
	to := max(min(at.To, len(runes)), from)
	if part := string(runes[from:to]); part != "" {
		return fmt.Errorf("%s: at %q (character %d) of %q", message, short(part), from+1, short(p.text))
	}
	return fmt.Errorf("%s: at character %d of %q", message, from+1, short(p.text))
}

// short cuts what could be as long as a record.
func short(text string) string {
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "\uFFFD")
	if runes := []rune(text); len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return text
}

// names are what an expression sees of a record.
var names = slices.Sorted(slices.Values([]string{"topic", "partition", "offset", "timestamp", "key", "value", "headers", "raw_key", "raw_value"}))
