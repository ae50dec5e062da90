package nn

import "github.com/terrarium-rl/terrarium/env/rng"

// SamplePurpose is the purpose of the streams from which Head.Sample draws, for those who sample
// elsewhere, as kernels on a GPU do.
const SamplePurpose rng.Purpose = purposeSample

// Parts returns the parts of the distribution.
func (h *Head) Parts() []Part {
	parts := make([]Part, len(h.parts))
	for i, p := range h.parts {
		parts[i] = p.Part
	}
	return parts
}

// ActorParams returns the part of p that is the parameters of the network that acts.
func (n *ActorCritic) ActorParams(p []float32) []float32 { return p[:n.actor.NumParams()] }

// Moments returns the first and second moments, shared, for those who take steps elsewhere.
func (a *Adam) Moments() (m, v []float32) { return a.m, a.v }

// Rates returns what the n-th step from now, of 1, is made with: lr/(1-Beta1^t) and 1/(1-Beta2^t).
func (a *Adam) Rates(n int64, lr float32) (rate, correction float32) {
	ahead := Adam{Beta1: a.Beta1, Beta2: a.Beta2, t: a.t + n - 1}
	c := ahead.next(lr, 1)
	return c.lr, c.corr2
}

// Count counts n steps that were taken elsewhere.
func (a *Adam) Count(n int64) { a.t += n }
