package lab

import (
	"fmt"
	"runtime"
	"slices"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func init() { benches = append(benches, envBenches, netBenches) }

// Sizes of the benchmarks of environments.
const (
	benchWorlds  = 256
	benchActions = 64 // batches of random actions, drawn beforehand and used by turns
)

const benchPurpose rng.Purpose = 0x62656e63 // random actions and observations

// envBenches measures each environment: simulation only, with a policy, with training, and
// memory. Resets, observations, facts and the reward are always part of it.
func envBenches() (bs []benchmark, err error) {
	cpus := runtime.GOMAXPROCS(0)
	for _, name := range env.Names() {
		const perCoreMetric = "env_steps_per_core_second"
		sim, policy, train := "env/"+name, "policy/"+name, "train/"+name
		one := func(name, vs string, open func(string, int) (*stepper, error)) benchmark {
			return stepBench(name, perCoreMetric, vs, 1, open, perCore)
		}
		bs = append(bs, one(sim, "", openSim))
		if cpus > 1 {
			bs = append(bs, stepBench(sim, "env_steps_per_second", sim+" "+perCoreMetric, cpus, openSim, perWall))
		}
		if slices.Contains(agents.Names(), "ppo") {
			bs = append(bs, one(policy, sim+" "+perCoreMetric, openPolicy), one(train, sim+" "+perCoreMetric, openTrain))
			bs = append(bs, stepBench(train, "env_steps_per_second", train+" "+perCoreMetric, cpus, openTrain, perWall))
		}
		bs = append(bs, benchmark{
			name: "memory/" + name, metric: "bytes_per_world", unit: "B", engine: "go", worlds: benchWorlds, workers: 1,
			constant: func() (float64, error) { return worldBytes(name) },
		})
	}
	return bs, nil
}

// envOf returns the environment of a benchmark such as "train/lander-v0".
func envOf(bench string) string {
	for i := range bench {
		if bench[i] == '/' {
			return bench[i+1:]
		}
	}
	return bench
}

func stepBench(name, metric, vs string, workers int, open func(string, int) (*stepper, error), figure figureFunc) benchmark {
	return benchmark{
		name: name, metric: metric, unit: "1/s", engine: "go", worlds: benchWorlds, workers: workers, vs: vs, figure: figure,
		open: func() (func() (int, error), func() error, error) {
			s, err := open(envOf(name), workers)
			if err != nil {
				return nil, nil, err
			}
			return s.step, s.vec.Close, nil
		},
	}
}

// A stepper steps worlds with one source of actions or another.
type stepper struct {
	vec   env.Vec
	batch *env.Batch
	act   func(i uint64) // fills batch.Act
	learn func() error   // after each step
	i     uint64
}

func openSim(name string, workers int) (*stepper, error) {
	c, err := env.Open(name, nil)
	if err != nil {
		return nil, err
	}
	v, err := env.NewVec(c, env.VecOptions{Worlds: benchWorlds, Workers: workers})
	if err != nil {
		return nil, err
	}
	v.Reset(1)
	b := env.NewBatch(v.Spec(), benchWorlds)
	var drawn [benchActions][]float32
	for i := range drawn {
		drawn[i] = make([]float32, len(b.Act))
		randomActions(drawn[i], v.Spec(), uint32(i))
	}
	return &stepper{
		vec: v, batch: b,
		act:   func(i uint64) { copy(b.Act, drawn[i%benchActions]) },
		learn: func() error { return nil },
	}, nil
}

func randomActions(act []float32, s *env.Spec, i uint32) {
	r := rng.New(1).Stream(benchPurpose, 0, i)
	for len(act) > 0 {
		for _, f := range s.Act {
			for j := range f.Len {
				if f.Choices > 0 {
					act[j] = float32(r.IntN(f.Choices))
				} else {
					act[j] = r.Range(f.Lo, f.Hi)
				}
			}
			act = act[f.Len:]
		}
	}
}

// openPolicy lets a fresh PPO agent act.
func openPolicy(name string, workers int) (*stepper, error) {
	s, _, err := openAgent(name, workers)
	return s, err
}

// openTrain is the whole training loop of a PPO agent with its default options.
func openTrain(name string, workers int) (*stepper, error) {
	s, agent, err := openAgent(name, workers)
	if err != nil {
		return nil, err
	}
	discard := func(string, float64) {}
	s.learn = func() error {
		agent.Record(s.batch, s.batch.Reward)
		_, err := agent.Learn(discard)
		return err
	}
	return s, nil
}

func openAgent(name string, workers int) (*stepper, agents.Agent, error) {
	s, err := openSim(name, workers)
	if err != nil {
		return nil, nil, err
	}
	c, err := agents.Open("ppo", nil)
	if err != nil {
		return nil, nil, err
	}
	p, err := c.Build(agents.Setup{Spec: s.vec.Spec(), Rows: s.batch.N, Key: rng.New(1), Workers: workers})
	if err != nil {
		return nil, nil, err
	}
	agent, ok := p.(agents.Agent)
	if !ok {
		return nil, nil, fmt.Errorf("agent ppo does not learn")
	}
	s.act = func(i uint64) { agent.Act(s.batch, rng.New(i), true) }
	return s, agent, nil
}

// stepsAtOnce is the number of steps between two looks at the clock.
const stepsAtOnce = 16

func (s *stepper) step() (rows int, err error) {
	for range stepsAtOnce {
		if err := s.vec.Observe(s.batch); err != nil {
			return 0, err
		}
		s.act(s.i)
		s.i++
		if err := s.vec.Step(s.batch); err != nil {
			return 0, err
		}
		if err := s.learn(); err != nil {
			return 0, err
		}
	}
	return stepsAtOnce * s.batch.N, nil
}

// worldBytes returns what a world adds to the heap, once every world has played.
func worldBytes(name string) (float64, error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s, err := openSim(name, 1)
	if err != nil {
		return 0, err
	}
	defer s.vec.Close()
	if _, err := s.step(); err != nil {
		return 0, err
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	actions := float64(4 * benchActions * len(s.batch.Act)) // not the worlds'
	return (float64(after.HeapAlloc) - float64(before.HeapAlloc) - actions) / benchWorlds, nil
}
