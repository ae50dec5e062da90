package model

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// A General is a model of preferences that need not come from any reward, such as those of rock,
// paper and scissors (Zhang et al., "General Preference Modeling with Preference Representations for
// Aligning Language Models", ICML 2025, "GPM"). A network gives each step Dim numbers; their sum u
// over a segment, scaled to length 1, is the segment's representation v, and
//
//	P(a better than b) = logistic(s / Tau),  s = sum over l of  a_2l b_2l+1 - a_2l+1 b_2l      eq. 6
//
// so that P(a, b) + P(b, a) = 1 always, and cycles have a place. As |s| <= 1, long chains are bent:
// where a reward exists, an Ensemble fits a little better.
type General struct {
	Params []float32

	tau  float32
	dim  int
	in   *Ensemble // reads and scales inputs
	net  *nn.MLP
	tape *nn.Tape
	x    []float32
	most int
	a, b []float32
	ua   []float32
	ub   []float32
}

// A GeneralShape says what a General looks like.
type GeneralShape struct {
	Inputs []string // as in Shape
	Hidden []int
	Dim    int     // numbers of a representation, even, at least 2
	Tau    float32 // temperature, above 0; the authors use 0.1
}

// NewGeneral returns a model with random weights for rows of the given widths.
func NewGeneral(s GeneralShape, rows feedback.Shape, key rng.Key) (*General, error) {
	if s.Dim < 2 || s.Dim%2 != 0 {
		return nil, fmt.Errorf("model: representations of %d numbers, want an even number of at least 2", s.Dim)
	}
	if !(s.Tau > 0) {
		return nil, fmt.Errorf("model: tau is %v, want above 0", s.Tau)
	}
	in, err := NewEnsemble(Shape{Inputs: s.Inputs, Hidden: s.Hidden, Activation: nn.ReLU, Members: 1}, rows, key)
	if err != nil {
		return nil, err
	}
	g := &General{
		tau: s.Tau, dim: s.Dim, in: in,
		net: nn.NewMLP(nn.MLPConfig{In: in.width, Hidden: s.Hidden, Out: s.Dim, Activation: nn.ReLU}),
	}
	g.Params = make([]float32, g.net.NumParams())
	g.net.Init(g.Params, key)
	g.a, g.b = make([]float32, s.Dim), make([]float32, s.Dim)
	g.ua, g.ub = make([]float32, s.Dim), make([]float32, s.Dim)
	return g, nil
}

// FitInputs freezes the shift and scale of the inputs at the statistics of all steps of a store.
func (g *General) FitInputs(s *feedback.Store) error { return g.in.FitInputs(s) }

// Dim returns the numbers of a representation.
func (g *General) Dim() int { return g.dim }

// grow makes room for rows rows.
func (g *General) grow(rows int) {
	if rows > g.most {
		g.most, g.tape, g.x = rows, g.net.NewTape(rows), make([]float32, rows*g.in.width)
	}
}

// Embed writes the representation of a segment, Dim numbers of length 1, to dst.
func (g *General) Embed(dst []float32, v feedback.View) {
	g.grow(v.Len())
	g.in.gatherView(g.x, v, 0, v.Len())
	g.represent(dst, g.ua, g.net.Forward(g.Params, g.tape, g.x, v.Len()))
}

// represent sums the outputs of the steps up, to u, and scales the sum to length 1. It returns
// the length that the sum has.
func (g *General) represent(dst, u, y []float32) (length float32) {
	clear(u)
	for i := 0; i < len(y); i += g.dim {
		for k := range u {
			u[k] += y[i+k]
		}
	}
	for _, x := range u {
		length += float32(x * x)
	}
	length = geom.Sqrt(length) + 1e-8
	for k, x := range u {
		dst[k] = x / length
	}
	return length
}

// Prefer returns the probability that a segment is better than another.
func (g *General) Prefer(a, b feedback.View) float32 {
	g.Embed(g.a, a)
	g.Embed(g.b, b)
	return logistic(g.Score(g.a, g.b) / g.tau)
}

// Score returns s of two representations, from -1 to 1: each is turned by a quarter in every plane,
// which keeps its length, before it meets the other. It is exactly -Score(b, a).
func (g *General) Score(a, b []float32) (s float32) {
	for l := 0; l < len(a); l += 2 {
		s += float32(a[l]*b[l+1]) - float32(a[l+1]*b[l])
	}
	return s
}

// Fit trains the model on pairs of segments of the store: Epochs passes, Minibatch pairs at a time,
// with AdamW. HeldOut, Bootstrap, Stride and Loss of o are not used. It fails, leaving the model as it was, if
// a record is no valid pair of the store, or if a gradient is not finite.
func (g *General) Fit(s *feedback.Store, rs []feedback.Record, o Training) error {
	for i := range rs {
		if rs[i].Kind != feedback.Pair {
			return fmt.Errorf("model: record %d is a %v, want a pair", i, rs[i].Kind)
		}
	}
	return descend(g.Params, s, rs, &o, func(grad []float32, r *feedback.Record, views []feedback.View) {
		g.gradient(grad, r, views[0], views[1])
	})
}

// gradient adds that of the cross-entropy of a pair, times its weight, and returns the loss.
func (g *General) gradient(grad []float32, r *feedback.Record, a, b feedback.View) float64 {
	na, nb, w := a.Len(), b.Len(), g.in.width
	g.grow(na + nb)
	g.in.gatherView(g.x, a, 0, na)
	g.in.gatherView(g.x[na*w:], b, 0, nb)
	y := g.net.Forward(g.Params, g.tape, g.x, na+nb)
	la, lb := g.represent(g.a, g.ua, y[:na*g.dim]), g.represent(g.b, g.ub, y[na*g.dim:])
	z, p := g.Score(g.a, g.b)/g.tau, r.Label
	slope := r.Weight * (float32((1-p)*logistic(z)) - float32(p*logistic(-z))) / g.tau
	da, db := g.ua, g.ub // the sums are not needed any more
	for l := 0; l < g.dim; l += 2 {
		da[l], da[l+1] = slope*g.b[l+1], -slope*g.b[l]
		db[l], db[l+1] = -slope*g.a[l+1], slope*g.a[l]
	}
	through(da, g.a, la)
	through(db, g.b, lb)
	dy := make([]float32, len(y))
	for i := range na + nb {
		d := da
		if i >= na {
			d = db
		}
		copy(dy[i*g.dim:], d)
	}
	g.net.Backward(g.Params, grad, g.tape, dy, nil)
	return float64(r.Weight * (float32(p*softplus(-z)) + float32((1-p)*softplus(z))))
}

// through turns the gradient with respect to v = u/length into that with respect to u.
func through(d, v []float32, length float32) {
	along := float32(0)
	for k := range d {
		along += float32(d[k] * v[k])
	}
	for k := range d {
		d[k] = (d[k] - float32(along*v[k])) / length
	}
}
