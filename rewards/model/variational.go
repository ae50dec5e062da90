package model

import (
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// A Variational is a reward for annotators who want different things (Poddar et al., "Personalizing
// Reinforcement Learning from Human Feedback with Variational Preference Learning", NeurIPS 2024,
// "VPL"). What one of them wants is a latent vector z, which an encoder infers from a few pairs that
// the annotator has answered; a decoder rewards steps in the light of z.
//
//	loss of an annotator's set = sum of -log logistic(R(winner, z) - R(loser, z)) + w KL(q(z|set) || N(0, I))
//
// with z drawn from q by reparametrisation (their eq. 4). The encoder sees the mean step of the
// winner and of the loser of each pair and averages what it makes of them, so that the order of
// pairs does not matter.
type Variational struct {
	Encoder, Head, Decoder []float32 // parameters

	latent         int
	in             *Ensemble // reads and scales inputs
	enc, head, dec *nn.MLP
	code           int // width of what the encoder makes of a pair
	tapeE, tapeH   *nn.Tape
	tapeD          *nn.Tape
	rows           int // that tapeD has room for
	pairs          int // that tapeE has room for
	x, pooled      []float32
}

// A VariationalShape says what a Variational looks like.
type VariationalShape struct {
	Inputs []string // as in Shape
	Hidden []int    // of encoder and decoder
	Latent int      // width of z, at least 1
}

// VariationalTraining says how a Variational learns.
type VariationalTraining struct {
	Epochs       int     // passes over the sets, at least 1
	Sets         int     // of a gradient step, at least 1
	LearningRate float64 // of Adam, above 0
	KL           float64 // largest weight of the divergence, 0 or more
	Cycles       int     // the weight rises from 0 that often, by half a cosine, and then stays for as long; at least 1
	Key          rng.Key
}

// DefaultVariationalTraining is 100 passes in four cycles.
func DefaultVariationalTraining() VariationalTraining {
	return VariationalTraining{Epochs: 100, Sets: 16, LearningRate: 1e-3, KL: 1, Cycles: 4}
}

const (
	purposeLatent rng.Purpose = 0x76706c01 + iota
	purposeSets
)

// NewVariational returns a model with random weights for rows of the given widths.
func NewVariational(s VariationalShape, rows feedback.Shape, key rng.Key) (*Variational, error) {
	if s.Latent < 1 || len(s.Hidden) == 0 {
		return nil, fmt.Errorf("model: a latent of %d numbers and hidden layers %v, want at least one of each", s.Latent, s.Hidden)
	}
	in, err := NewEnsemble(Shape{Inputs: s.Inputs, Hidden: s.Hidden, Members: 1}, rows, key)
	if err != nil {
		return nil, err
	}
	v := &Variational{latent: s.Latent, in: in, code: s.Hidden[len(s.Hidden)-1]}
	v.enc = nn.NewMLP(nn.MLPConfig{In: 2 * in.width, Hidden: s.Hidden, Out: v.code, Activation: nn.ReLU})
	v.head = nn.NewMLP(nn.MLPConfig{In: v.code, Out: 2 * s.Latent, OutGain: 0.1})
	v.dec = nn.NewMLP(nn.MLPConfig{In: in.width + s.Latent, Hidden: s.Hidden, Out: 1, Activation: nn.ReLU, OutGain: 0.1})
	for i, part := range []struct {
		net *nn.MLP
		p   *[]float32
	}{{v.enc, &v.Encoder}, {v.head, &v.Head}, {v.dec, &v.Decoder}} {
		*part.p = make([]float32, part.net.NumParams())
		part.net.Init(*part.p, key.Fold(uint64(i)))
	}
	v.tapeH, v.pooled = v.head.NewTape(1), make([]float32, v.code)
	return v, nil
}

// FitInputs freezes the shift and scale of the inputs at the statistics of all steps of a store.
func (v *Variational) FitInputs(s *feedback.Store) error { return v.in.FitInputs(s) }

// Latent returns the width of z.
func (v *Variational) Latent() int { return v.latent }

// A latentSet is what is learned from one annotator: the inputs of the steps of winners and losers.
type latentSet struct {
	steps [][2][]float32 // of each pair: winner, loser
	means []float32      // one row a pair: mean step of the winner, of the loser
	rows  int
}

func (v *Variational) load(s *feedback.Store, rs []feedback.Record) (set latentSet, err error) {
	w := v.in.width
	for i := range rs {
		if err := rs[i].Validate(); err != nil {
			return set, fmt.Errorf("record %d: %w", i, err)
		}
		win, strict := rs[i].Prefers()
		if rs[i].Kind != feedback.Pair || !strict {
			return set, fmt.Errorf("record %d is not a pair with a preference", i)
		}
		var pair [2][]float32
		for k, side := range []int{win, 1 - win} {
			view, err := s.View(rs[i].Segments[side])
			if err != nil {
				return set, fmt.Errorf("record %d: %w", i, err)
			}
			n := view.Len()
			pair[k] = make([]float32, n*w)
			v.in.gatherView(pair[k], view, 0, n)
			mean := make([]float32, w)
			for j, x := range pair[k] {
				mean[j%w] += x / float32(n)
			}
			set.means = append(set.means, mean...)
			set.rows += n
		}
		set.steps = append(set.steps, pair)
	}
	return set, nil
}

// infer runs encoder and head and returns the mean and the log-variance of z.
func (v *Variational) infer(set *latentSet) (mean, logvar []float32) {
	n := len(set.steps)
	if n > v.pairs {
		v.pairs, v.tapeE = n, v.enc.NewTape(n)
	}
	clear(v.pooled)
	if n > 0 {
		for i, h := range v.enc.Forward(v.Encoder, v.tapeE, set.means, n) {
			v.pooled[i%v.code] += h / float32(n)
		}
	}
	out := v.head.Forward(v.Head, v.tapeH, v.pooled, 1)
	return out[:v.latent], out[v.latent:]
}

// Infer returns the mean and the standard deviation of what an annotator wants, from pairs that the
// annotator has answered.
func (v *Variational) Infer(s *feedback.Store, rs []feedback.Record) (mean, std []float32, err error) {
	set, err := v.load(s, rs)
	if err != nil {
		return nil, nil, fmt.Errorf("model: %w", err)
	}
	m, l := v.infer(&set)
	for i := range m {
		mean, std = append(mean, m[i]), append(std, geom.Exp(geom.Clamp(l[i], -20, 20)/2))
	}
	return mean, std, nil
}

// Scorer judges segments as one who wants z would.
func (v *Variational) Scorer(z []float32) Scorer { return latentScorer{v, z} }

type latentScorer struct {
	v *Variational
	z []float32
}

// Score judges a segment.
func (s latentScorer) Score(o *Out, view feedback.View) {
	n, w := view.Len(), s.v.in.width
	x := make([]float32, n*w)
	s.v.in.gatherView(x, view, 0, n)
	s.v.grow(n)
	s.v.place(0, x, s.z)
	o.grow(n)
	copy(o.Step, s.v.dec.Forward(s.v.Decoder, s.v.tapeD, s.v.x, n))
	o.Return, o.Var = sum(o.Step), 0
}

func (v *Variational) grow(rows int) {
	if rows > v.rows {
		v.rows, v.tapeD, v.x = rows, v.dec.NewTape(rows), make([]float32, rows*(v.in.width+v.latent))
	}
}

// place writes the decoder's inputs for some steps from a row on, and returns the row after them.
func (v *Variational) place(row int, steps, z []float32) int {
	w := v.in.width
	for i := 0; i < len(steps); i += w {
		to := v.x[row*(w+v.latent):]
		copy(to, steps[i:i+w])
		copy(to[w:], z)
		row++
	}
	return row
}

// Fit trains the model on sets of pairs, one set an annotator, and returns the mean divergence of
// the last pass in nats: near 0 it has collapsed, and all annotators are taken for the same. It fails,
// leaving the model as it was, if a record is not a pair with a preference, or if a gradient is not
// finite.
func (v *Variational) Fit(s *feedback.Store, sets [][]feedback.Record, o VariationalTraining) (kl float64, err error) {
	if o.Epochs < 1 || o.Sets < 1 || !(o.LearningRate > 0) || !(o.KL >= 0) || o.Cycles < 1 || len(sets) == 0 {
		return 0, fmt.Errorf("model: cannot learn from %d sets with %+v", len(sets), o)
	}
	loaded := make([]latentSet, len(sets))
	order := make([]int32, len(sets))
	for i := range sets {
		order[i] = int32(i)
		if loaded[i], err = v.load(s, sets[i]); err != nil {
			return 0, fmt.Errorf("model: set %d: %w", i, err)
		}
	}
	params := [][]float32{v.Encoder, v.Head, v.Decoder}
	var grads, before [][]float32
	var adams []*nn.Adam
	for _, p := range params {
		grads, before = append(grads, make([]float32, len(p))), append(before, slices.Clone(p))
		adams = append(adams, nn.NewAdam(len(p)))
	}
	for epoch := range o.Epochs {
		r := o.Key.Stream(purposeSets, 0, uint32(epoch))
		r.Shuffle(order)
		weight := o.weight(epoch)
		kl = 0
		for at := 0; at < len(order); at += o.Sets {
			part := order[at:min(at+o.Sets, len(order))]
			for _, g := range grads {
				clear(g)
			}
			for _, k := range part {
				noise := o.Key.Stream(purposeLatent, uint32(k), uint32(epoch))
				_, d := v.gradient(&loaded[k], &noise, float32(weight), grads)
				kl += d / float64(len(order))
			}
			for i, g := range grads {
				if err := adamW(adams[i], params[i], g, float32(len(part)), o.LearningRate, 0); err != nil {
					for k := range params {
						copy(params[k], before[k])
					}
					return 0, fmt.Errorf("model: pass %d: %w", epoch+1, err)
				}
			}
		}
	}
	return kl, nil
}

// weight is that of the divergence in a pass: in each cycle it rises from 0, and then stays.
func (o *VariationalTraining) weight(epoch int) float64 {
	cycle := float64(o.Epochs) / float64(o.Cycles)
	phase := math.Mod(float64(epoch), cycle) / cycle
	return o.KL * (1 - math.Cos(math.Pi*min(1, 2*phase))) / 2
}

// gradient adds that of the loss of a set and returns the loss and the divergence.
func (v *Variational) gradient(set *latentSet, noise *rng.Stream, weight float32, grads [][]float32) (loss, kl float64) {
	mean, logvar := v.infer(set)
	z, eps, dev := make([]float32, v.latent), make([]float32, v.latent), make([]float32, v.latent)
	for i := range z {
		eps[i] = noise.Norm()
		dev[i] = geom.Exp(geom.Clamp(logvar[i], -20, 20) / 2)
		z[i] = mean[i] + float32(dev[i]*eps[i])
		m, l := float64(mean[i]), float64(logvar[i])
		kl += 0.5 * (m*m + float64(dev[i])*float64(dev[i]) - 1 - l)
	}
	v.grow(set.rows)
	row := 0
	for _, pair := range set.steps {
		row = v.place(v.place(row, pair[0], z), pair[1], z)
	}
	y := v.dec.Forward(v.Decoder, v.tapeD, v.x, row)
	dy, at, w := make([]float32, row), 0, v.in.width
	for _, pair := range set.steps {
		mid := at + len(pair[0])/w
		end := mid + len(pair[1])/w
		d := sum(y[at:mid]) - sum(y[mid:end])
		loss += float64(softplus(-d))
		fill(dy[at:mid], -logistic(-d))
		fill(dy[mid:end], logistic(-d))
		at = end
	}
	loss += float64(weight) * kl
	dx := make([]float32, row*(w+v.latent))
	v.dec.Backward(v.Decoder, grads[2], v.tapeD, dy, dx)
	dh := make([]float32, 2*v.latent)
	for i := range z {
		dz := float32(0)
		for r := range row {
			dz += dx[r*(w+v.latent)+w+i]
		}
		dh[i] = dz + float32(weight*mean[i])
		dh[v.latent+i] = float32(float32(dz*eps[i])*dev[i])/2 + float32(weight*(float32(dev[i]*dev[i])-1))/2
	}
	dpooled := make([]float32, v.code)
	v.head.Backward(v.Head, grads[1], v.tapeH, dh, dpooled)
	n := len(set.steps)
	dcode := make([]float32, n*v.code)
	for i := range dcode {
		dcode[i] = dpooled[i%v.code] / float32(n)
	}
	v.enc.Backward(v.Encoder, grads[0], v.tapeE, dcode, nil)
	return loss, kl
}
