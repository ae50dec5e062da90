package env

import (
	"errors"

	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// An Env is one world, for NewVec to run many of on the CPU. Its methods do not allocate once
// warm, and are called by one goroutine at a time.
//
// An Env that also implements StateEnv can be saved, resumed and branched, and one that
// implements Picture can be drawn. All environments of this module implement both.
type Env interface {
	// Reset begins an episode on level l, which it must not modify or retain. Every random
	// event of the episode is drawn from key.
	Reset(l *Level, key rng.Key)

	// Observe writes the observation row of each agent. It does not change the world.
	Observe(obs []float32)

	// Step applies b.Act, whose values are finite and within their bounds, and writes every
	// column of b.Facts and, equal for all agents, b.End. The rest of b is the caller's.
	// Episodes are truncated at Spec.MaxSteps by the caller.
	Step(b *Batch)
}

// A StateEnv can save and restore its exact state within an episode.
type StateEnv interface {
	Env

	// AppendState appends the state to dst; it does not allocate if dst has room.
	AppendState(dst []byte) []byte

	// SetState continues from a state that AppendState wrote, whatever this Env did before.
	// It returns an error, and leaves the Env to be Reset, if the state is malformed.
	SetState(state []byte) error
}

// A Picture is an Env that can be drawn.
type Picture interface{ Draw(c Canvas) }

// A Grader says how hard its levels are, from 0, trivial, to 1, the hardest it can make. An
// environment's Config implements it where that is known.
type Grader interface{ Difficulty(l *Level) float32 }

// A Config holds the options of an environment: a pointer to a struct whose fields have
// `json` names and hold the defaults when it is made.
type Config interface {
	// Spec checks the options and returns what the environment with these options exchanges.
	Spec() (*Spec, error)

	// New returns one world. It is called after Spec has accepted the options.
	New() Env
}

var configs = registry.New[func() Config]("environment")

// Register makes an environment available by its versioned name, such as "lander-v0".
// newConfig returns the default options. A change that alters results gets a new version.
func Register(name string, newConfig func() Config) { configs.Register(name, newConfig) }

// Names returns the registered names, sorted.
func Names() []string { return configs.Names() }

// Open returns the config of the named environment after decode, which may be nil, has written
// options over its defaults, and after checking that its Spec is valid.
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
	s, err := c.Spec()
	if err != nil {
		return nil, err
	}
	if s.ID != name {
		return nil, errors.New("env " + name + ": its spec calls itself " + s.ID)
	}
	return c, s.Validate()
}
