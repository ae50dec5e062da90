package program

import (
	"math"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// A kernel computes an operation for each row of d, at least one. Columns that the operation has no
// use for may be short.
type kernel func(d, a, b, c []float32)

// kernels are by operation. Where SIMD is built in, init replaces them by others of the same bits.
var kernels = portable

// portable is the specification of the arithmetic.
var portable = [...]kernel{
	opNumber: nil, opLoad: nil, opEnded: nil, opCell: nil,
	opAdd: func(d, a, b, _ []float32) {
		a, b = a[:len(d)], b[:len(d)]
		for i := range d {
			d[i] = a[i] + b[i]
		}
	},
	opSub: func(d, a, b, _ []float32) {
		a, b = a[:len(d)], b[:len(d)]
		for i := range d {
			d[i] = a[i] - b[i]
		}
	},
	opMul: multiply, opAnd: multiply,
	opDiv: func(d, a, b, _ []float32) {
		a, b = a[:len(d)], b[:len(d)]
		for i := range d {
			d[i] = a[i] / b[i]
		}
	},
	opNeg:  each(func(x float32) float32 { return -x }),
	opAbs:  each(geom.Abs),
	opMin:  each2(geom.Min),
	opMax:  each2(geom.Max),
	opOr:   each2(geom.Max),
	opSqrt: each(geom.Sqrt),
	opExp:  each(geom.Exp), opLog: each(geom.Log), opTanh: each(geom.Tanh),
	opSin: each(geom.Sin), opCos: each(geom.Cos), opAtan2: each2(geom.Atan2), opFloor: each(geom.Floor),
	opLess:  each2(func(x, y float32) float32 { return truthOf(x < y) }),
	opEqual: each2(func(x, y float32) float32 { return truthOf(x == y) }),
	opNot:   each(func(x float32) float32 { return 1 - x }),
	opSelect: func(d, a, b, c []float32) {
		a, b, c = a[:len(d)], b[:len(d)], c[:len(d)]
		for i := range d {
			x := math.Float32bits(c[i])
			if math.Float32bits(a[i]) != 0 { // a condition that compiles to a move, not a branch
				x = math.Float32bits(b[i])
			}
			d[i] = math.Float32frombits(x)
		}
	},
}

func multiply(d, a, b, _ []float32) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = a[i] * b[i]
	}
}

func each(f func(float32) float32) kernel {
	return func(d, a, _, _ []float32) {
		for i, x := range a[:len(d)] {
			d[i] = f(x)
		}
	}
}

func each2(f func(x, y float32) float32) kernel {
	return func(d, a, b, _ []float32) {
		b = b[:len(d)]
		for i, x := range a[:len(d)] {
			d[i] = f(x, b[i])
		}
	}
}

// truthOf compiles to code without a branch.
func truthOf(b bool) float32 {
	i := int32(0)
	if b {
		i = 1
	}
	return float32(i)
}

// apply computes an operation for one row.
func apply(o op, a, b, c float32) float32 {
	var d [1]float32
	portable[o](d[:], []float32{a}, []float32{b}, []float32{c})
	return d[0]
}
