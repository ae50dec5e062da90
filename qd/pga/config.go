package pga

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
)

func init() {
	qd.RegisterEmitter("policy-gradient", func() qd.EmitterConfig {
		return &Config{First: 0.5, Hidden: []int{64, 64}, Batch: 128, Train: 200, Steps: 30, Rate: 3e-4, Vary: 1e-3, Discount: 0.99, Scale: 1, Capacity: 100_000}
	})
}

// Config holds the options of the emitter "policy-gradient".
type Config struct {
	First    float32 `json:"first" doc:"standard deviation of the first policies' parameters"`
	Hidden   []int   `json:"hidden" doc:"widths of the critics' hidden layers"`
	Batch    int     `json:"batch" doc:"transitions of a gradient step"`
	Train    int     `json:"train" doc:"gradient steps of the critics before each batch of policies"`
	Steps    int     `json:"steps" doc:"gradient steps that vary an elite"`
	Rate     float32 `json:"rate" doc:"learning rate of critics and greedy actor"`
	Vary     float32 `json:"vary" doc:"learning rate of variations"`
	Discount float32 `json:"discount" doc:"of the critics, below 1"`
	Scale    float32 `json:"scale" doc:"factor of rewards, that brings discounted returns to tens"`
	Capacity int     `json:"capacity" doc:"transitions that are kept, the newest ones"`
}

// Doc says what it is.
func (*Config) Doc() string {
	return "Elites improved by the policy gradient of critics that learn from every evaluation, and a greedy policy of theirs."
}

// Paper names the publication.
func (*Config) Paper() string {
	return "Nilsson and Cully, Policy gradient assisted MAP-Elites, GECCO 2021"
}

// Build returns the emitter.
func (c *Config) Build(s qd.EmitterSetup) (qd.Emitter, error) {
	if s.Net == nil {
		return nil, fmt.Errorf("policy gradients need policies with biases, and actions that are numbers rather than choices")
	}
	return New(Options{
		Net: s.Net, First: c.First, Hidden: c.Hidden, Batch: c.Batch, Train: c.Train, Steps: c.Steps, Rate: c.Rate, Vary: c.Vary,
		Discount: c.Discount, Scale: c.Scale, Capacity: c.Capacity,
	}, rng.New(0x706761))
}
