package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/experiments/stats"
)

const (
	evalFile   = "eval.json"
	evalReplay = "eval-%05d.replay" // number of the episode
)

// An Evaluation is what a policy achieved in fresh episodes, with the actions it believes best.
type Evaluation struct {
	Seed       uint64    `json:"seed"`
	Steps      int64     `json:"steps"` // of training before it
	Episodes   int       `json:"episodes"`
	ReturnMean float64   `json:"return_mean"`
	ReturnStd  float64   `json:"return_std"`
	ReturnMin  float64   `json:"return_min"`
	ReturnMax  float64   `json:"return_max"`
	LengthMean float64   `json:"length_mean"`
	Returns    []float64 `json:"returns"` // of the task's own reward, one an episode
	Lengths    []int     `json:"lengths"`
	Levels     []string  `json:"levels"` // IDs of the levels, hexadecimal

	// Difficulties are those of the levels, 0 to 1, where the environment grades them.
	Difficulties []float32 `json:"difficulties,omitempty"`
}

// evaluate plays episodes of the plan's evaluation levels. The worlds play equally many, so that
// short episodes are not preferred. The first ones are recorded in replayDir, unless it is "".
//
// Levels and what else the worlds draw do not depend on the seed of the run: episode i is on the
// same level for all seeds and all agents, as paired tests would have it. What a policy draws does.
func evaluate(ctx context.Context, p *Plan, policy agents.Policy, seed uint64, episodes, workers int, replayDir string) (*Evaluation, error) {
	v, err := env.NewVec(p.EnvConfig, env.VecOptions{Worlds: p.Worlds, Workers: workers, Levels: p.evalLevels, Engine: p.ownEngine()})
	if err != nil {
		return nil, err
	}
	defer v.Close()
	v.Reset(rng.New(0).Fold(evalPurpose).Uint64())
	key := rng.New(seed).Fold(evalPurpose)
	e := &evaluator{plan: p, want: episodes, dir: replayDir, worlds: p.Worlds, results: make([]result, episodes)}
	if e.grader, _ = p.EnvConfig.(env.Grader); e.grader != nil {
		e.levels, _ = v.(env.LevelSetter)
	}
	if err := e.record(v, seed); err != nil {
		return nil, err
	}
	b := env.NewBatch(p.Spec, p.Worlds)
	e.sums, e.lengths, e.ended = make([]float64, p.Worlds), make([]int, p.Worlds), make([]int, p.Worlds)
	for i := uint64(0); e.left(); i++ {
		if ctx.Err() != nil {
			return nil, errInterrupted
		}
		e.begin()
		if err := v.Observe(b); err != nil {
			return nil, err
		}
		e.observed(b)
		policy.Act(b, key.Fold(i), false)
		if err := v.Step(b); err != nil {
			return nil, err
		}
		if err := e.stepped(b); err != nil {
			return nil, err
		}
	}
	return e.evaluation(seed), nil
}

type result struct {
	ret        float64
	length     int
	level      uint64
	difficulty float32
}

// An evaluator keeps the books of an evaluation. Episode k of world w is number k*worlds+w.
type evaluator struct {
	plan      *Plan
	worlds    int
	want      int
	dir       string
	grader    env.Grader       // nil if levels have no difficulty
	levels    env.LevelSetter  // nil without grader
	recorders []*traj.Recorder // of the first worlds
	sums      []float64        // one a world, of the episode that goes on
	lengths   []int
	ended     []int // episodes, one a world
	results   []result
	done      int
}

func (e *evaluator) record(v env.Vec, seed uint64) error {
	if e.dir == "" {
		return nil
	}
	origin, err := traj.OriginOf(e.plan.EnvConfig, "eval", seed)
	if err != nil {
		return err
	}
	for w := range min(e.worlds, e.plan.Replays.Eval, e.want) {
		r, err := traj.NewRecorder(v, w, origin)
		if err != nil {
			return err
		}
		e.recorders = append(e.recorders, r)
	}
	return nil
}

func (e *evaluator) left() bool { return e.done < e.want }

func (e *evaluator) begin() {
	for _, r := range e.recorders {
		r.Begin()
	}
}

func (e *evaluator) observed(b *env.Batch) {
	for _, r := range e.recorders {
		r.Observed(b)
	}
}

func (e *evaluator) stepped(b *env.Batch) error {
	agents := e.plan.Spec.Agents
	for w := range e.sums {
		rows := b.Rows(w*agents, (w+1)*agents)
		for _, r := range rows.Reward {
			e.sums[w] += float64(r) / float64(agents)
		}
		e.lengths[w]++
		if rows.End[0] == env.Running {
			continue
		}
		if n := e.ended[w]*e.worlds + w; n < e.want {
			e.results[n] = result{ret: e.sums[w], length: e.lengths[w], level: rows.Level[0]}
			if e.levels != nil {
				e.results[n].difficulty = e.grader.Difficulty(e.levels.Level(w))
			}
			e.done++
		}
		e.ended[w]++
		e.sums[w], e.lengths[w] = 0, 0
	}
	for w, r := range e.recorders {
		ep := r.Stepped(b)
		if ep == nil {
			continue
		}
		n := int(ep.Number)*e.worlds + w
		if n >= min(e.plan.Replays.Eval, e.want) {
			continue
		}
		if err := ep.Save(filepath.Join(e.dir, fmt.Sprintf(evalReplay, n))); err != nil {
			return err
		}
	}
	return nil
}

func (e *evaluator) evaluation(seed uint64) *Evaluation {
	ev := &Evaluation{Seed: seed, Episodes: e.want}
	var lengths float64
	for _, r := range e.results {
		ev.Returns = append(ev.Returns, r.ret)
		ev.Lengths = append(ev.Lengths, r.length)
		ev.Levels = append(ev.Levels, fmt.Sprintf("%016x", r.level))
		if e.levels != nil {
			ev.Difficulties = append(ev.Difficulties, r.difficulty)
		}
		lengths += float64(r.length)
	}
	s := stats.Summarize(ev.Returns)
	ev.ReturnMean, ev.ReturnStd, ev.ReturnMin, ev.ReturnMax = s.Mean, s.Std, s.Min, s.Max
	ev.LengthMean = lengths / float64(e.want)
	return ev
}

// An Aggregate sums up the evaluations of several seeds. With a single seed the intervals are
// over its episodes, and say nothing about other seeds.
type Aggregate struct {
	Seeds int            `json:"seeds"`
	Mean  stats.Interval `json:"mean"` // of the seeds' mean returns, 95 %
	IQM   stats.Interval `json:"iqm"`  // interquartile mean of the same
}

// aggregate sums up evaluations.
func aggregate(evals []*Evaluation) (*Aggregate, error) {
	scores := make([]float64, 0, len(evals))
	for _, e := range evals {
		scores = append(scores, e.ReturnMean)
	}
	if len(evals) == 1 {
		scores = evals[0].Returns
	}
	a := &Aggregate{Seeds: len(evals)}
	for _, x := range []struct {
		dst *stats.Interval
		f   stats.Statistic
	}{{&a.Mean, stats.Mean}, {&a.IQM, stats.IQM}} {
		var err error
		if *x.dst, err = stats.Bootstrap(stats.Scores{scores}, x.f, stats.Resampling{}); err != nil {
			return nil, fmt.Errorf("evaluation: %w", err)
		}
	}
	return a, nil
}

// removeEvalReplays removes the recordings of an earlier evaluation.
func removeEvalReplays(dir string) error {
	paths, err := filepath.Glob(filepath.Join(globEscape(dir), "eval-*.replay"))
	for _, p := range paths {
		if err == nil {
			err = os.Remove(p)
		}
	}
	return err
}
