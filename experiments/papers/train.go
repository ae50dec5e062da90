package papers

import (
	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// A Training is an agent trained on a reward: the fixture of claims that are about learning. It
// uses one goroutine, for cells run side by side.
type Training struct {
	Env    env.Config
	Levels env.LevelSet // the zero one is the environment's defaults
	Agent  agents.Config
	Reward rewards.Config // nil is the task's own
	Worlds int
	Steps  int64 // transitions
	Seed   uint64

	// Begin, unless nil, is called with the agent before it acts for the first time, such as to
	// anchor it to another one.
	Begin func(p agents.Policy) error

	// Open, unless nil, is called with the worlds before they begin, such as to choose where they do.
	Open func(v env.Vec) error

	// Each, unless nil, is called after each step of the worlds, with the rewards learned from.
	Each func(b *env.Batch, reward []float32) error

	// Report, unless nil, receives what the agent and the reward report.
	Report func(name string, value float64)
}

// Numbers that select families of random streams under a seed.
const (
	keyWorlds = iota
	keyAgent
	keyActs
	keyReward
	keyEval
)

// NewVec returns some worlds of the training's environment and levels.
func (t *Training) NewVec(worlds int) (env.Vec, error) {
	spec, err := t.Env.Spec()
	if err != nil {
		return nil, err
	}
	levels, err := t.Levels.Compile(spec)
	if err != nil {
		return nil, err
	}
	return env.NewVec(t.Env, env.VecOptions{Worlds: worlds, Workers: 1, Levels: levels})
}

// Run trains the agent.
func (t *Training) Run(c Cell) (agents.Policy, error) {
	vec, err := t.NewVec(t.Worlds)
	if err != nil {
		return nil, err
	}
	defer vec.Close()
	key, spec := rng.New(t.Seed), vec.Spec()
	b := env.NewBatch(spec, t.Worlds)
	policy, err := t.Agent.Build(agents.Setup{Spec: spec, Rows: b.N, Steps: t.Steps, Key: key.Fold(keyAgent), Workers: 1})
	if err != nil {
		return nil, err
	}
	if t.Begin != nil {
		if err := t.Begin(policy); err != nil {
			return nil, err
		}
	}
	agent, _ := policy.(agents.Agent)
	config := t.Reward
	if config == nil {
		config = &rewards.Task{}
	}
	reward, err := config.Build(spec)
	if err != nil {
		return nil, err
	}
	if s, ok := reward.(rewards.Seeder); ok {
		s.Seed(key.Fold(keyReward), 1)
	}
	learner, _ := reward.(rewards.Learner)
	reviser, _ := reward.(rewards.Reviser)
	report := t.Report
	if report == nil {
		report = func(string, float64) {}
	}
	rew := make([]float32, b.N)
	vec.Reset(key.Fold(keyWorlds).Uint64())
	if t.Open != nil {
		if err := t.Open(vec); err != nil {
			return nil, err
		}
	}
	for steps := int64(0); steps < t.Steps; steps += int64(b.N) {
		if err := c.Context.Err(); err != nil {
			return nil, err
		}
		if err := vec.Observe(b); err != nil {
			return nil, err
		}
		policy.Act(b, key.Fold(keyActs).Fold(uint64(steps)), true)
		if err := vec.Step(b); err != nil {
			return nil, err
		}
		reward.Score(rew, b)
		if learner != nil {
			if err := learner.Update(b, report); err != nil {
				return nil, err
			}
		}
		if t.Each != nil {
			if err := t.Each(b, rew); err != nil {
				return nil, err
			}
		}
		if agent != nil {
			agent.Record(b, rew)
			learned, err := agent.Learn(report)
			if err != nil {
				return nil, err
			}
			if !learned {
				continue
			}
		}
		if reviser != nil {
			if err := reviser.Revise(report); err != nil {
				return nil, err
			}
		}
	}
	return policy, nil
}

// Evaluate returns the mean return, in the task's own reward, of the first episode of each of the
// given number of worlds. The policy acts without exploring. Equal seeds give equal episodes.
func (t *Training) Evaluate(p agents.Policy, worlds int) (float64, error) {
	returns, err := t.Returns(p, worlds)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, r := range returns {
		sum += r
	}
	return sum / float64(len(returns)), nil
}

// Returns are those that Evaluate takes the mean of, one a world. Equal seeds give equal levels.
func (t *Training) Returns(p agents.Policy, worlds int) ([]float64, error) {
	vec, err := t.NewVec(worlds)
	if err != nil {
		return nil, err
	}
	defer vec.Close()
	key, b := rng.New(t.Seed).Fold(keyEval), env.NewBatch(vec.Spec(), worlds)
	vec.Reset(key.Uint64())
	over, left, sums := make([]bool, b.N), b.N, make([]float64, b.N)
	for step := uint64(0); left > 0; step++ {
		if err := vec.Observe(b); err != nil {
			return nil, err
		}
		p.Act(b, key.Fold(step), false)
		if err := vec.Step(b); err != nil {
			return nil, err
		}
		for i, done := range over {
			if done {
				continue
			}
			sums[i] += float64(b.Reward[i])
			if b.End[i] != env.Running {
				over[i] = true
				left--
			}
		}
	}
	return sums, nil
}

// Record lets a policy play some worlds, exploring, and keeps the first episode of each in a store, or its
// first steps if it is longer. It returns what was kept, in the order in which it ended.
func (t *Training) Record(p agents.Policy, store *feedback.Store, worlds, steps int, key rng.Key) ([]feedback.Segment, error) {
	vec, err := t.NewVec(worlds)
	if err != nil {
		return nil, err
	}
	defer vec.Close()
	b, begun := env.NewBatch(vec.Spec(), worlds), make([]feedback.Trajectory, worlds)
	var segs []feedback.Segment
	vec.Reset(key.Uint64())
	for step := uint64(0); len(segs) < worlds; step++ {
		if err := vec.Observe(b); err != nil {
			return nil, err
		}
		p.Act(b, key.Fold(step), true)
		if err := vec.Step(b); err != nil {
			return nil, err
		}
		for i := range begun {
			e := &begun[i]
			if e.End != env.Running || e.Len() == steps {
				continue // what it does now is another episode, or too late
			}
			e.Append(b, i)
			if e.End == env.Running && e.Len() < steps {
				continue
			}
			id, err := store.Add(e)
			if err != nil {
				return nil, err
			}
			segs = append(segs, feedback.Segment{Traj: id, To: int32(e.Len())})
		}
	}
	return segs, nil
}
