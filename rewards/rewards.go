// Package rewards defines reward functions, how they are found by name, and their sum.
//
// A reward is computed from a recorded transition and the facts the simulator reported with
// it, outside the simulator. It can therefore be swapped, recomputed on recorded episodes,
// learned or audited without touching an environment.
package rewards

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/registry"
)

// A Func scores transitions.
type Func interface {
	// Score writes the reward of row i of b to dst[i], for each of the b.N rows. It looks at
	// nothing but that row, unless its documentation says so; it does not modify or retain b
	// and does not allocate.
	Score(dst []float32, b *env.Batch)
}

// FuncOf makes an ordinary function a Func.
type FuncOf func(dst []float32, b *env.Batch)

// Score calls f.
func (f FuncOf) Score(dst []float32, b *env.Batch) { f(dst, b) }

// A Config holds the options of a reward: a pointer to a struct whose fields have `json` names
// and hold the defaults when it is made.
type Config interface {
	// Build checks the options against the environment and returns the reward.
	Build(s *env.Spec) (Func, error)
}

var configs = registry.New[func() Config]("reward")

// Register makes a reward available by name. newConfig returns the default options.
func Register(name string, newConfig func() Config) { configs.Register(name, newConfig) }

// Names returns the registered names, sorted.
func Names() []string { return configs.Names() }

// Open returns the options of the named reward after decode, which may be nil, has written
// over the defaults.
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
