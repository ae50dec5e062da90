package model

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/label"
)

func init() { rewards.Register("human", func() rewards.Config { return NewHuman() }) }

// Human holds the options of the reward "human", learned from comparisons that people make
// in `terrarium label` while the agent trains.
type Human struct {
	Asking `json:",inline"`
	Need   int      `json:"need" doc:"people who have to answer a question, at least 1"`
	Prior  []Factor `json:"prior,omitempty" doc:"order of importance of facts, as of reward heron, that answers until people have"`
	Weight float64  `json:"prior_weight" doc:"weight of such an answer, above 0 to 1; one of people has 1"`
}

// NewHuman returns the default options. People answer tens of questions, not hundreds.
func NewHuman() *Human {
	c := &Human{Asking: DefaultAsking(), Need: 1, Weight: 0.2}
	c.Labels, c.Initial = 100, 0.25
	return c
}

// Doc says what the reward is, in one line.
func (*Human) Doc() string {
	return "Learned while the agent trains, from comparisons that people make: terrarium label RUN."
}

// Paper names the source.
func (*Human) Paper() string { return "Christiano et al. 2017" }

// Build returns a Learner, which can ask only once it is settled in a run.
func (c *Human) Build(s *env.Spec) (rewards.Func, error) {
	switch {
	case s.Agents != 1:
		return nil, fmt.Errorf("reward human: people compare worlds of one agent, %s has %d", s.ID, s.Agents)
	case c.Need < 1:
		return nil, fmt.Errorf("reward human: need is %d, want at least 1", c.Need)
	case !(c.Weight > 0 && c.Weight <= 1):
		return nil, fmt.Errorf("reward human: prior_weight is %v, want above 0 and at most 1", c.Weight)
	}
	people := &label.Human{Need: c.Need, PriorWeight: float32(c.Weight)}
	if len(c.Prior) > 0 {
		levels, err := (&Heron{Order: c.Prior}).Levels(s)
		if err != nil {
			return nil, fmt.Errorf("reward human: prior: %w", err)
		}
		if people.Prior, err = label.NewHeron(levels, label.Drop); err != nil {
			return nil, fmt.Errorf("reward human: prior: %w", err)
		}
	}
	l, err := NewLearner(s, c.Asking, people)
	if err != nil {
		return nil, fmt.Errorf("reward human: %w", err)
	}
	return l, nil
}
