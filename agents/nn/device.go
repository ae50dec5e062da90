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
