// Package scripted holds hand-written controllers, one for each task of this module.
//
// They are honest baselines: they see what a learner sees and nothing else, looking up the
// observation fields of the [env.Spec] by name. They keep no memory between steps, so each
// action is a function of its row of observations.
//
// A controller is registered under the ID of its environment by an init function beside it, and
// found by [For]. As an agent, the controller of whatever environment is called "scripted".
package scripted

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// A controller makes a policy for environments of a spec. It fails if the spec lacks a field
// that the controller needs.
type controller func(s *env.Spec) (agents.Policy, error)

var controllers = registry.New[controller]("scripted controller of environment")

// register makes c the controller of the environment with the given ID.
func register(id string, c controller) { controllers.Register(id, c) }

// For returns the controller of the environment that s describes.
func For(s *env.Spec) (agents.Policy, error) {
	c, err := controllers.Lookup(s.ID)
	if err != nil {
		return nil, err
	}
	p, err := c(s)
	if err != nil {
		return nil, fmt.Errorf("scripted controller for %s: %w", s.ID, err)
	}
	return p, nil
}

// Names returns the IDs of the environments that have a controller, sorted.
func Names() []string { return controllers.Names() }

// Config is the config of the agent "scripted". It has no options.
type Config struct{}

// Doc says what the agent is, in one line.
func (Config) Doc() string { return "A controller written by hand for each task: an honest baseline." }

// Build returns the controller of the environment.
func (Config) Build(s agents.Setup) (agents.Policy, error) { return For(s.Spec) }

func init() { agents.Register("scripted", func() agents.Config { return &Config{} }) }

// perRow makes a Policy of a function from one row of observations to one row of actions.
type perRow struct {
	obs, act int
	f        func(act, obs []float32)
}

func newPerRow(s *env.Spec, f func(act, obs []float32)) agents.Policy {
	return &perRow{env.Width(s.Obs), env.Width(s.Act), f}
}

// Act calls p.f for each row.
func (p *perRow) Act(b *env.Batch, _ rng.Key, _ bool) {
	for i := range b.N {
		p.f(b.Act[i*p.act:(i+1)*p.act], b.Obs[i*p.obs:(i+1)*p.obs])
	}
}

// columns looks up fields of fs by name and returns the first column of each.
func columns(fs []env.Field, names ...string) ([]int, error) {
	cols := make([]int, len(names))
	for i, name := range names {
		var err error
		if cols[i], err = env.Column(fs, name); err != nil {
			return nil, err
		}
	}
	return cols, nil
}

var (
	_ agents.Config = Config{}
	_ agents.Policy = (*perRow)(nil)
)
