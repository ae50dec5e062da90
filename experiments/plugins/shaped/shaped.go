// Package shaped is a worked example of a reward in a module of its own: advice that leads a
// lander to its pad without changing which policy is best.
//
// It is potential-based shaping (Ng, Harada and Russell, 1999) by a potential that is highest on
// the pad and steeper the closer it is. As the sum of an episode telescopes, an agent earns
// nothing by going back and forth.
package shaped

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/shaping"
)

func init() { rewards.Register("guide", func() rewards.Config { return New() }) }

// Config holds the options of the reward.
type Config struct {
	Height float32 `json:"height" doc:"potential on the pad, above 0"`
	Reach  float32 `json:"reach" doc:"distance, as observed, at which half of it is left, above 0"`
	Gamma  float32 `json:"gamma" doc:"the learner's discount factor"`
}

// New returns the default options.
func New() *Config { return &Config{Height: 1, Reach: 0.5, Gamma: 0.99} }

// Doc says in a line what the reward does.
func (*Config) Doc() string { return "Lead to the pad by shaping that changes no optimal policy." }

// Paper names where the method was published.
func (*Config) Paper() string { return "Ng, Harada and Russell, ICML 1999" }

// Build checks the options and returns the reward. It suits environments that observe x and y.
func (c *Config) Build(s *env.Spec) (rewards.Func, error) {
	for name, v := range map[string]float32{"height": c.Height, "reach": c.Reach} {
		if !(v > 0) || !geom.Finite(v) {
			return nil, fmt.Errorf("reward guide: %s is %v, want a number above 0", name, v)
		}
	}
	if !(c.Gamma > 0 && c.Gamma <= 1) {
		return nil, fmt.Errorf("reward guide: gamma is %v, want above 0 and at most 1", c.Gamma)
	}
	x, err := env.Column(s.Obs, "x")
	if err != nil {
		return nil, fmt.Errorf("reward guide: %w", err)
	}
	y, err := env.Column(s.Obs, "y")
	if err != nil {
		return nil, fmt.Errorf("reward guide: %w", err)
	}
	w := env.Width(s.Obs)
	return shaping.New(shaping.PotentialOf(func(dst, obs []float32) {
		for i := range dst {
			dst[i] = c.potential(obs[i*w+x], obs[i*w+y])
		}
	}), c.Gamma), nil
}

// potential is height/(1 + distance/reach). Products are rounded one by one, so that they are the
// same on every machine.
func (c *Config) potential(x, y float32) float32 {
	d := geom.Sqrt(float32(x*x) + float32(y*y))
	return c.Height / (1 + d/c.Reach)
}
