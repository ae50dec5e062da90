package env

import "github.com/terrarium-rl/terrarium/env/rng"

// A Roller is a Vec on a device that acts and steps there for many steps in one go: neither
// observations nor actions pass through the CPU in between.
type Roller interface {
	Vec

	// Roll performs steps steps of all worlds, in which a acts with the key that key returns for each
	// step, and sets r to what happened. It is the same as Observe, acting and Step as often.
	Roll(r *Rollout, a *Actor, steps int, key func(step int) rng.Key) error
}

// An Actor is a policy that a device can run: a multi-layer perceptron and the distribution of
// actions that its outputs describe.
type Actor struct {
	Widths     []int     // of the observation row, each hidden layer and the outputs
	Activation string    // of hidden layers: "tanh", "relu", "elu" or "identity"
	Params     []float32 // layer by layer: weights, a row for each input, then the bias
	Parts      []ActorPart
	Free       []float32 // logarithms of the standard deviations of Normal parts
	Shift      []float32 // if not nil: observations are shifted by -Shift, scaled by Scale and limited
	Scale      []float32
	Limit      float32
	Purpose    rng.Purpose // of the streams that actions are sampled from
	Explore    bool        // sample; otherwise the most likely action is taken
}

// An ActorPart is one of the independent distributions that make up an action row.
type ActorPart struct {
	Kind ActorKind
	N    int // choices, or numbers
}

// An ActorKind is a family of distributions, as package agents/nn defines them.
type ActorKind uint8

const (
	Categorical    ActorKind = iota // N logits; one action column
	Normal                          // N means; N columns; deviations among Free
	SquashedNormal                  // N means, then N logarithms of deviations; N columns
)

// A Rollout is what happened in N worlds over some steps: row t*N+i is world i in step t. Its
// slices are made by Roll, or used again if they are large enough.
type Rollout struct {
	Steps, N int
	Obs      []float32 // as in Batch
	Raw      []float32 // actions as the distribution has them, before they are brought to their bounds
	Act      []float32
	Next     []float32
	Facts    []float32
	Reward   []float32
	End      []End
	Level    []uint64
}
