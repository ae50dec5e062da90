package lab

import (
	"context"
	"os"
	"runtime"
	"slices"

	"github.com/terrarium-rl/terrarium/experiments/configs"
	"github.com/terrarium-rl/terrarium/rewards"
)

func init() { benches = append(benches, rewardBenches) }

// rewardBench is the experiment that rewards which learn are measured in.
const rewardBench = "lander"

// benchRewards are the rewards measured, by the names of their benchmarks; the first is what the
// others are compared with.
var benchRewards = []struct{ name, set string }{
	{"task", "reward=[{name: task}]"},
	{"preference", "reward=[{name: preference}]"},
	{"heron", "reward=[{name: heron, options: {order: [{fact: crashed, less: true}, {fact: on_pad}, {fact: speed, less: true}]}}]"},
}

// rewardBenches measures what it costs to learn a reward while an agent learns from it: whole runs
// of the experiment, as questions and answers add up, with checkpoints, in processor time of one
// worker and in wall time of all.
func rewardBenches() (bs []benchmark, err error) {
	if !slices.Contains(configs.Names(), rewardBench) || !slices.Contains(rewards.Names(), "preference") {
		return nil, nil
	}
	text, err := configs.Read(rewardBench)
	if err != nil {
		return nil, err
	}
	cpus := runtime.GOMAXPROCS(0)
	for i, r := range benchRewards {
		plan, err := ParsePlan(rewardBench+".yaml", text, []string{r.set})
		if err != nil {
			return nil, err
		}
		cpu := benchmark{
			name: "reward/" + r.name, metric: "core_microseconds_per_step", unit: "us", engine: "go", worlds: plan.Worlds, workers: 1, figure: micros,
			open: plan.openRun(1),
		}
		wall := cpu
		wall.metric, wall.figure, wall.workers, wall.open = "microseconds_per_step", wallMicros, cpus, plan.openRun(cpus)
		if i > 0 {
			cpu.vs, wall.vs = bs[0].key(), bs[1].key()
		}
		bs = append(bs, cpu, wall)
	}
	return bs, nil
}

// openRun returns work that is the whole training of the first seed, in a folder that is thrown away;
// its first call, which nobody measures, trains for a twentieth of the steps.
func (p *Plan) openRun(workers int) openFunc {
	return func() (func() (int, error), func() error, error) {
		steps := p.Steps / 20
		return func() (rows int, err error) {
			plan := *p
			plan.Steps, steps = steps, p.Steps
			dir, err := os.MkdirTemp("", "terrarium-bench-")
			if err != nil {
				return 0, err
			}
			defer os.RemoveAll(dir)
			t, err := newTrainer(&plan, plan.Seeds[0], dir, workers, func(Status) {})
			if err != nil {
				return 0, err
			}
			defer func() { _ = t.close() }() // what was measured is measured
			if err := t.open(); err != nil {
				return 0, err
			}
			err = t.train(context.Background())
			return int(t.loop.Steps), err
		}, func() error { return nil }, nil
	}
}
