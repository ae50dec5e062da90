// Package shaping adds advice to a reward without changing which policies are best.
//
// Potential-based shaping (Ng, Harada and Russell, "Policy invariance under reward
// transformations", ICML 1999) adds F = gamma*Phi(s') - Phi(s) to each transition. It leaves
// the optimal policies as they are for every reward if Phi is a function of the state alone,
// gamma is the learner's discount, and Phi of what follows a terminated episode is zero; an
// episode that was merely truncated keeps the potential of its last state.
package shaping

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/rewards"
)

func init() { rewards.Register("potential", func() rewards.Config { return NewLinear() }) }

// A Potential values states.
type Potential interface {
	// Value writes the potential of each of the len(dst) observation rows to dst. It does
	// not allocate.
	Value(dst, obs []float32)
}

// PotentialOf makes an ordinary function a Potential.
type PotentialOf func(dst, obs []float32)

// Value calls f.
func (f PotentialOf) Value(dst, obs []float32) { f(dst, obs) }

// New returns the shaping reward gamma*Phi(s') - Phi(s), eq. 2 of the paper.
func New(phi Potential, gamma float32) rewards.Func { return &shaped{phi: phi, gamma: gamma} }

type shaped struct {
	phi   Potential
	gamma float32
	next  []float32
}

// Score writes the shaping reward. It allocates only when b has more rows than any batch before.
func (s *shaped) Score(dst []float32, b *env.Batch) {
	if len(s.next) < b.N {
		s.next = make([]float32, b.N)
	}
	dst = dst[:b.N]
	s.phi.Value(dst, b.Obs)
	s.phi.Value(s.next[:b.N], b.Next)
	for i := range dst {
		next := float32(s.gamma * s.next[i])
		if b.End[i] == env.Terminated {
			next = 0
		}
		dst[i] = next - dst[i]
	}
}

// Linear is the config of shaping by a potential that is linear in observation fields, or in
// their absolute values.
type Linear struct {
	Weights map[string]float32 `json:"weights" doc:"weight of each observation field in the potential; all its columns count alike"`
	Abs     bool               `json:"abs,omitempty" doc:"use absolute values of the fields"`
	Gamma   float32            `json:"gamma" doc:"the learner's discount factor"`
}

// NewLinear returns the default options: discount 0.99.
func NewLinear() *Linear { return &Linear{Gamma: 0.99} }

// Doc says what the reward is, in one line.
func (*Linear) Doc() string {
	return "Potential-based shaping: gamma*Phi(s') - Phi(s) of a potential linear in observations."
}

// Paper names the source.
func (*Linear) Paper() string { return "Ng, Harada, Russell 1999" }

// Build returns the shaping reward.
func (c *Linear) Build(s *env.Spec) (rewards.Func, error) {
	if !(c.Gamma > 0 && c.Gamma <= 1) {
		return nil, fmt.Errorf("reward potential: gamma is %v, want above 0 and at most 1", c.Gamma)
	}
	if len(c.Weights) == 0 {
		return nil, fmt.Errorf("reward potential: weights is empty, want at least one observation field")
	}
	w := make([]float32, env.Width(s.Obs))
	for name, weight := range c.Weights {
		at, err := env.Column(s.Obs, name)
		if err != nil {
			return nil, fmt.Errorf("reward potential: weights: %w", err)
		}
		if !geom.Finite(weight) {
			return nil, fmt.Errorf("reward potential: weight of %s is %v", name, weight)
		}
		for _, f := range s.Obs {
			if f.Name == name {
				for i := range f.Len {
					w[at+i] = weight
				}
			}
		}
	}
	return New(&linear{w: w, abs: c.Abs}, c.Gamma), nil
}

type linear struct {
	w   []float32
	abs bool
}

// Value writes the weighted sum of the columns.
func (l *linear) Value(dst, obs []float32) {
	for i := range dst {
		row, sum := obs[i*len(l.w):(i+1)*len(l.w)], float32(0)
		for j, x := range row {
			if l.abs {
				x = geom.Abs(x)
			}
			sum += float32(l.w[j] * x)
		}
		dst[i] = sum
	}
}
