package ensuwo

import (
	"encoding"
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/ppo"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/combine"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

func init() {
	gold := func(penalty string) string { return "gold, penalty " + penalty }
	papers.Register(papers.Claim{
		Name: "ens-uwo-learned", Paper: "Coste et al. 2024",
		Doc:  "PPO with a small penalty ends with more true return by an ensemble that counts disagreement than by one model.",
		Arms: []string{"uwo-0.1", "single", "worst", "mean"}, Treatment: "uwo-0.1", Control: "single",
		Seeds: map[papers.Scale]int{papers.Smoke: 2, papers.Quick: 10, papers.Full: 30},
		Cell:  learn,
		Pass:  []papers.Bound{papers.Greater(gold("0.01"), "uwo-0.1", "single", 0)},
		Also: []papers.Bound{
			papers.Greater(gold("0"), "uwo-0.1", "single", 0),
			papers.Greater(gold("0.01"), "worst", "single", 0),
			papers.Greater(gold("0.01"), "mean", "single", 0),
			papers.Greater(gold("0"), "worst", "single", 0),
			papers.Greater(gold("0"), "mean", "single", 0),
		},
	})
}

// penalties on the divergence from the policy that PPO begins from, a step.
var penalties = []float64{0, 0.01}

// learn trains policies on the reward of an arm, from one that imitates the pilots whom annotators saw.
func learn(c papers.Cell) (papers.Row, error) {
	s := setting{Seed: c.Seed, Pairs: 400, Flips: 0.25}
	steps, episodes := int64(65_536), 300
	if c.Scale == papers.Smoke {
		s.Pairs, steps, episodes = 120, 8192, 50
	}
	agent := ppo.New()
	agent.Rollout, agent.Schedule, agent.Shared, agent.NormalizeReward, agent.LogStd = 128, "linear", true, false, -1
	t := papers.Training{Env: rmlab.Arena{}, Agent: agent, Worlds: 32, Steps: steps, Seed: s.Seed}
	j, err := papers.Fixture(c, "ens-uwo policy and models", s, func() (Judged, error) {
		j, err := s.judge()
		if err != nil {
			return j, err
		}
		j.Base, err = imitate(t, s)
		return j, err
	})
	if err != nil {
		return nil, err
	}
	base, err := build(t)
	if err != nil {
		return nil, err
	}
	if err := base.(encoding.BinaryUnmarshaler).UnmarshalBinary(j.Base); err != nil {
		return nil, err
	}
	row := papers.Row{}
	if row["gold, imitated"], err = t.Evaluate(base, episodes); err != nil {
		return nil, err
	}
	t.Reward = together{c.Arm, &j}
	for _, penalty := range penalties {
		t.Begin = func(p agents.Policy) error { return p.(agents.Anchored).Anchor(base, penalty) }
		t.Report = func(name string, value float64) {
			if name == "anchor/kl" {
				row[fmt.Sprintf("divergence, penalty %g", penalty)] = value * rmlab.Steps
			}
		}
		p, err := t.Run(c)
		if err != nil {
			return nil, err
		}
		if row[fmt.Sprintf("gold, penalty %g", penalty)], err = t.Evaluate(p, episodes); err != nil {
			return nil, err
		}
	}
	return row, nil
}

func build(t papers.Training) (agents.Policy, error) {
	spec, err := t.Env.Spec()
	if err != nil {
		return nil, err
	}
	return t.Agent.Build(agents.Setup{Spec: spec, Rows: t.Worlds, Steps: t.Steps, Key: rng.New(t.Seed).Fold(1), Workers: 1})
}

// imitate returns the state of a policy cloned from a lab's trajectories.
func imitate(t papers.Training, s setting) ([]byte, error) {
	p, err := build(t)
	if err != nil {
		return nil, err
	}
	lab, err := rmlab.New(rmlab.Config{Seed: s.Seed, Levels: 40, PerLevel: 64})
	if err != nil {
		return nil, err
	}
	var obs, act []float32
	for _, seg := range slices.Concat(lab.Levels...) {
		v, err := lab.Store.View(seg)
		if err != nil {
			return nil, err
		}
		obs, act = append(obs, v.Obs[:v.Len()*v.Shape.Obs]...), append(act, v.Act...)
	}
	if _, err = p.(agents.Imitator).Imitate(obs, act, agents.Offline{Epochs: 3, Minibatch: 256, LearningRate: 1e-3, Key: rng.New(s.Seed).Fold(2)}); err != nil {
		return nil, err
	}
	return p.(encoding.BinaryAppender).AppendBinary(nil)
}

// together is the config of the reward of an arm: the joint return of the models so far, less what it
// was a step before. An episode's rewards sum to what the arm makes of its returns, as a reward at its end
// would, which is what the authors give.
type together struct {
	arm string
	j   *Judged
}

// Build returns the reward.
func (t together) Build(s *env.Spec) (rewards.Func, error) {
	join, err := joined(t.arm)
	if err != nil {
		return nil, err
	}
	f := &running{join: join, scales: t.j.Scales}
	for _, state := range t.j.Models {
		e, err := model.NewEnsemble(rmlab.Shape(), feedback.ShapeOf(s), rng.Key{})
		if err != nil {
			return nil, err
		}
		if err := e.UnmarshalBinary(state); err != nil {
			return nil, err
		}
		f.models = append(f.models, e)
	}
	return f, nil
}

// running is the reward of together.
type running struct {
	models  []*model.Ensemble
	scales  []combine.Scale
	join    func([members]float32) float32
	returns [][members]float32 // of the episode of each row
	before  []float32          // their joint return
	step    []float32
}

// Score adds up.
func (f *running) Score(dst []float32, b *env.Batch) {
	if len(f.step) != b.N {
		f.returns, f.before, f.step = make([][members]float32, b.N), make([]float32, b.N), make([]float32, b.N)
	}
	for k, e := range f.models {
		e.ScoreBatch(f.step, b)
		for i, y := range f.step {
			f.returns[i][k] += (y - f.scales[k].Mean/rmlab.Steps) / f.scales[k].Std
		}
	}
	for i := range dst[:b.N] {
		now := f.join(f.returns[i])
		dst[i], f.before[i] = now-f.before[i], now
		if b.End[i] != env.Running {
			f.returns[i], f.before[i] = [members]float32{}, 0
		}
	}
}
