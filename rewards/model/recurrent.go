package model

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// A Recurrent is a scorer with a memory: a layer of gated recurrent units reads a segment from its
// first step, and a linear head scores each step by what was read until then. It can tell what an
// Ensemble cannot: the second visit from the first, too late from in time. As a reward it would
// need that memory in the observation; it is for judging segments, for rewards of past behaviour
// (Early, Bewley, Evers and Ramchurn, "Non-Markovian Reward Modelling from Trajectory Labels via
// Interpretable Multiple Instance Learning", NeurIPS 2022), and for embeddings.
type Recurrent struct {
	Params []float32 // of the units, then the head: one weight a unit and a bias

	in   *Ensemble // makes the inputs; its networks are not used
	gru  *nn.GRU
	tape *nn.GRUTape
	cap  int // steps that the scratch is for
	x, y []float32
	dh   []float32
}

// RecurrentShape says what a Recurrent looks like.
type RecurrentShape struct {
	Inputs []string // what a step is judged by, as in Shape
	Units  int      // at least 1; the default is 32
}

// NewRecurrent returns a scorer with random weights.
func NewRecurrent(s RecurrentShape, rows feedback.Shape, key rng.Key) (*Recurrent, error) {
	if s.Units == 0 {
		s.Units = 32
	}
	if s.Units < 1 {
		return nil, fmt.Errorf("units is %d, want at least 1", s.Units)
	}
	in, err := NewEnsemble(Shape{Inputs: s.Inputs, Members: 1}, rows, rng.Key{})
	if err != nil {
		return nil, err
	}
	r := &Recurrent{in: in, gru: nn.NewGRU(in.width, s.Units)}
	r.Params = make([]float32, r.gru.NumParams()+s.Units+1)
	r.gru.Init(r.Params, key)
	return r, nil
}

// FitInputs freezes the shift and scale of the inputs at the mean and deviation of all steps of a
// store.
func (r *Recurrent) FitInputs(s *feedback.Store) error { return r.in.FitInputs(s) }

// Units returns the length of an embedding.
func (r *Recurrent) Units() int { return r.gru.Hidden() }

// head returns the weights and the bias of the head within parameters or a gradient.
func (r *Recurrent) head(p []float32) (w []float32, bias *float32) {
	n := r.gru.NumParams()
	return p[n : n+r.Units()], &p[n+r.Units()]
}

// forward reads a segment and returns the units after each step.
func (r *Recurrent) forward(v feedback.View) []float32 {
	n := v.Len()
	if n > r.cap {
		r.cap = n
		r.tape = r.gru.NewTape(n)
		r.x, r.y, r.dh = make([]float32, n*r.in.width), make([]float32, n), make([]float32, n*r.Units())
	}
	r.in.gatherView(r.x, v, 0, n)
	return r.gru.Forward(r.Params, r.tape, r.x, n)
}

// scores writes the score of each step to y, given the units.
func (r *Recurrent) scores(y, units []float32) {
	w, bias := r.head(r.Params)
	for i := range y {
		s := *bias
		for k, x := range units[i*len(w) : (i+1)*len(w)] {
			s += float32(x * w[k])
		}
		y[i] = s
	}
}

// Score judges a segment. Embedding is the state of the units at its end.
func (r *Recurrent) Score(o *Out, v feedback.View) {
	units := r.forward(v)
	o.grow(v.Len())
	r.scores(o.Step, units)
	o.Return, o.Var = sum(o.Step), 0
	o.Embedding = append(o.Embedding[:0], units[len(units)-r.Units():]...)
}

// Fit trains the scorer on records of the store: Epochs passes, Minibatch records at a time, with
// AdamW. HeldOut, Bootstrap and Stride of o are not used. It fails, leaving the scorer as it was, if a record
// is not valid or not of the store, or if a gradient is not finite.
func (r *Recurrent) Fit(s *feedback.Store, rs []feedback.Record, o Training) error {
	if o.Loss == nil {
		o.Loss = Standard
	}
	return descend(r.Params, s, rs, &o, func(grad []float32, rec *feedback.Record, views []feedback.View) {
		r.gradient(grad, rec, views, o.Loss)
	})
}

// gradient adds that of a record's weighted loss to grad and returns the loss.
func (r *Recurrent) gradient(grad []float32, rec *feedback.Record, views []feedback.View, loss Loss) float64 {
	y, dy := make([][]float32, len(views)), make([][]float32, len(views))
	for i, v := range views {
		y[i], dy[i] = make([]float32, v.Len()), make([]float32, v.Len())
		r.scores(y[i], r.forward(v))
	}
	l := loss(rec, y, dy)
	w, _ := r.head(r.Params)
	dw, dbias := r.head(grad)
	for i, v := range views {
		units := r.forward(v) // again: one tape serves all segments
		for t, d := range dy[i] {
			d *= rec.Weight
			*dbias += d
			for k, x := range units[t*len(w) : (t+1)*len(w)] {
				dw[k] += float32(d * x)
				r.dh[t*len(w)+k] = float32(d * w[k])
			}
		}
		r.gru.Backward(r.Params, grad, r.tape, r.dh)
	}
	return float64(rec.Weight) * l
}

// AppendBinary appends the statistics of the inputs and the parameters, as float32.
func (r *Recurrent) AppendBinary(b []byte) ([]byte, error) {
	return nn.AppendFloats(nn.AppendFloats(nn.AppendFloats(b, r.in.shift), r.in.scale), r.Params), nil
}

// UnmarshalBinary restores what AppendBinary wrote for the same shape. If it fails, the scorer is as
// before.
func (r *Recurrent) UnmarshalBinary(data []byte) error {
	if want := 4 * (2*r.in.width + len(r.Params)); len(data) != want {
		return fmt.Errorf("model: state of %d bytes, want %d for %d inputs and %d units", len(data), want, r.in.width, r.Units())
	}
	for _, to := range [][]float32{r.in.shift, r.in.scale, r.Params} {
		nn.DecodeFloats(to, data)
		data = data[4*len(to):]
	}
	return nil
}

var _ Scorer = (*Recurrent)(nil)
