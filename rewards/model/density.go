package model

import (
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// A Likely tells how probable actions are, such as an agents.Likely: the logarithm of the probability
// of each action row under the observation row beside it.
type Likely interface {
	LogProb(dst, obs, act []float32)
}

// A Ratio judges behaviour by how much more probable a strong policy would have acted so than a weak
// one: the sum over steps of log pi_strong(a|s) - log pi_weak(a|s). It is a reward that nobody trained
// (Xu et al., "CDR: Customizable Density Ratios of Strong-over-weak LLMs for Preference Annotation",
// 2024, eq. 1). Scores are comparable within a level only.
type Ratio struct {
	Strong, Weak Likely // without Weak it is the log-probability under Strong alone

	// Limit of a step's number, above and below; 0 means none. A policy that is nearly certain
	// says very much of a single step.
	Limit float32

	// Mean divides the return by the number of steps, to compare behaviour of different lengths.
	Mean bool

	weak []float32
}

// Score judges a segment.
func (r *Ratio) Score(o *Out, v feedback.View) {
	n := v.Len()
	o.grow(n)
	obs := v.Obs[:n*v.Shape.Obs]
	r.Strong.LogProb(o.Step, obs, v.Act)
	if r.Weak != nil {
		if len(r.weak) < n {
			r.weak = make([]float32, n)
		}
		r.Weak.LogProb(r.weak[:n], obs, v.Act)
		for i := range o.Step {
			o.Step[i] -= r.weak[i]
		}
	}
	for i := range o.Step {
		if r.Limit > 0 {
			o.Step[i] = geom.Clamp(o.Step[i], -r.Limit, r.Limit)
		}
		if r.Mean {
			o.Step[i] /= float32(n)
		}
	}
	o.Return, o.Var = sum(o.Step), 0
}
