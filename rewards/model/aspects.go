package model

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// Aspects is a model of a reward that is told what is good about behaviour, not only that it is. A network
// gives each step a number for each aspect and one for what no aspect explains; the reward is
//
//	y = y_0 + sum over k of  w_k y_k
//
// with weights w that are learned too: heads of their own for each attribute on a body that all share, as in
// Wang et al., "HelpSteer2-Preference" (2024), section 3.1, and in Wu et al., "Fine-Grained Human Feedback Gives
// Better Rewards for Language Model Training" (2023), eq. 1, whose weights are set by hand.
//
// Each record is about the whole, or about aspects, and has the loss that it has for other models:
//
//	no Context                 y, as of a pair in which somebody prefers one segment
//	Context of one number each sum over k of  c_k y_k: a rating of care alone has 1 for care, and 0 else
//	Remarked                   word by word, y_k of the word's aspect: see feedback.Thirds
type Aspects struct {
	Names  []string
	Params []float32 // of the network, then w

	words feedback.Vocabulary
	in    *Ensemble // reads and scales inputs
	net   *nn.MLP
	tape  *nn.Tape
	x     []float32
	most  int
	mix   []float32 // of the numbers of a step, in what a record is about
	dy    []float32 // of the numbers of all steps
	y, d  [][]float32
}

// NewAspects returns a model with random weights for rows of the given widths, of aspects that have
// names. Members of the shape are not used.
func NewAspects(names []string, s Shape, rows feedback.Shape, key rng.Key) (*Aspects, error) {
	if len(names) == 0 {
		return nil, fmt.Errorf("model: there are no aspects, want at least one")
	}
	in, err := NewEnsemble(Shape{Inputs: s.Inputs, Hidden: s.Hidden, Activation: s.Activation, Members: 1}, rows, key)
	if err != nil {
		return nil, err
	}
	k := len(names) + 1
	a := &Aspects{Names: names, words: feedback.Thirds(names...), in: in, mix: make([]float32, k)}
	a.net = nn.NewMLP(nn.MLPConfig{In: in.width, Hidden: s.Hidden, Out: k, Activation: s.Activation, OutGain: 0.1})
	a.Params = make([]float32, a.net.NumParams()+k-1)
	a.net.Init(a.Params[:a.net.NumParams()], key)
	fill(a.Weights(), 1/float32(k-1))
	return a, nil
}

// Weights returns what each aspect counts in the reward, part of Params.
func (a *Aspects) Weights() []float32 { return a.Params[a.net.NumParams():] }

// Words is the vocabulary of remarks: feedback.Thirds of the names.
func (a *Aspects) Words() feedback.Vocabulary { return a.words }

// FitInputs freezes the shift and scale of the inputs at the statistics of all steps of a store.
func (a *Aspects) FitInputs(s *feedback.Store) error { return a.in.FitInputs(s) }

// forward returns the numbers of all steps of some views, one after the other.
func (a *Aspects) forward(views ...feedback.View) []float32 {
	rows := 0
	for _, v := range views {
		rows += v.Len()
	}
	if rows > a.most {
		a.most, a.tape, a.x = rows, a.net.NewTape(rows), make([]float32, rows*a.in.width)
	}
	at := 0
	for _, v := range views {
		a.in.gatherView(a.x[at*a.in.width:], v, 0, v.Len())
		at += v.Len()
	}
	return a.net.Forward(a.Params[:a.net.NumParams()], a.tape, a.x, rows)
}

// Score judges a segment. Aspects are what those add up to.
func (a *Aspects) Score(o *Out, v feedback.View) {
	y, k := a.forward(v), len(a.mix)
	o.grow(v.Len())
	o.Embedding = o.Embedding[:0]
	o.Aspects = append(o.Aspects[:0], make([]float32, k-1)...)
	for i := range o.Step {
		row := y[i*k : (i+1)*k]
		o.Step[i] = row[0]
		for j, w := range a.Weights() {
			o.Step[i] += float32(w * row[1+j])
			o.Aspects[j] += row[1+j]
		}
	}
	o.Return, o.Var = sum(o.Step), 0
}

// Remark returns what it would say about a segment, as tokens of Words: of each aspect and third whether it
// is good or bad.
func (a *Aspects) Remark(v feedback.View) (tokens []uint16) {
	y, k := a.forward(v), len(a.mix)
	for t, w := range a.words {
		from, to := w.Part(v.Len())
		part := float32(0)
		for i := from; i < to; i++ {
			part += y[i*k+1+w.Aspect]
		}
		if float32(part*w.Value) > 0 {
			tokens = append(tokens, uint16(t))
		}
	}
	return tokens
}

// Fit trains the model on records of segments of the store: Epochs passes, Minibatch records at a time, with
// AdamW. HeldOut, Bootstrap, Stride and Words of o are not used. It fails, leaving the model as it was, if a
// record is not valid, not of the store or about something else than the aspects, or if a gradient is not
// finite.
func (a *Aspects) Fit(s *feedback.Store, rs []feedback.Record, o Training) error {
	if err := a.words.Check(rs); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	for i := range rs {
		if n := len(rs[i].Context); n != 0 && n != len(a.Names) {
			return fmt.Errorf("model: record %d has a context of %d numbers, want one for each of the aspects %v, or none", i, n, a.Names)
		}
	}
	if o.Loss == nil {
		o.Loss = Standard
	}
	return descend(a.Params, s, rs, &o, func(grad []float32, r *feedback.Record, views []feedback.View) {
		a.gradient(grad, r, views, o.Loss)
	})
}

// gradient adds that of the loss of a record, times its weight, and returns the loss.
func (a *Aspects) gradient(grad []float32, r *feedback.Record, views []feedback.View, of Loss) (loss float64) {
	y := a.forward(views...)
	a.dy = append(a.dy[:0], make([]float32, len(y))...)
	weights := grad[a.net.NumParams():]
	if r.Kind != feedback.Remarked {
		loss = a.about(r, r.Context, y, weights, views, of)
	} else {
		word := *r
		one := make([]float32, len(a.Names))
		for t := range r.Tokens { // each is about an aspect of its own
			w := a.words[r.Tokens[t]]
			word.Tokens = r.Tokens[t : t+1]
			clear(one)
			one[w.Aspect] = 1
			loss += a.about(&word, one, y, weights, views, Remarks(a.words))
		}
	}
	a.net.Backward(a.Params[:a.net.NumParams()], grad[:a.net.NumParams()], a.tape, a.dy, nil)
	return loss
}

// about adds the gradient of the loss of a record that is about a context, or about the whole without one,
// to that of the numbers of steps and of the weights.
func (a *Aspects) about(r *feedback.Record, context, y, weights []float32, views []feedback.View, of Loss) float64 {
	k := len(a.mix)
	if a.mix[0] = 0; len(context) == 0 {
		a.mix[0] = 1
		context = a.Weights()
	}
	copy(a.mix[1:], context)
	a.y, a.d = a.y[:0], a.d[:0]
	at := 0
	for _, v := range views {
		steps := make([]float32, v.Len())
		for i := range steps {
			for j, c := range a.mix {
				steps[i] += float32(c * y[(at+i)*k+j])
			}
		}
		a.y, a.d = append(a.y, steps), append(a.d, make([]float32, v.Len()))
		at += v.Len()
	}
	loss := of(r, a.y, a.d)
	at = 0
	for _, d := range a.d {
		for i, g := range d {
			g *= r.Weight
			row := y[(at+i)*k : (at+i+1)*k]
			for j, c := range a.mix {
				a.dy[(at+i)*k+j] += float32(g * c)
			}
			for j := range weights {
				if a.mix[0] != 0 { // the whole is what the weights are in
					weights[j] += float32(g * row[1+j])
				}
			}
		}
		at += len(d)
	}
	return float64(r.Weight) * loss
}
