package program

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// Kernels must give the bits of the functions they are named after, for numbers of every kind; of
// NaN it only counts that it is NaN.
func TestKernels(t *testing.T) {
	odd := []float32{0, float32(math.Copysign(0, -1)), 1, -1, 0.5, -0.5, 0.625, -0.625, 9, -9, 87, -87, 88.72, 88.73, -87.01, 100, -100, 1e-40, -1e-40,
		1.1754944e-38, 3.4e38, -3.4e38, 1 << 23, -(1 << 23), 1<<23 - 0.5, 1 << 31, 1e10, geom.Pi, geom.Pi / 2, geom.Pi / 4, 0.41421357, 0.70710678,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	var xs, ys []float32
	for _, x := range odd {
		for _, y := range odd {
			xs, ys = append(xs, x), append(ys, y)
		}
	}
	r := rng.New(1).Stream(1, 0, 0)
	for range 100_003 {
		scale := geom.Exp(float32(8 * r.Norm()))
		xs, ys = append(xs, scale*r.Norm()), append(ys, scale*r.Norm())
	}
	d := make([]float32, len(xs))
	for o, want := range map[op]func(x, y float32) float32{
		opExp:   func(x, _ float32) float32 { return geom.Exp(x) },
		opLog:   func(x, _ float32) float32 { return geom.Log(x) },
		opTanh:  func(x, _ float32) float32 { return geom.Tanh(x) },
		opSin:   func(x, _ float32) float32 { return geom.Sin(x) },
		opCos:   func(x, _ float32) float32 { return geom.Cos(x) },
		opSqrt:  func(x, _ float32) float32 { return geom.Sqrt(x) },
		opFloor: func(x, _ float32) float32 { return geom.Floor(x) },
		opAtan2: geom.Atan2,
		opDiv:   func(x, y float32) float32 { return x / y },
		opMin:   geom.Min, opMax: geom.Max,
	} {
		kernels[o](d, xs, ys, nil)
		bad := 0
		for i, got := range d {
			if w := want(xs[i], ys[i]); math.Float32bits(got) != math.Float32bits(w) && !(got != got && w != w) && bad < 5 {
				t.Errorf("op %d of %v (%x), %v is %v, want %v", o, xs[i], math.Float32bits(xs[i]), ys[i], got, w)
				bad++
			}
		}
	}
}
