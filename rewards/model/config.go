package model

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/label"
)

func init() {
	rewards.Register("preference", func() rewards.Config { return New() })
	rewards.Register("heron", func() rewards.Config { return NewHeron() })
}

// Config holds the options of the reward "preference", learned from comparisons that a scripted
// teacher makes by the task's own reward.
type Config struct {
	Asking    `json:",inline"`
	Beta      float64  `json:"beta" doc:"rationality of the teacher, on sums of rewards; 0 means it never errs for being unsure"`
	Myopia    float64  `json:"myopia" doc:"how much the teacher counts earlier steps of a segment, 0 to 1; 1 means alike"`
	Mistake   float64  `json:"mistake" doc:"probability that the teacher answers the contrary"`
	Skip      *float64 `json:"skip,omitempty" doc:"the teacher skips pairs of which neither sum is above this"`
	Equal     float64  `json:"equal" doc:"sums that differ by less are a tie to the teacher, 0 or more"`
	Annotator uint32   `json:"annotator,omitempty" doc:"number of the teacher in records"`
}

// New returns the default options: a teacher who never errs.
func New() *Config { return &Config{Asking: DefaultAsking(), Myopia: 1} }

// Doc says what the reward is, in one line.
func (*Config) Doc() string {
	return "Learned while the agent trains, from comparisons by a scripted teacher who knows the task's reward."
}

// Paper names the sources.
func (*Config) Paper() string { return "Christiano et al. 2017; Lee et al. 2021" }

// Build returns a Learner.
func (c *Config) Build(s *env.Spec) (rewards.Func, error) {
	switch {
	case !(c.Beta >= 0) || math.IsInf(c.Beta, 0):
		return nil, fmt.Errorf("reward preference: beta is %v, want 0 or more", c.Beta)
	case !(c.Myopia > 0 && c.Myopia <= 1):
		return nil, fmt.Errorf("reward preference: myopia is %v, want above 0 and at most 1", c.Myopia)
	case !(c.Mistake >= 0 && c.Mistake <= 1):
		return nil, fmt.Errorf("reward preference: mistake is %v, want 0 to 1", c.Mistake)
	case !(c.Equal >= 0):
		return nil, fmt.Errorf("reward preference: equal is %v, want 0 or more", c.Equal)
	}
	t := &label.Teacher{
		Beta: c.Beta, Myopia: c.Myopia, Mistake: c.Mistake, Skip: c.Skip, Equal: c.Equal, Annotator: c.Annotator,
	}
	l, err := NewLearner(s, c.Asking, t)
	if err != nil {
		return nil, fmt.Errorf("reward preference: %w", err)
	}
	return &taught{l, t}, nil
}

// taught is a Learner whose teacher draws from the run's key too.
type taught struct {
	*Learner
	teacher *label.Teacher
}

// Seed seeds the learner and its teacher.
func (t *taught) Seed(key rng.Key, workers int) {
	t.teacher.Key = key.Fold(0)
	t.Learner.Seed(key, workers)
}

// UnmarshalBinary also restores the teacher's key.
func (t *taught) UnmarshalBinary(data []byte) error {
	err := t.Learner.UnmarshalBinary(data)
	t.teacher.Key = t.key.Fold(0)
	return err
}

// Heron holds the options of the reward "heron", learned from comparisons by an order of
// importance of facts.
type Heron struct {
	Asking `json:",inline"`
	Order  []Factor `json:"order" doc:"the factors, the most important first"`
	Soft   bool     `json:"soft,omitempty" doc:"pairs that no factor decides are ties to learn, instead of no answer"`
}

// NewHeron returns the default options, which lack the order. Questions are drawn at random, as by the
// authors: pairs that the networks disagree on are mostly those that the upper levels leave open, and a model
// of them learns of the lower levels alone.
func NewHeron() *Heron {
	a := DefaultAsking()
	a.Select = Uniform
	return &Heron{Asking: a}
}

// Doc says what the reward is, in one line.
func (*Heron) Doc() string {
	return "Learned while the agent trains, from comparisons by facts in an order of importance."
}

// Paper names the source.
func (*Heron) Paper() string { return "Bukharin et al. 2023" }

// Build returns a Learner.
func (c *Heron) Build(s *env.Spec) (rewards.Func, error) {
	levels, err := c.Levels(s)
	if err != nil {
		return nil, fmt.Errorf("reward heron: %w", err)
	}
	if len(levels) == 0 {
		return nil, fmt.Errorf("reward heron: order is empty, want facts of %s, the most important first", s.ID)
	}
	ties := label.Drop
	if c.Soft {
		ties = label.Soft
	}
	h, err := label.NewHeron(levels, ties)
	if err != nil {
		return nil, fmt.Errorf("reward heron: %w", err)
	}
	l, err := NewLearner(s, c.Asking, h)
	if err != nil {
		return nil, fmt.Errorf("reward heron: %w", err)
	}
	return l, nil
}
