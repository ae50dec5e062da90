package nn

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

func randomFloats(n int, seed uint64) []float32 {
	s, x := rng.New(seed).Stream(1, 0, 0), make([]float32, n)
	for i := range x {
		x[i] = s.Norm()
	}
	return x
}

// gruReference computes the outputs in float64, unit by unit, from the equations of the comment.
func gruReference(g *GRU, p, x []float64, steps int) []float64 {
	h, out := make([]float64, g.hidden), []float64(nil)
	s := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for t := range steps {
		pre := func(gate, j int, from []float64, at, n int) (sum float64) {
			for i := range n {
				sum += from[i] * p[at+i*3*g.hidden+gate*g.hidden+j]
			}
			return sum
		}
		next := make([]float64, g.hidden)
		for j := range next {
			in := func(gate int) float64 { return pre(gate, j, x[t*g.in:], 0, g.in) + p[g.b+gate*g.hidden+j] }
			z, r := s(in(0)+pre(0, j, h, g.u, g.hidden)), s(in(1)+pre(1, j, h, g.u, g.hidden))
			n := math.Tanh(in(2) + r*(pre(2, j, h, g.u, g.hidden)+p[g.c+j]))
			next[j] = (1-z)*n + z*h[j]
		}
		h = next
		out = append(out, h...)
	}
	return out
}

func widen(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// Outputs equal the equations, and gradients finite differences of them.
func TestGRU(t *testing.T) {
	const steps = 6
	g := NewGRU(3, 5)
	p := randomFloats(g.NumParams(), 1)
	for i := range p {
		p[i] *= 0.5
	}
	x, weights := randomFloats(steps*3, 2), randomFloats(steps*5, 3)
	tape := g.NewTape(steps + 2)
	y := g.Forward(p, tape, x, steps)
	want := gruReference(g, widen(p), widen(x), steps)
	for i := range want {
		if math.Abs(float64(y[i])-want[i]) > 1e-5 {
			t.Fatalf("output %d is %v, want %v", i, y[i], want[i])
		}
	}
	grad := randomFloats(g.NumParams(), 4)
	before := widen(grad)
	g.Backward(p, grad, tape, weights)
	loss := func(p []float64) (s float64) {
		for i, v := range gruReference(g, p, widen(x), steps) {
			s += v * float64(weights[i])
		}
		return s
	}
	wide := widen(p)
	for i := range p {
		const eps = 1e-5
		wide[i] += eps
		hi := loss(wide)
		wide[i] -= 2 * eps
		slope := (hi - loss(wide)) / (2 * eps)
		wide[i] += eps
		if got := float64(grad[i]) - before[i]; math.Abs(got-slope) > 2e-4*(1+math.Abs(slope)) {
			t.Errorf("parameter %d: gradient %v, finite difference %v", i, got, slope)
		}
	}
	// A tape remembers nothing, and what comes later does not change what was before.
	again := append([]float32(nil), g.Forward(p, tape, x, steps)...)
	for i, v := range g.Forward(p, g.NewTape(2), x, 2) {
		if v != again[i] {
			t.Error("outputs depend on later steps, or on the tape")
		}
	}
	if n := testing.AllocsPerRun(10, func() { g.Forward(p, tape, x, steps); g.Backward(p, grad, tape, weights) }); n != 0 {
		t.Errorf("%v allocations a pass, want 0", n)
	}
}

func TestGRUInit(t *testing.T) {
	g := NewGRU(7, 4)
	p := randomFloats(g.NumParams(), 1)
	g.Init(p, rng.New(1))
	for i, v := range p[g.b:] {
		if v != 0 {
			t.Fatalf("bias %d is %v", i, v)
		}
	}
	// The recurrent weights of each gate are orthogonal.
	for gate := range 3 {
		for a := range 4 {
			for b := range 4 {
				var dot float32
				for j := range 4 {
					dot += p[g.u+a*12+gate*4+j] * p[g.u+b*12+gate*4+j]
				}
				want := float32(0)
				if a == b {
					want = 1
				}
				if math.Abs(float64(dot-want)) > 1e-5 {
					t.Errorf("gate %d: rows %d and %d have product %v", gate, a, b, dot)
				}
			}
		}
	}
}
