package lab

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/explore"
	"github.com/terrarium-rl/terrarium/explore/visits"
)

func init() { benches = append(benches, bonusBenches) }

// bonusBench is the environment that bonuses are measured in.
const bonusBench = "maze-v0"

// benchBonuses are the expressions measured, by the names of their benchmarks; the first is what
// the others are compared with.
var benchBonuses = []struct{ name, expr string }{
	{"none", ""},
	{"count", "count(fields=[position], cell=1)"},
	{"count-all", "count"},
	{"episodic_count", "episodic_count(fields=[position], cell=1)"},
	{"rnd", "rnd"},
	{"noveld", "noveld"},
	{"e3b-32", "e3b(dim=32)"},
	{"e3b-64", "e3b(dim=64)"},
	{"product", "norm(count(fields=[position], cell=1)) * e3b(dim=32)"},
}

// bonusBenches measures what bonuses cost: PPO in the maze, with each and without, in processor time
// of one worker and in wall time of all. Each unit of work is a rollout with its update, so that
// all are measured over the same mixture of work.
func bonusBenches() (bs []benchmark, err error) {
	if !slices.Contains(agents.Names(), "ppo") || !slices.Contains(env.Names(), bonusBench) {
		return nil, nil
	}
	plan, err := planFor(bonusBench)
	if plan == nil || err != nil {
		return nil, err
	}
	plan.Worlds = benchWorlds
	cpus := runtime.GOMAXPROCS(0)
	for _, b := range benchBonuses {
		cpu := benchmark{
			name: "bonus/" + b.name, metric: "core_microseconds_per_step", unit: "us", engine: "go", worlds: benchWorlds, workers: 1, figure: micros,
			open: func() (func() (int, error), func() error, error) { return plan.openBonus(b.expr, 1) },
		}
		wall := cpu
		wall.metric, wall.figure, wall.workers = "microseconds_per_step", wallMicros, cpus
		wall.open = func() (func() (int, error), func() error, error) { return plan.openBonus(b.expr, cpus) }
		if b.expr != "" {
			cpu.vs, wall.vs = bs[0].key(), bs[1].key()
		}
		bs = append(bs, cpu, wall)
	}
	return bs, nil
}

func wallMicros(units int, _, wall time.Duration) float64 {
	return wall.Seconds() * 1e6 / float64(units)
}

// openBonus returns work of a rollout and its update with a bonus, or without.
func (p *Plan) openBonus(expr string, workers int) (work func() (int, error), closeWork func() error, err error) {
	s, err := p.openTrain(bonusBench, workers)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			_ = s.vec.Close()
		}
	}()
	policy, err := p.buildPolicy(1, workers)
	if err != nil {
		return nil, nil, err
	}
	t := &trainer{
		plan: p, batch: s.batch, rew: make([]float32, s.batch.N), bonuses: make([]float32, s.batch.N),
		policy: policy, report: func(string, float64) {},
	}
	if t.reward, err = p.buildReward(); err != nil {
		return nil, nil, err
	}
	t.agent = policy.(agents.Agent) // openTrain has looked
	t.curious, _ = policy.(agents.BonusRecorder)
	if expr != "" {
		t.where = visits.New(p.Spec)
		t.bonus, err = explore.Parse(expr, explore.Setup{Spec: p.Spec, Rows: s.batch.N, Key: rng.New(1), Workers: workers})
		if err != nil {
			return nil, nil, fmt.Errorf("bonus %q: %w", expr, err)
		}
	}
	return func() (rows int, err error) {
		for learned := false; !learned; rows += t.batch.N {
			if err := s.vec.Observe(t.batch); err != nil {
				return 0, err
			}
			t.policy.Act(t.batch, rng.New(s.i), true)
			s.i++
			if err := s.vec.Step(t.batch); err != nil {
				return 0, err
			}
			t.reward.Score(t.rew, t.batch)
			if err := t.scoreBonus(); err != nil {
				return 0, err
			}
			if learned, err = t.learn(); err != nil {
				return 0, err
			}
		}
		return rows, nil
	}, s.vec.Close, nil
}
