package program

import (
	"math"

	"github.com/terrarium-rl/terrarium/env"
)

// An interval holds every value that a column can have.
type interval struct{ lo, hi float64 }

var everything = interval{math.Inf(-1), math.Inf(1)}

// Doubts lists the places of the program that may not be finite, judged by interval arithmetic from
// the bounds that the environment states for its fields (Moore, "Interval Analysis", 1966): a place
// that is listed need not go wrong, as intervals know nothing of how fields depend on each other;
// one that is not listed cannot, while the bounds hold and numbers stay below 1e38.
func (f *Func) Doubts() (list []*Error) {
	x := make([]interval, len(f.code))
	for i, in := range f.code {
		var a [3]interval
		for k, arg := range in.args {
			if arg >= 0 {
				a[k] = x[arg]
			}
		}
		var what string
		if x[i], what = f.bounds(in, a); in.op == opCell {
			x[i] = f.cellBounds(in, i, x)
		}
		if what != "" {
			list = append(list, placedAt(f.source, f.places[i], what))
		}
	}
	return distinct(list)
}

// bounds returns the interval of an instruction, and what may go wrong there.
func (f *Func) bounds(in ins, a [3]interval) (interval, string) {
	x, y := a[0], a[1]
	switch in.op {
	case opNumber:
		v := float64(math.Float32frombits(in.imm))
		return interval{v, v}, ""
	case opLoad:
		return f.fieldBounds(in), ""
	case opEnded, opLess, opEqual, opAnd, opOr, opNot:
		return interval{0, 1}, ""
	case opAdd:
		return span(x.lo+y.lo, x.hi+y.hi), ""
	case opSub:
		return span(x.lo-y.hi, x.hi-y.lo), ""
	case opMul:
		if in.args[0] == in.args[1] { // a square
			least := 0.0
			if x.lo > 0 || x.hi < 0 {
				least = min(x.lo*x.lo, x.hi*x.hi)
			}
			return interval{least, max(x.lo*x.lo, x.hi*x.hi)}, ""
		}
		return span(product(x.lo, y.lo), product(x.lo, y.hi), product(x.hi, y.lo), product(x.hi, y.hi)), ""
	case opDiv:
		if y.lo <= 0 && y.hi >= 0 {
			return everything, "the divisor may be 0"
		}
		return span(x.lo/y.lo, x.lo/y.hi, x.hi/y.lo, x.hi/y.hi), ""
	case opNeg:
		return interval{-x.hi, -x.lo}, ""
	case opAbs:
		if x.lo <= 0 && x.hi >= 0 {
			return interval{0, max(-x.lo, x.hi)}, ""
		}
		return span(math.Abs(x.lo), math.Abs(x.hi)), ""
	case opMin:
		return interval{min(x.lo, y.lo), min(x.hi, y.hi)}, ""
	case opMax:
		return interval{max(x.lo, y.lo), max(x.hi, y.hi)}, ""
	case opSqrt:
		if x.lo < 0 {
			return interval{0, math.Sqrt(max(x.hi, 0))}, "the root may be of a number below 0"
		}
		return interval{math.Sqrt(x.lo), math.Sqrt(x.hi)}, ""
	case opExp:
		out := interval{math.Exp(x.lo), math.Exp(x.hi)}
		if x.hi > 88 {
			return out, "exp may be of a number above 88, which is infinite"
		}
		return out, ""
	case opLog:
		if x.lo <= 0 {
			return interval{math.Inf(-1), math.Log(max(x.hi, 0))}, "the logarithm may be of 0 or a number below"
		}
		return interval{math.Log(x.lo), math.Log(x.hi)}, ""
	case opTanh, opSin, opCos:
		return interval{-1, 1}, ""
	case opAtan2:
		return interval{-math.Pi, math.Pi}, ""
	case opFloor:
		return interval{math.Floor(x.lo), math.Floor(x.hi)}, ""
	case opSelect:
		return interval{min(y.lo, a[2].lo), max(y.hi, a[2].hi)}, ""
	}
	return everything, ""
}

// cellBounds returns what a memory may hold: truths, or the values so far of a number.
func (f *Func) cellBounds(in ins, at int, x []interval) interval {
	if k := int(f.keep[in.col]); k < at {
		return x[k]
	}
	return interval{0, 1}
}

// product is 0 where one factor is, however large the other: fields are finite.
func product(a, b float64) float64 {
	if a == 0 || b == 0 {
		return 0
	}
	return a * b
}

// span is the smallest interval around some values; all numbers if one is not a number.
func span(xs ...float64) interval {
	out := interval{math.Inf(1), math.Inf(-1)}
	for _, x := range xs {
		if math.IsNaN(x) {
			return everything
		}
		out.lo, out.hi = min(out.lo, x), max(out.hi, x)
	}
	return out
}

// fieldBounds returns what the environment says of a column.
func (f *Func) fieldBounds(in ins) interval {
	if field := f.field(in); field != nil {
		return boundsOf(*field)
	}
	return everything
}

func boundsOf(f env.Field) interval {
	if f.Choices > 0 {
		return interval{0, float64(f.Choices - 1)}
	}
	return interval{float64(f.Lo), float64(f.Hi)}
}

// placedAt returns an error at the rune with a number.
func placedAt(source string, at int, text string) *Error {
	e := &Error{Line: 1, Column: 1, Text: text, Source: source}
	for i, r := range []rune(source) {
		if i == at {
			break
		}
		if e.Column++; r == '\n' {
			e.Line, e.Column = e.Line+1, 1
		}
	}
	return e
}
