package nn

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// A GRU is a layer of gated recurrent units (Cho et al., "Learning Phrase Representations using RNN
// Encoder-Decoder for Statistical Machine Translation", 2014; in the form of cuDNN, in which the
// reset gate acts after the recurrent product):
//
//	z = s(x Wz + h Uz + bz)    r = s(x Wr + h Ur + br)
//	n = tanh(x Wn + bn + r (h Un + cn))    h' = (1-z) n + z h
//
// with the logistic s, beginning at h = 0. Like an MLP it holds the shape only. The parameters are
// W (In rows of z, r, n), U (Hidden rows of z, r, n), b (z, r, n), c.
type GRU struct {
	in, hidden   int
	u, b, c, end int // offsets
	k            *kernel
}

// NewGRU returns a layer. It panics if a width is below 1.
func NewGRU(in, hidden int) *GRU {
	if in < 1 || hidden < 1 {
		panic(fmt.Sprintf("nn: GRU of widths %d and %d: each must be at least 1", in, hidden))
	}
	g := &GRU{in: in, hidden: hidden, u: 3 * in * hidden, k: active}
	g.b = g.u + 3*hidden*hidden
	g.c = g.b + 3*hidden
	g.end = g.c + hidden
	return g
}

// NumParams returns the number of parameters.
func (g *GRU) NumParams() int { return g.end }

// In returns the width of the input.
func (g *GRU) In() int { return g.in }

// Hidden returns the width of the output.
func (g *GRU) Hidden() int { return g.hidden }

// Init fills p with orthogonal weights for each gate and zero biases.
func (g *GRU) Init(p []float32, k rng.Key) {
	clear(p[:g.end])
	s, h := k.Stream(purposeInit, 0, 0), g.hidden
	square := make([]float32, max(g.in, h)*h)
	for gate := range 3 {
		for _, part := range []struct{ at, rows int }{{0, g.in}, {g.u, h}} {
			w := square[:part.rows*h]
			Orthogonal(w, part.rows, h, 1, &s)
			for i := range part.rows {
				copy(p[part.at+i*3*h+gate*h:][:h], w[i*h:(i+1)*h])
			}
		}
	}
}

// A GRUTape holds what Backward needs of Forward. Use one for each goroutine.
type GRUTape struct {
	steps int
	x     []float32 // as given
	gates []float32 // steps x (z, r, n)
	inner []float32 // steps x Hidden: h Un + cn
	h     []float32 // (steps+1) x Hidden, the first 0
	hu    []float32 // 3 Hidden: h U
	dg    []float32 // steps x (dz, dr, dn), before the nonlinearities
	dh    []float32 // Hidden
	dhu   []float32 // 3 Hidden: gradient of h U
}

// NewTape returns a tape for sequences of up to the given number of steps.
func (g *GRU) NewTape(steps int) *GRUTape {
	f := func(n int) []float32 { return make([]float32, n) }
	h := g.hidden
	return &GRUTape{
		gates: f(steps * 3 * h), inner: f(steps * h), h: f((steps + 1) * h), hu: f(3 * h),
		dg: f(steps * 3 * h), dh: f(h), dhu: f(3 * h),
	}
}

// Forward returns the outputs of a sequence, steps rows of Hidden, in the tape's memory. x has steps
// rows of In, which must hold until Backward.
func (g *GRU) Forward(p []float32, t *GRUTape, x []float32, steps int) []float32 {
	h := g.hidden
	t.steps, t.x = steps, x[:steps*g.in]
	gates := t.gates[:steps*3*h]
	for i := range steps {
		copy(gates[i*3*h:(i+1)*3*h], p[g.b:g.c])
	}
	g.k.gemm(steps, 3*h, g.in, x, g.in, 1, p, 3*h, gates, 3*h, gates, 3*h)
	clear(t.h[:h])
	for i := range steps {
		prev, next := t.h[i*h:(i+1)*h], t.h[(i+1)*h:(i+2)*h]
		g.k.gemm(1, 3*h, h, prev, h, 1, p[g.u:], 3*h, nil, 0, t.hu, 3*h)
		row, inner := gates[i*3*h:(i+1)*3*h], t.inner[i*h:(i+1)*h]
		for j := range h {
			z, r := sigmoid(row[j]+t.hu[j]), sigmoid(row[h+j]+t.hu[h+j])
			inner[j] = t.hu[2*h+j] + p[g.c+j]
			n := geom.Tanh(row[2*h+j] + float32(r*inner[j]))
			row[j], row[h+j], row[2*h+j] = z, r, n
			next[j] = float32((1-z)*n) + float32(z*prev[j])
		}
	}
	return t.h[h : (steps+1)*h]
}

// Backward adds the gradient with respect to the parameters to grad, given that with respect to
// the outputs of the last Forward (steps x Hidden): truncated nowhere.
func (g *GRU) Backward(p, grad []float32, t *GRUTape, dOut []float32) {
	h, steps := g.hidden, t.steps
	clear(t.dh)
	for i := steps - 1; i >= 0; i-- {
		prev, row, inner := t.h[i*h:(i+1)*h], t.gates[i*3*h:(i+1)*3*h], t.inner[i*h:(i+1)*h]
		dg := t.dg[i*3*h : (i+1)*3*h]
		for j := range h {
			d := t.dh[j] + dOut[i*h+j]
			z, r, n := row[j], row[h+j], row[2*h+j]
			dn := float32(d*(1-z)) * (1 - float32(n*n))
			dg[2*h+j] = dn
			dg[j] = float32(d*(prev[j]-n)) * float32(z*(1-z))
			dg[h+j] = float32(dn*inner[j]) * float32(r*(1-r))
			t.dhu[j], t.dhu[h+j], t.dhu[2*h+j] = dg[j], dg[h+j], float32(dn*r)
			grad[g.c+j] += t.dhu[2*h+j]
			t.dh[j] = float32(d * z)
		}
		for a := range h {
			u, du, x := p[g.u+a*3*h:g.u+(a+1)*3*h], grad[g.u+a*3*h:g.u+(a+1)*3*h], prev[a]
			var sum float32
			for k, d := range t.dhu {
				sum += float32(u[k] * d)
				du[k] += float32(x * d)
			}
			t.dh[a] += sum
		}
		for k, d := range dg {
			grad[g.b+k] += d
		}
	}
	w := grad[:g.u]
	g.k.gemm(g.in, 3*h, steps, t.x, 1, g.in, t.dg, 3*h, w, 3*h, w, 3*h)
}

// sigmoid is the logistic function.
func sigmoid(x float32) float32 {
	if x < 0 {
		e := geom.Exp(max(x, -80))
		return e / (1 + e)
	}
	return 1 / (1 + geom.Exp(-min(x, 80)))
}
