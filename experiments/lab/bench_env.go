package lab

import (
	"fmt"
	"runtime"
	"slices"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/configs"
)

func init() { benches = append(benches, envBenches, netBenches) }

// Sizes of the benchmarks of environments.
const (
	benchWorlds  = 256
	benchActions = 64 // batches of random actions, drawn beforehand and used by turns, but with many worlds fewer
	benchRows    = 1 << 20
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
		bs = append(bs, benchmark{
			name: "memory/" + name, metric: "bytes_per_world", unit: "B", engine: "go", worlds: benchWorlds, workers: 1,
			constant: func() (float64, error) { return worldBytes(name) },
		})
		if slices.Contains(agents.Names(), "ppo") {
			bs = append(bs, one(policy, sim+" "+perCoreMetric, openPolicy))
			p, err := planFor(name)
			if err != nil {
				return nil, err
			}
			if p == nil {
				continue // no experiment to train
			}
			both := []benchmark{
				one(train, sim+" "+perCoreMetric, p.openTrain),
				stepBench(train, "env_steps_per_second", train+" "+perCoreMetric, cpus, p.openTrain, perWall),
			}
			for i := range both {
				both[i].worlds, both[i].longer = p.Worlds, 5 // a few updates, not one or two
			}
			bs = append(bs, both...)
		}
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
		name: name, metric: metric, unit: "1/s", engine: engineOf(envOf(name)), worlds: benchWorlds, workers: workers, vs: vs, figure: figure,
		open: func() (func() (int, error), func() error, error) {
			s, err := open(envOf(name), workers)
			if err != nil {
				return nil, nil, err
			}
			return s.step, s.vec.Close, nil
		},
	}
}

// engineOf returns the engine that steps the worlds of an environment unless another is asked for.
func engineOf(name string) string {
	if c, err := env.Open(name, nil); err == nil {
		if _, together := c.New().(env.SimEnv); together {
			return env.Engine()
		}
	}
	return "go"
}

// A stepper steps worlds with one source of actions or another.
type stepper struct {
	vec   env.Vec
	batch *env.Batch
	act   func(i uint64)                // fills batch.Act
	learn func() (done bool, err error) // after each step; done where one may look at the clock
	i     uint64
	short int // least steps between two looks at the clock where they take long; 0 for stepsAtOnce
}

// benchLevels returns the levels that others measure: the classic ones, if there are any.
func benchLevels(c env.Config) (env.Levels, error) {
	spec, err := c.Spec()
	if err != nil {
		return nil, err
	}
	set := env.LevelSet{}
	for _, p := range spec.Presets {
		if p.Name == "classic" {
			set.Preset = p.Name
		}
	}
	return set.Compile(spec)
}

func openSim(name string, workers int) (*stepper, error) {
	return openSimOn(name, env.VecOptions{Worlds: benchWorlds, Workers: workers})
}

// openSimOn opens an environment with the options of its Vec.
func openSimOn(name string, o env.VecOptions) (*stepper, error) {
	c, err := env.Open(name, nil)
	if err != nil {
		return nil, err
	}
	if o.Levels, err = benchLevels(c); err != nil {
		return nil, err
	}
	v, err := env.NewVec(c, o)
	if err != nil {
		return nil, err
	}
	v.Reset(1)
	b := env.NewBatch(v.Spec(), o.Worlds)
	drawn := make([][]float32, max(2, min(benchActions, benchRows/o.Worlds)))
	for i := range drawn {
		drawn[i] = make([]float32, len(b.Act))
		randomActions(drawn[i], v.Spec(), uint32(i))
	}
	return &stepper{
		vec: v, batch: b,
		act:   func(i uint64) { copy(b.Act, drawn[i%uint64(len(drawn))]) },
		learn: func() (bool, error) { return true, nil },
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
	s, err := openSim(name, workers)
	if err != nil {
		return nil, err
	}
	c, err := agents.Open("ppo", nil)
	if err != nil {
		return nil, err
	}
	p, err := c.Build(agents.Setup{Spec: s.vec.Spec(), Rows: s.batch.N, Key: rng.New(1), Workers: workers})
	if err != nil {
		return nil, err
	}
	s.act = func(i uint64) { p.Act(s.batch, rng.New(i), true) }
	return s, nil
}

// planFor returns the experiment that trains an agent in an environment and comes with the
// program, the one with the shortest name, or nil if there is none.
func planFor(envName string) (best *Plan, err error) {
	for _, name := range configs.Names() {
		text, err := configs.Read(name)
		if err != nil {
			return nil, err
		}
		t, err := parseYAML(name+".yaml", text)
		if err != nil {
			return nil, err
		}
		if e := t.get("env").get("name"); e == nil || t.get("qd") != nil || e.scalar != envName || best != nil && len(best.Name) <= len(name) {
			continue
		}
		if best, err = ParsePlan(name+".yaml", text, nil); err != nil {
			return nil, err
		}
	}
	return best, nil
}

// openTrain is the training loop of an experiment: worlds, agent and reward are its own.
func (p *Plan) openTrain(_ string, workers int) (*stepper, error) {
	v, err := env.NewVec(p.EnvConfig, env.VecOptions{Worlds: p.Worlds, Workers: workers, Levels: p.levels})
	if err != nil {
		return nil, err
	}
	v.Reset(1)
	policy, err := p.buildPolicy(1, workers)
	if err != nil {
		return nil, err
	}
	agent, ok := policy.(agents.Agent)
	if !ok {
		return nil, fmt.Errorf("agent %s does not learn", p.Agent.Name)
	}
	sum, err := p.buildReward()
	if err != nil {
		return nil, err
	}
	b := env.NewBatch(p.Spec, p.Worlds)
	reward, discard := make([]float32, b.N), func(string, float64) {}
	return &stepper{
		vec: v, batch: b,
		act: func(i uint64) { agent.Act(b, rng.New(i), true) },
		learn: func() (bool, error) {
			sum.Score(reward, b)
			agent.Record(b, reward)
			return agent.Learn(discard)
		},
	}, nil
}

// stepsAtOnce is the least number of steps between two looks at the clock.
const stepsAtOnce = 16

// step makes some steps: with training, a whole rollout and its update, as what falls between two
// looks at the clock must be the same each time.
func (s *stepper) step() (rows int, err error) {
	least := stepsAtOnce
	if s.short > 0 {
		least = s.short
	}
	for done := false; !done || rows < least*s.batch.N; rows += s.batch.N {
		if err := s.vec.Observe(s.batch); err != nil {
			return 0, err
		}
		s.act(s.i)
		s.i++
		if err := s.vec.Step(s.batch); err != nil {
			return 0, err
		}
		if done, err = s.learn(); err != nil {
			return 0, err
		}
	}
	return rows, nil
}

// worldBytes returns what a world adds to the heap, once every world has played.
func worldBytes(name string) (float64, error) {
	bytes, err := heapOf(func() (*stepper, error) { return openSim(name, 1) })
	return bytes / benchWorlds, err
}

// heapOf returns what the worlds that open opens add to the heap, once every world has played.
func heapOf(open func() (*stepper, error)) (float64, error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s, err := open()
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
	return float64(after.HeapAlloc) - float64(before.HeapAlloc) - actions, nil
}
