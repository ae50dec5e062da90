// Package learned is a worked example of a reward that learns while the agent does: curiosity,
// the error of a model that predicts what follows (Schmidhuber, "A possibility for implementing
// curiosity and boredom in model-building neural controllers", 1991).
//
// The model predicts how each observation changes, as a linear function of the observation and
// the action, and learns by normalised least mean squares (Widrow and Hoff, 1960; Nagumo and
// Noda, 1967). What it has learned is part of checkpoints: a resumed run goes on to the same bits.
package learned

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/rewards"
)

func init() { rewards.Register("curiosity", func() rewards.Config { return New() }) }

// Config holds the options of the reward.
type Config struct {
	Rate float32 `json:"rate" doc:"step size of the model, above 0 and below 2, beyond which it diverges"`
	Max  float32 `json:"max" doc:"largest reward of a step, above 0"`
}

// New returns the default options.
func New() *Config { return &Config{Rate: 0.1, Max: 1} }

// Doc says in a line what the reward does.
func (*Config) Doc() string { return "Seek what a model, learned on the way, does not predict yet." }

// Build checks the options and returns the reward.
func (c *Config) Build(s *env.Spec) (rewards.Func, error) {
	if !(c.Rate > 0 && c.Rate < 2) {
		return nil, fmt.Errorf("reward curiosity: rate is %v, want above 0 and below 2", c.Rate)
	}
	if !(c.Max > 0) || !geom.Finite(c.Max) {
		return nil, fmt.Errorf("reward curiosity: max is %v, want a number above 0", c.Max)
	}
	obs, act := env.Width(s.Obs), env.Width(s.Act)
	return &curiosity{
		c: *c, obs: obs, act: act, in: make([]float32, 1+obs+act),
		weights: make([]float32, obs*(1+obs+act)),
	}, nil
}

type curiosity struct {
	c        Config
	obs, act int
	in       []float32 // of the model: 1, observation, action
	weights  []float32 // a row for each observation
}

var _ rewards.Learner = (*curiosity)(nil)

// bound keeps inputs, and with them errors, finite: observations may have no bounds.
const bound = 10

// row sets the inputs to those of row i.
func (r *curiosity) row(b *env.Batch, i int) {
	r.in[0] = 1
	for j, x := range b.Obs[i*r.obs : (i+1)*r.obs] {
		r.in[1+j] = geom.Clamp(x, -bound, bound)
	}
	copy(r.in[1+r.obs:], b.Act[i*r.act:(i+1)*r.act])
}

// miss returns by how much the change of observation j of row i was not predicted.
func (r *curiosity) miss(b *env.Batch, i, j int) float32 {
	at := i*r.obs + j
	sum := geom.Clamp(b.Next[at], -bound, bound) - geom.Clamp(b.Obs[at], -bound, bound)
	for k, w := range r.weights[j*len(r.in) : (j+1)*len(r.in)] {
		sum -= float32(w * r.in[k])
	}
	return sum
}

// Score writes the mean square error of each row.
func (r *curiosity) Score(dst []float32, b *env.Batch) {
	for i := range b.N {
		r.row(b, i)
		sum := float32(0)
		for j := range r.obs {
			e := r.miss(b, i, j)
			sum += float32(e * e)
		}
		dst[i] = min(sum/float32(r.obs), r.c.Max)
	}
}

// Update moves the weights, row after row: w += rate e x / (1 + |x|^2).
func (r *curiosity) Update(b *env.Batch, report func(name string, value float64)) error {
	loss := 0.0
	for i := range b.N {
		r.row(b, i)
		norm := float32(1)
		for _, x := range r.in {
			norm += float32(x * x)
		}
		for j := range r.obs {
			e := r.miss(b, i, j)
			loss += float64(e) * float64(e)
			step := float32(r.c.Rate*e) / norm
			row := r.weights[j*len(r.in) : (j+1)*len(r.in)]
			for k, x := range r.in {
				row[k] += float32(step * x)
			}
		}
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("curiosity: its model is no longer finite; lower rate, now %v", r.c.Rate)
	}
	if report != nil {
		report("curiosity/loss", loss/float64(b.N*r.obs))
	}
	return nil
}

// AppendBinary appends the weights.
func (r *curiosity) AppendBinary(dst []byte) ([]byte, error) {
	for _, w := range r.weights {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(w))
	}
	return dst, nil
}

// UnmarshalBinary loads what AppendBinary wrote.
func (r *curiosity) UnmarshalBinary(data []byte) error {
	if len(data) != 4*len(r.weights) {
		return fmt.Errorf("curiosity: state of %d bytes, want %d", len(data), 4*len(r.weights))
	}
	for i := range r.weights {
		r.weights[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return nil
}
