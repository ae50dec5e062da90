package model

import (
	"errors"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// A Contrast is a loss that spreads what a network makes of segments, so that it can tell them apart
// (Wang et al., "Secrets of RLHF in Large Language Models Part II: Reward Modeling", 2024, section 3.1).
// It looks at the last hidden layer, its mean over the steps of a segment, twice, each time with other
// numbers dropped: the two views should be like each other and unlike those of others in the minibatch
// (Gao, Yao and Chen, "SimCSE", EMNLP 2021, eq. 1), in the cosine of their angle:
//
//	loss = - mean over i of log( exp(cos(z_i, z'_i)/Tau) / sum over j of exp(cos(z_i, z'_j)/Tau) )
type Contrast struct {
	Weight      float64 // of the loss beside that of the preferences, 0 or more; the authors' beta
	Tau         float64 // temperature, above 0; SimCSE has 0.05
	Drop        float64 // share of the numbers that a view lacks, 0 to below 1
	Differences bool    // of the two segments of a pair, instead of segments
}

const purposeDrop rng.Purpose = 0x636f6e01

// FitContrast is Fit of one network on pairs by the sum of their loss and a Contrast. HeldOut, Bootstrap,
// Stride and Loss of o are not used.
func FitContrast(e *Ensemble, s *feedback.Store, rs []feedback.Record, c Contrast, o Training) error {
	switch {
	case e.Members() != 1 || len(e.shape.Hidden) == 0:
		return errors.New("model: a contrast needs a single network with a hidden layer")
	case !(c.Weight >= 0) || math.IsInf(c.Weight, 0) || !(c.Tau > 0) || !(c.Drop >= 0 && c.Drop < 1):
		return fmt.Errorf("model: contrast %+v, want a weight of 0 or more, a temperature above 0, a share from 0 to below 1", c)
	case len(rs) == 0:
		return errors.New("model: there are no records to learn from")
	}
	if err := o.Validate(); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	f, err := newContraster(e, s, rs, c, o.Minibatch)
	if err != nil {
		return err
	}
	params := append([]float32(nil), e.Params[0]...)
	grad, adam, step := make([]float32, len(params)), nn.NewAdam(len(params)), uint32(0)
	if err := o.minibatches(len(rs), func(order []int32) error {
		clear(grad)
		f.masks(len(order), o.Key, step)
		f.gradient(params, grad, order)
		step++
		return adamW(adam, params, grad, f.weight, o.LearningRate, o.WeightDecay)
	}); err != nil {
		return err
	}
	copy(e.Params[0], params)
	return nil
}

// contraster computes the gradients of FitContrast. The network is a trunk, up to the last hidden layer
// before its activation, and a head.
type contraster struct {
	c     Contrast
	e     *Ensemble
	rs    []feedback.Record
	views [][2]feedback.View
	trunk *nn.MLP
	tape  *nn.Tape
	x     []float32

	hidden   []float32   // of each row; then its gradient
	mean     [][]float32 // of each segment of a minibatch, and its gradient
	slope    [][]float32
	vectors  [2][][]float32 // of each view of each thing that is contrasted, of length 1, and gradients
	slopes   [2][][]float32
	mask     [2][][]float32 // what views are multiplied by
	rows     []int          // of each segment
	weight   float32        // of the records of the minibatch
	exponent []float64
}

func newContraster(e *Ensemble, s *feedback.Store, rs []feedback.Record, c Contrast, minibatch int) (*contraster, error) {
	f := &contraster{c: c, e: e, rs: rs}
	longest := 0
	for i := range rs {
		if rs[i].Kind != feedback.Pair {
			return nil, fmt.Errorf("model: record %d is a %v, want a pair", i, rs[i].Kind)
		}
		if err := rs[i].Validate(); err != nil {
			return nil, fmt.Errorf("model: record %d: %w", i, err)
		}
		var both [2]feedback.View
		for k, seg := range rs[i].Segments {
			v, err := s.View(seg)
			if err != nil {
				return nil, fmt.Errorf("model: record %d: %w", i, err)
			}
			both[k] = v
			longest = max(longest, v.Len())
		}
		f.views = append(f.views, both)
	}
	minibatch = min(minibatch, len(rs))
	last := len(e.shape.Hidden) - 1
	width := e.shape.Hidden[last]
	f.trunk = nn.NewMLP(nn.MLPConfig{In: e.width, Hidden: e.shape.Hidden[:last], Out: width, Activation: e.shape.Activation})
	most := 2 * minibatch * longest
	f.tape, f.x, f.hidden = f.trunk.NewTape(most), make([]float32, most*e.width), make([]float32, most*width)
	f.mean, f.slope = table(2*minibatch, width), table(2*minibatch, width)
	for side := range 2 {
		f.vectors[side], f.slopes[side], f.mask[side] = table(2*minibatch, width), table(2*minibatch, width), table(2*minibatch, width)
	}
	f.rows, f.exponent = make([]int, 2*minibatch), make([]float64, 2*minibatch)
	return f, nil
}

func table(rows, width int) [][]float32 {
	t := make([][]float32, rows)
	for i := range t {
		t[i] = make([]float32, width)
	}
	return t
}

// masks draws what the views of a minibatch of n records lack.
func (f *contraster) masks(n int, key rng.Key, step uint32) {
	r := key.Stream(purposeDrop, step, 0)
	keep := float32(1 / (1 - f.c.Drop))
	for side := range 2 {
		for _, m := range f.mask[side][:2*n] {
			for k := range m {
				if m[k] = keep; r.Float64() < f.c.Drop {
					m[k] = 0
				}
			}
		}
	}
}

// gradient adds that of the loss of some records, summed over them, to grad. It returns the loss.
func (f *contraster) gradient(params, grad []float32, order []int32) (loss float64) {
	width := f.trunk.Out()
	cut := f.trunk.NumParams()
	head, bias := params[cut:cut+width], params[cut+width]
	rows := f.look(params[:cut], order)
	f.weight = 0
	for i, k := range order {
		r := &f.rs[k]
		f.weight += r.Weight
		var y, dy [2][]float32
		for side := range 2 {
			at := 2*i + side
			n := float32(f.rows[at])
			y[side], dy[side] = []float32{n * (dot(f.mean[at], head) + bias)}, []float32{0}
		}
		loss += float64(r.Weight) * BradleyTerry(r, y[:], dy[:])
		for side := range 2 {
			at := 2*i + side
			d := dy[side][0] * r.Weight * float32(f.rows[at])
			for j, x := range f.mean[at] {
				grad[cut+j] += d * x
				f.slope[at][j] = d * head[j]
			}
			grad[cut+width] += d
		}
	}
	if f.c.Weight > 0 {
		loss += f.contrast(len(order))
	}
	f.back(params[:cut], grad[:cut], rows, len(order))
	return loss
}

// look fills mean with the last hidden layer of each segment.
func (f *contraster) look(trunk []float32, order []int32) (rows int) {
	width, in := f.trunk.Out(), f.e.width
	for i, k := range order {
		for side, v := range f.views[k] {
			f.rows[2*i+side] = v.Len()
			f.e.gatherView(f.x[rows*in:], v, 0, v.Len())
			rows += v.Len()
		}
	}
	copy(f.hidden, f.trunk.Forward(trunk, f.tape, f.x, rows))
	at := 0
	for s := range f.mean[:2*len(order)] {
		m := f.mean[s]
		clear(m)
		for range f.rows[s] {
			for j := range m {
				h := active(f.e.shape.Activation, f.hidden[at*width+j])
				f.hidden[at*width+j] = h
				m[j] += h / float32(f.rows[s])
			}
			at++
		}
	}
	return rows
}

// contrast adds the gradient of the contrast to slope and returns its loss. Both are those of the mean,
// times the weight of the records, as the gradient is divided by that later.
func (f *contraster) contrast(records int) (loss float64) {
	n := 2 * records
	if f.c.Differences {
		n = records
	}
	scale := float64(f.weight) * f.c.Weight
	var lengths [2][]float32
	for side := range 2 {
		lengths[side] = make([]float32, n)
		for i := range n {
			v := f.vectors[side][i]
			square := float32(1e-12)
			for j := range v {
				x := f.mean[i][j]
				if f.c.Differences {
					x = f.mean[2*i][j] - f.mean[2*i+1][j]
				}
				v[j] = x * f.mask[side][i][j]
				square += v[j] * v[j]
			}
			lengths[side][i] = geom.Sqrt(square)
			for j := range v {
				v[j] /= lengths[side][i]
			}
			clear(f.slopes[side][i])
		}
	}
	for i := range n {
		sum, most := 0.0, 1/f.c.Tau
		for j := range n {
			f.exponent[j] = math.Exp(float64(dot(f.vectors[0][i], f.vectors[1][j]))/f.c.Tau - most)
			sum += f.exponent[j]
		}
		loss -= scale / float64(n) * math.Log(f.exponent[i]/sum)
		for j := range n {
			d := f.exponent[j] / sum
			if i == j {
				d--
			}
			g := float32(scale * d / (f.c.Tau * float64(n)))
			for k := range f.slopes[0][i] {
				f.slopes[0][i][k] += g * f.vectors[1][j][k]
				f.slopes[1][j][k] += g * f.vectors[0][i][k]
			}
		}
	}
	for side := range 2 {
		for i := range n {
			d := f.slopes[side][i]
			through(d, f.vectors[side][i], lengths[side][i])
			for j := range d {
				g := d[j] * f.mask[side][i][j]
				if f.c.Differences {
					f.slope[2*i][j] += g
					f.slope[2*i+1][j] -= g
				} else {
					f.slope[i][j] += g
				}
			}
		}
	}
	return loss
}

// back takes slope back through the rows of all segments.
func (f *contraster) back(trunk, grad []float32, rows, records int) {
	width, at := f.trunk.Out(), 0
	for s := range f.mean[:2*records] {
		for range f.rows[s] {
			for j, d := range f.slope[s] {
				h := &f.hidden[at*width+j]
				*h = d / float32(f.rows[s]) * steepness(f.e.shape.Activation, *h)
			}
			at++
		}
	}
	f.trunk.Backward(trunk, grad, f.tape, f.hidden[:rows*width], nil)
}

// active is the activation of x.
func active(a nn.Activation, x float32) float32 {
	switch a {
	case nn.ReLU:
		return max(x, 0)
	case nn.Tanh:
		return geom.Tanh(x)
	case nn.ELU:
		if x < 0 {
			return geom.Exp(x) - 1
		}
	}
	return x
}

// steepness is the derivative of the activation where it is y.
func steepness(a nn.Activation, y float32) float32 {
	switch {
	case a == nn.ReLU && y <= 0:
		return 0
	case a == nn.Tanh:
		return 1 - y*y
	case a == nn.ELU && y < 0:
		return y + 1
	}
	return 1
}
