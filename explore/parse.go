package explore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/scanner"

	"github.com/terrarium-rl/terrarium/env/registry"
)

// Parse builds the bonus that an expression describes:
//
//	sum     = product { "+" product }
//	product = factor { "*" factor }
//	factor  = number | "(" sum ")" | "norm(" sum ")" | "clip(" sum "," lo "," hi ")"
//	        | "decay(" sum "," rows ")" | name [ "(" option "=" value { "," option "=" value } ")" ]
//
// norm divides by the running standard deviation; decay falls linearly to 0 over a number of
// rows; a name is that of a registered bonus, and values are numbers, true, false, words, or
// lists of words such as [x, y]. Errors are of type [*SyntaxError].
func Parse(expr string, s Setup) (Bonus, error) {
	p := &parser{setup: s, used: map[string]int{}}
	p.sc.Init(strings.NewReader(expr))
	p.sc.Mode = scanner.ScanIdents | scanner.ScanFloats | scanner.ScanInts | scanner.ScanStrings
	p.sc.Error = func(_ *scanner.Scanner, msg string) { p.fail("%s", msg) }
	p.next()
	b := p.sum()
	if p.err == nil && p.tok != scanner.EOF {
		p.fail("unexpected %q; want + or *", p.sc.TokenText())
	}
	if p.err != nil {
		return nil, p.err
	}
	return b, nil
}

// A SyntaxError is what is wrong with an expression.
type SyntaxError struct {
	Column int // from 1
	Err    error
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("bonus expression, column %d: %v", e.Column, e.Err)
}
func (e *SyntaxError) Unwrap() error { return e.Err }

type parser struct {
	sc    scanner.Scanner
	tok   rune
	setup Setup
	used  map[string]int // how often each bonus occurred
	err   error
}

func (p *parser) fail(format string, args ...any) { p.failAt(p.column(), fmt.Errorf(format, args...)) }

func (p *parser) failAt(column int, err error) {
	if p.err == nil {
		p.err = &SyntaxError{column, err}
	}
	p.tok = scanner.EOF
}

// column returns where the current token begins.
func (p *parser) column() int {
	if p.tok == scanner.EOF {
		return p.sc.Pos().Column
	}
	return p.sc.Position.Column
}

func (p *parser) next() {
	if p.err == nil {
		p.tok = p.sc.Scan()
	}
}

// take skips the token want, which must come.
func (p *parser) take(want rune) {
	if p.tok != want {
		found := "the end"
		if p.tok != scanner.EOF {
			found = strconv.Quote(p.sc.TokenText())
		}
		due := strconv.Quote(string(want))
		if want == scanner.Ident {
			due = "a name"
		}
		p.fail("%s where %s was due", found, due)
		return
	}
	p.next()
}

func (p *parser) sum() Bonus {
	b := p.product()
	for p.tok == '+' {
		p.next()
		b = p.pair(b, p.product(), false)
	}
	return b
}

func (p *parser) product() Bonus {
	b := p.factor()
	for p.tok == '*' {
		p.next()
		b = p.pair(b, p.factor(), true)
	}
	return b
}

func (p *parser) pair(a, b Bonus, product bool) Bonus {
	n := p.setup.Rows
	return &pair{a: a, b: b, product: product, x: make([]float32, n), y: make([]float32, n)}
}

func (p *parser) factor() Bonus {
	switch p.tok {
	case scanner.Int, scanner.Float:
		return constant(p.number())
	case '(':
		p.next()
		b := p.sum()
		p.take(')')
		return b
	case scanner.Ident:
		name, at := p.sc.TokenText(), p.column()
		p.next()
		switch name {
		case "norm", "clip", "decay":
			return p.function(name)
		}
		return p.named(name, at)
	}
	p.take(scanner.Ident) // which it is not
	return constant(0)
}

// number reads an optional minus and a number.
func (p *parser) number() float64 {
	sign := 1.0
	if p.tok == '-' {
		sign = -1
		p.next()
	}
	x, err := strconv.ParseFloat(p.sc.TokenText(), 64)
	if p.tok != scanner.Int && p.tok != scanner.Float || err != nil {
		p.fail("%q is not a number", p.sc.TokenText())
		return 0
	}
	if x > math.MaxFloat32 {
		p.fail("%s is more than a bonus can be: at most %.3g", p.sc.TokenText(), math.MaxFloat32)
		return 0
	}
	p.next()
	return sign * x
}

func (p *parser) function(name string) Bonus {
	p.take('(')
	b := p.sum()
	arg := func() float64 {
		p.take(',')
		if p.err != nil {
			return 0
		}
		return p.number()
	}
	switch name {
	case "norm":
		b = &norm{Bonus: b, last: make([]float32, p.setup.Rows)}
	case "clip":
		lo, hi := arg(), arg()
		if p.err == nil && !(lo < hi) {
			p.fail("clip from %v to %v, want a rising range", lo, hi)
		}
		b = &clip{b, float32(lo), float32(hi)}
	case "decay":
		rows := arg()
		if p.err == nil && !(rows >= 1) {
			p.fail("decay over %v rows, want at least 1", rows)
		}
		b = &decay{Bonus: b, rows: rows}
	}
	p.take(')')
	return b
}

// named builds a registered bonus, whose name is at a column, with its options.
func (p *parser) named(name string, at int) Bonus {
	options := map[string]json.RawMessage{}
	if p.tok == '(' {
		p.next()
		for p.tok != ')' && p.err == nil {
			key := p.sc.TokenText()
			p.take(scanner.Ident)
			p.take('=')
			options[key] = p.value()
			if p.tok != ')' {
				p.take(',')
			}
		}
		p.take(')')
	}
	if p.err != nil {
		return constant(0)
	}
	c, err := Open(name, func(dst any) error { return decodeOptions(options, dst) })
	if err != nil {
		p.failAt(at, err)
		return constant(0)
	}
	p.used[name]++
	setup := p.setup
	setup.Key = setup.Key.Fold(uint64(len(p.used))).Fold(uint64(p.used[name]))
	b, err := c.Build(setup)
	if err != nil {
		p.failAt(at, err)
		return constant(0)
	}
	if n := p.used[name]; n > 1 {
		name += strconv.Itoa(n)
	}
	return newLeaf(b, name)
}

// value reads a number, a word, a string or a list of them, as JSON.
func (p *parser) value() json.RawMessage {
	switch p.tok {
	case '[':
		var list []json.RawMessage
		for p.next(); p.tok != ']' && p.err == nil; {
			list = append(list, p.value())
			if p.tok != ']' {
				p.take(',')
			}
		}
		p.take(']')
		raw, err := json.Marshal(list)
		if err != nil {
			p.fail("%w", err)
		}
		return raw
	case scanner.Ident:
		word := p.sc.TokenText()
		p.next()
		if word == "true" || word == "false" {
			return json.RawMessage(word)
		}
		return json.RawMessage(strconv.Quote(word))
	case scanner.String:
		text := p.sc.TokenText()
		p.next()
		return json.RawMessage(text)
	}
	x, err := json.Marshal(p.number())
	if err != nil {
		p.fail("%w", err)
	}
	return x
}

// decodeOptions writes options into the struct dst, refusing unknown ones.
func decodeOptions(options map[string]json.RawMessage, dst any) error {
	known := optionNames(reflect.TypeOf(dst).Elem())
	for name := range options {
		if !slices.Contains(known, name) {
			return fmt.Errorf("unknown option %q%s", name, registry.Suggest(name, known))
		}
	}
	raw, err := json.Marshal(options)
	if err != nil {
		return err
	}
	return json.NewDecoder(bytes.NewReader(raw)).Decode(dst)
}

func optionNames(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			names = append(names, optionNames(f.Type)...)
			continue
		}
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}
