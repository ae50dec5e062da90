package program

import (
	"reflect"

	"github.com/expr-lang/expr/builtin"
)

// A Function is one that programs may call.
type Function struct {
	Call string // an example
	Doc  string
}

// function is a Function and how it is lowered.
type function struct {
	Function
	types []reflect.Type
	lower func(l *lowering, args []value) int32
}

type (
	f1  = func(float64) float64
	f2  = func(float64, float64) float64
	f3  = func(float64, float64, float64) float64
	fn  = func(float64, ...float64) float64
	vec = func([]any) float64
	v2  = func([]any, []any) float64
	b1  = func(bool) bool
	v1  = func([]any, int) [][]any
)

// functions are by name.
var functions map[string]function

// names of functions, in the order of the documentation.
var functionNames = []string{
	"abs", "sign", "min", "max", "clamp", "sqrt", "hypot", "exp", "log", "tanh", "sin", "cos", "atan2", "floor",
	"wrap", "near", "sum", "mean", "norm", "dist", "prev", "first", "each", "map", "count", "any", "all", "none", "one",
}

// Functions lists the functions of the language.
func Functions() (list []Function) {
	for _, name := range functionNames {
		list = append(list, functions[name].Function)
	}
	return list
}

func typesOf(fs ...any) (ts []reflect.Type) {
	for _, f := range fs {
		ts = append(ts, reflect.TypeOf(f))
	}
	return ts
}

// builtins returns the functions as the checker wants them.
func builtins() map[string]*builtin.Function {
	out := map[string]*builtin.Function{}
	for name, f := range functions {
		if f.types == nil {
			continue // a loop, which the checker knows
		}
		out[name] = &builtin.Function{Name: name, Types: f.types}
	}
	return out
}

func init() {
	unary := func(o op) func(*lowering, []value) int32 {
		return func(l *lowering, a []value) int32 { return l.emit(o, a[0].at(0)) }
	}
	// fold joins all numbers among the arguments.
	fold := func(o op) func(*lowering, []value) int32 {
		return func(l *lowering, a []value) int32 { return l.fold(o, flat(a)) }
	}
	square := func(l *lowering, x int32) int32 { return l.emit(opMul, x, x) }
	norm := func(l *lowering, xs []int32) int32 {
		squares := make([]int32, len(xs))
		for i, x := range xs {
			squares[i] = square(l, x)
		}
		return l.emit(opSqrt, l.fold(opAdd, squares))
	}
	functions = map[string]function{
		"abs":   {Function{"abs(x)", "the size of a number"}, typesOf(f1(nil)), unary(opAbs)},
		"sign":  {Function{"sign(x)", "1 above 0, -1 below, 0 at 0"}, typesOf(f1(nil)), lowerSign},
		"min":   {Function{"min(x, y, ...) or min(rays)", "the smallest of numbers, or of the columns of a fact"}, typesOf(fn(nil), vec(nil)), fold(opMin)},
		"max":   {Function{"max(x, y, ...) or max(rays)", "the largest"}, typesOf(fn(nil), vec(nil)), fold(opMax)},
		"clamp": {Function{"clamp(x, lo, hi)", "x limited to lo..hi"}, typesOf(f3(nil)), lowerClamp},
		"sqrt":  {Function{"sqrt(x)", "the square root"}, typesOf(f1(nil)), unary(opSqrt)},
		"hypot": {Function{"hypot(x, y)", "the length of the vector (x, y)"}, typesOf(f2(nil)),
			func(l *lowering, a []value) int32 { return norm(l, flat(a)) }},
		"exp":  {Function{"exp(x)", "e to the power x"}, typesOf(f1(nil)), unary(opExp)},
		"log":  {Function{"log(x)", "the natural logarithm"}, typesOf(f1(nil)), unary(opLog)},
		"tanh": {Function{"tanh(x)", "the hyperbolic tangent, from -1 to 1"}, typesOf(f1(nil)), unary(opTanh)},
		"sin":  {Function{"sin(x)", "the sine of an angle in radians"}, typesOf(f1(nil)), unary(opSin)},
		"cos":  {Function{"cos(x)", "the cosine"}, typesOf(f1(nil)), unary(opCos)},
		"atan2": {Function{"atan2(y, x)", "the angle of the vector (x, y), from -pi to pi"}, typesOf(f2(nil)),
			func(l *lowering, a []value) int32 { return l.emit(opAtan2, a[0].at(0), a[1].at(0)) }},
		"floor": {Function{"floor(x)", "the greatest whole number not above x"}, typesOf(f1(nil)), unary(opFloor)},
		"wrap":  {Function{"wrap(x)", "the angle modulo a full turn, from -pi to pi"}, typesOf(f1(nil)), lowerWrap},
		"near": {Function{"near(x, scale)", "exp(-(x/scale)^2): 1 at 0, 0.37 at scale, 0 far away"}, typesOf(f2(nil)),
			func(l *lowering, a []value) int32 {
				return l.emit(opExp, l.emit(opNeg, square(l, l.emit(opDiv, a[0].at(0), a[1].at(0)))))
			}},
		"sum":   {Function{"sum(rays) or sum(each(box, 2), norm(#))", "of the columns of a fact, or of what is said of each object, #"}, nil, nil},
		"map":   {Function{"min(map(each(box, 2), norm(#)))", "what is said of each object, as a vector"}, nil, nil},
		"count": {Function{"count(rays, # < 1)", "of how many it is true"}, nil, nil},
		"any":   {Function{"any(rays, # < 1)", "whether it is true of one at least"}, nil, nil},
		"all":   {Function{"all(rays, # < 1)", "of each"}, nil, nil},
		"none":  {Function{"none(rays, # < 1)", "of none"}, nil, nil},
		"one":   {Function{"one(rays, # < 1)", "of exactly one"}, nil, nil},
		"each":  {Function{"each(box, 2)", "the objects that a fact is of, so many columns each; 0..3 are numbers to go over"}, typesOf(v1(nil)), nil},
		"mean": {Function{"mean(rays)", "of the columns of a fact"}, typesOf(vec(nil)), func(l *lowering, a []value) int32 {
			return l.emit(opMul, l.fold(opAdd, flat(a)), l.number(1/float32(len(a[0].regs))))
		}},
		"norm": {Function{"norm(velocity)", "the length of a fact, as a vector"}, typesOf(vec(nil)),
			func(l *lowering, a []value) int32 { return norm(l, flat(a)) }},
		"dist": {Function{"dist(obs.position, obs.goal)", "of two vectors"}, typesOf(v2(nil)), func(l *lowering, a []value) int32 {
			d := make([]int32, len(a[0].regs))
			for i := range d {
				d[i] = l.emit(opSub, a[0].at(i), a[1].at(i))
			}
			return norm(l, d)
		}},
		"prev":  {Function{"prev(x)", "x, a number or a truth, in the step before; in the first of an episode x itself, or false"}, typesOf(f1(nil), b1(nil)), nil},
		"first": {Function{"first(x > 1)", "true from the step on that it is first true in, to the end of the episode"}, typesOf(b1(nil)), nil},
	}
}

func flat(vs []value) (out []int32) {
	for _, v := range vs {
		out = append(out, v.regs...)
	}
	return out
}

func lowerSign(l *lowering, a []value) int32 {
	x, zero := a[0].at(0), l.number(0)
	negative := l.emit(opSelect, l.emit(opLess, x, zero), l.number(-1), zero)
	return l.emit(opSelect, l.emit(opLess, zero, x), l.number(1), negative)
}

func lowerClamp(l *lowering, a []value) int32 {
	return l.emit(opMin, l.emit(opMax, a[0].at(0), a[1].at(0)), a[2].at(0))
}

// lowerWrap is geom.WrapAngle.
func lowerWrap(l *lowering, a []value) int32 {
	x, turn := a[0].at(0), l.number(2*pi)
	k := l.emit(opFloor, l.emit(opAdd, l.emit(opDiv, x, turn), l.number(0.5)))
	return l.emit(opSub, x, l.emit(opMul, turn, k))
}
