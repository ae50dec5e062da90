package ppo

import (
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/agenttest"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// The agent keeps its contract with an intrinsic critic: state, workers, permutation, allocation.
func TestConformanceWithIntrinsicCritic(t *testing.T) {
	agenttest.Run(t, agenttest.Options{
		Config: func() agents.Config {
			c := fast()
			c.IntrinsicCoef = 0.1
			return &bonused{c}
		},
		Steps: 20000, Score: 0.9,
	})
}

// bonused builds agents that get a bonus with every reward: half of it.
type bonused struct{ *Config }

func (c *bonused) Build(s agents.Setup) (agents.Policy, error) {
	p, err := c.Config.Build(s)
	if err != nil {
		return nil, err
	}
	return &withBonus{p.(*agent), make([]float32, s.Rows)}, nil
}

type withBonus struct {
	*agent
	bonus []float32
}

func (a *withBonus) Record(b *env.Batch, reward []float32) {
	for i, r := range reward[:min(len(reward), len(a.bonus))] {
		a.bonus[i] = r / 2
	}
	a.RecordBonus(b, reward, a.bonus)
}

// Advantages of bonuses by their definition: those of a task that never ends, whose value after
// an end is that of the first state of the next episode.
func TestBonusAdvantagesGoOnOverEnds(t *testing.T) {
	s := rng.New(1).Stream(0, 0, 0)
	const gamma, lambda = 0.9, 0.8
	r := randomRollout(3, 20, &s)
	r.advantagesOf(&r.returns, gamma, lambda, endless)
	if !slices.Contains(r.end, env.Terminated) || !slices.Contains(r.end, env.Truncated) {
		t.Fatal("no episode ends")
	}
	for i := range r.rows {
		for t0 := range r.steps {
			want := 0.0
			for u := t0; u < r.steps; u++ {
				k := u*r.rows + i
				next := r.next[k]
				if u+1 < r.steps {
					next = r.value[k+r.rows]
				}
				delta := float64(r.reward[k]) + gamma*float64(next) - float64(r.value[k])
				want += math.Pow(gamma*lambda, float64(u-t0)) * delta
			}
			if got := r.adv[t0*r.rows+i]; math.Abs(float64(got)-want) > 1e-5 {
				t.Fatalf("advantage of step %d, row %d is %v, want %v", t0, i, got, want)
			}
		}
	}
	// With episodic, they are those of rewards.
	r.advantages(gamma, lambda)
	want := slices.Clone(r.adv)
	r.advantagesOf(&r.returns, gamma, lambda, episodic)
	if !slices.Equal(want, r.adv) {
		t.Error("episodic returns of a bonus are not those of a reward")
	}
}

// Without intrinsic_coef a bonus is part of the reward; with it, the critic of bonuses learns
// their value, 0.5/(1-gamma) for half a point a step, and that of rewards does not see them.
func TestBonusIsLearnedApart(t *testing.T) {
	train := func(coef float64, updates int) *agent {
		c := fast()
		c.IntrinsicCoef, c.IntrinsicGamma, c.NormalizeReward = coef, 0.8, false
		r := trainer(t, &agenttest.Fast{Kind: "discrete"}, 16, c, 0)
		a := r.Agent.(*agent)
		half, zero := make([]float32, 16), make([]float32, 16)
		for i := range half {
			half[i] = 0.5
		}
		for u := 0; u < updates; {
			if err := r.Vec.Observe(r.Batch); err != nil {
				t.Fatal(err)
			}
			a.Act(r.Batch, rng.New(3).Fold(uint64(u*1000+a.roll.step)), true)
			if err := r.Vec.Step(r.Batch); err != nil {
				t.Fatal(err)
			}
			a.RecordBonus(r.Batch, zero, half)
			done, err := a.Learn(func(string, float64) {})
			if err != nil {
				t.Fatal(err)
			}
			if done {
				u++
			}
		}
		return a
	}
	mean := func(v []float32) (m float64) {
		for _, x := range v {
			m += float64(x) / float64(len(v))
		}
		return m
	}
	apart := train(1, 40)
	if got := mean(apart.roll.bonus.value[:512]); math.Abs(got-2.5) > 0.1 {
		t.Errorf("the intrinsic critic says %.3f, want 0.5/(1-0.8)", got)
	}
	if got := mean(apart.roll.value[:512]); math.Abs(got) > 0.05 {
		t.Errorf("the value of a reward of 0 is %.3f", got)
	}
	added := train(0, 40)
	if got := mean(added.roll.value[:512]); math.Abs(got-1) > 0.15 {
		t.Errorf("the value of the bonus as a reward is %.3f, want about 0.5/(1-0.5)", got)
	}
}
