// Package random is the agent that acts without looking: every action is equally likely.
//
// It is the baseline that any learner has to beat, and the load under which environments are
// measured. Importing the package registers it as "random".
package random

import (
	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func init() { agents.Register("random", func() agents.Config { return new(Config) }) }

// Config has no options.
type Config struct{}

// Doc says what the agent is, in one line.
func (*Config) Doc() string { return "Acts at random: the baseline that any learner has to beat." }

// Build returns the policy. It accepts every environment and looks at the Spec only.
func (*Config) Build(s agents.Setup) (agents.Policy, error) {
	return &policy{s.Spec.Act, env.Width(s.Spec.Act)}, nil
}

const purpose rng.Purpose = 0x72616e64 // the action of a row

type policy struct {
	fields []env.Field
	width  int
}

// Act draws each column uniformly from the choices or the bounds of its field. As no action is
// believed better than another, explore makes no difference.
func (p *policy) Act(b *env.Batch, k rng.Key, _ bool) {
	for i := range b.N {
		r := k.Stream(purpose, uint32(i), 0)
		act := b.Act[i*p.width : (i+1)*p.width]
		for _, f := range p.fields {
			for j := range f.Len {
				if f.Choices > 0 {
					act[j] = float32(r.IntN(f.Choices))
				} else {
					act[j] = min(r.Range(f.Lo, f.Hi), f.Hi)
				}
			}
			act = act[f.Len:]
		}
	}
}

var (
	_ agents.Config = (*Config)(nil)
	_ agents.Policy = (*policy)(nil)
)
