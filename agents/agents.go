// Package agents defines policies and learners, and how they are found by name.
//
// A [Policy] fills the actions of a batch; an [Agent] is one that learns from what follows. Packages
// below register theirs where they are imported: ppo, random, scripted. With v an env.Vec of n
// worlds and b an env.Batch for it, a training loop is, errors aside:
//
//	c, _ := agents.Open("ppo", nil) // nil: the default options
//	policy, _ := c.Build(agents.Setup{Spec: v.Spec(), Rows: n, Key: rng.New(1), Workers: 1})
//	agent := policy.(agents.Agent)
//	for step := range uint64(1000) {
//		v.Observe(b)
//		agent.Act(b, key.Fold(step), true)
//		v.Step(b)
//		agent.Record(b, b.Reward)
//		agent.Learn(report)
//	}
//
// The example of package ppo is such a loop in full; experiments/lab has the one that experiments use,
// with checkpoints, recordings and evaluations. Package agenttest holds agents to these contracts.
package agents

import (
	"encoding"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// A Policy chooses actions.
type Policy interface {
	// Act fills b.Act from b.Obs. Row i draws from the streams of k with world number i, so
	// that a row's action does not depend on the rows beside it. Without explore it takes the
	// action it believes best. It does not allocate and does not retain b.
	Act(b *env.Batch, k rng.Key, explore bool)
}

// An Agent is a Policy that learns. A training step is Act (with explore), Vec.Step, Record,
// Learn. Its state is complete: an agent of the same Config that loads it goes on to the same bits.
type Agent interface {
	Policy

	// Record stores the transition in b, which the agent copies, with the reward to learn
	// from, one number a row.
	Record(b *env.Batch, reward []float32)

	// Learn updates the policy if enough has been recorded, and reports whether it did. It
	// fails, naming the first place, when a loss or a parameter is no longer finite.
	// Only after it returned true may the state be saved.
	Learn(report Report) (bool, error)

	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// A BonusRecorder is an Agent that can learn from an intrinsic bonus apart from the reward.
// Training with a bonus calls RecordBonus in place of Record, where an agent has it; for other
// agents the bonus is added to the reward.
type BonusRecorder interface {
	RecordBonus(b *env.Batch, reward, bonus []float32)
}

// An Anchored is an Agent that can be made to begin as a copy of another policy and to stay near it.
type Anchored interface {
	Agent

	// Anchor copies a policy, and makes each step cost coef times how much more probable its
	// action has become, as a logarithm. Learn reports anchor/kl, the mean over steps of the
	// divergence from that policy, in nats.
	Anchor(to Policy, coef float64) error
}

// A Resident is an Agent that lives on the device that steps the worlds: it acts, records and learns
// there. A training step is Roll, then Learn; Record is not for it.
type Resident interface {
	Agent

	// Settle moves the agent to the device of v. It is an error if the worlds are stepped by the
	// CPU, or by a device that the agent cannot work on.
	Settle(v env.Vec) error

	// Roll performs as many steps of all worlds as the agent learns from at a time, acting with the
	// key that key returns for each. Of the rollout, which holds until the next call, reward, end
	// and level are set.
	Roll(key func(step int) rng.Key) (*env.Rollout, error)
}

// Report receives one named measurement of learning, such as "loss/policy".
type Report func(name string, value float64)

// Setup is what an agent is built for.
type Setup struct {
	Spec    *env.Spec
	Rows    int     // rows of the batches it will see
	Steps   int64   // rows it will be trained on in all, for schedules; 0 if unknown
	Key     rng.Key // source of all its randomness that Act is not handed
	Workers int     // goroutines it may use, at least 1. Results do not depend on it
}

// A Config holds the options of an agent: a pointer to a struct whose fields have `json` names
// and hold the defaults when it is made.
type Config interface {
	// Build checks the options against s and returns a Policy, which is an Agent if it learns.
	Build(s Setup) (Policy, error)
}

var configs = registry.New[func() Config]("agent")

// Register makes an agent available by name. newConfig returns the default options.
func Register(name string, newConfig func() Config) { configs.Register(name, newConfig) }

// Names returns the registered names, sorted.
func Names() []string { return configs.Names() }

// Open returns the options of the named agent after decode, which may be nil, has written over
// the defaults.
func Open(name string, decode func(options any) error) (Config, error) {
	newConfig, err := configs.Lookup(name)
	if err != nil {
		return nil, err
	}
	c := newConfig()
	if decode != nil {
		if err := decode(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}
