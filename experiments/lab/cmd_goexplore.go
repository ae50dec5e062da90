package lab

import (
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/explore/goexplore"
	"github.com/terrarium-rl/terrarium/rewards"
)

func init() { commands = append(commands, goExploreCommand) }

// goExplorePurpose selects the random streams of a search under its seed.
const goExplorePurpose uint64 = 0x676f

// goExploreOptions are the flags of the command.
type goExploreOptions struct {
	sets    []string
	search  goexplore.Config
	cell    float64
	repeat  float64
	steps   int64
	score   float64
	seed    uint64
	workers int
	out     string
	state   string
	json    bool
}

func goExploreCommand() *cobra.Command {
	var o goExploreOptions
	c := &cobra.Command{
		Use:   "goexplore NAME|FILE",
		Short: "Find the way to a rare reward by returning to what was found before exploring",
		Long: `Search one episode of the environment of an experiment: the first that its world 0 plays with
the seed. States of the simulator are kept for each cell of a grid over --fields, rarely visited
ones are returned to more often, and random actions go on from there (Ecoffet et al. 2021, first
phase). The actions of the best way that was found are recorded as a replay, which terrarium
verify, view and record read.

With --state FILE the search is saved there every half minute and at its end, and the same
command goes on from it: to the same result as if it had never stopped.

A policy comes of ways by training from their ends backwards (its second phase): name the recordings
in start.ways of an experiment.`,
		Example: `  terrarium goexplore maze --fields position,held --score 1 --out way.replay
  terrarium record way.replay -o way.gif
  terrarium run maze --set start.ways=[way.replay]`,
		Args: exactlyOne("an experiment: a name or a YAML file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := ReadPlan(args[0], o.sets)
			if err == nil {
				err = p.Check()
			}
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("seed") {
				o.seed = p.Seeds[0]
			}
			return goExplore(cmd, p, o)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.sets, "set", nil, "override a value of the experiment: path=value, any number of times")
	f.StringSliceVar(&o.search.Fields, "fields", nil, "observations or facts that make up a cell (default the whole observation)")
	f.Float64Var(&o.cell, "cell", 1, "side of a cell in the fields' own units")
	f.IntVar(&o.search.Steps, "explore", 100, "steps explored from a cell")
	f.Float64Var(&o.repeat, "repeat", 0.95, "probability that an action is repeated")
	f.Int64Var(&o.steps, "steps", 1_000_000, "steps of all worlds together")
	f.Float64Var(&o.score, "score", math.Inf(1), "stop when a way has this return")
	f.Uint64Var(&o.seed, "seed", 0, "of the episode and of the search (default the experiment's first)")
	f.IntVar(&o.workers, "workers", 0, "goroutines (default one a CPU); results do not depend on it")
	f.StringVarP(&o.out, "out", "o", "", "file to record the best way in, ending in .replay (default none)")
	f.StringVar(&o.state, "state", "", "file to save the search in and to go on from (default none)")
	f.BoolVar(&o.json, "json", false, "print a JSON object")
	return c
}

// A GoExploration is what a search found.
type GoExploration struct {
	Steps  int64   `json:"steps"` // made by all worlds
	Cells  int     `json:"cells"`
	Return float64 `json:"return"` // of the best way, in the experiment's reward
	Length int     `json:"length"` // its steps
	Replay string  `json:"replay,omitempty"`
}

func goExplore(cmd *cobra.Command, p *Plan, o goExploreOptions) error {
	if o.steps < 1 || o.workers < 0 {
		return fmt.Errorf("--steps is %d and --workers %d: want at least 1, and 0 or more", o.steps, o.workers)
	}
	key := rng.New(o.seed)
	vec, err := env.NewVec(p.EnvConfig, env.VecOptions{Worlds: p.Worlds, Workers: o.workers, Levels: p.levels, Engine: p.ownEngine()})
	if err != nil {
		return err
	}
	defer vec.Close()
	vec.Reset(key.Fold(worldPurpose).Uint64())
	o.search.Cell, o.search.Repeat = float32(o.cell), float32(o.repeat)
	reward, err := p.wayReward()
	if err != nil {
		return err
	}
	o.search.Reward = reward
	s, err := goexplore.New(vec, o.search, key.Fold(goExplorePurpose))
	if err != nil {
		return err
	}
	if o.state != "" {
		if err := p.loadSearch(o.state, s, o.seed); err != nil {
			return err
		}
	}
	if err := o.run(cmd, p, s); err != nil {
		return err
	}
	if o.state != "" {
		if err := p.saveSearch(o.state, s, o.seed); err != nil {
			return err
		}
	}
	best := s.Best()
	found := GoExploration{s.Steps(), s.Cells(), best.Score, best.Steps, o.out}
	if o.out != "" {
		ep, err := p.replayWay(s, reward, o.seed)
		if err != nil {
			return err
		}
		if err := ep.Save(o.out); err != nil {
			return err
		}
	}
	if o.json {
		err = printJSON(cmd.OutOrStdout(), found)
	} else {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s steps, %d cells; the best way has a return of %.4g in %s\n",
			p.Spec.ID, count(found.Steps), found.Cells, found.Return, plural(found.Length, "step"))
	}
	if err == nil && cmd.Context().Err() != nil {
		err = interrupted(fmt.Errorf("interrupted after %s steps; that is what was found", count(found.Steps)))
	}
	return err
}

// wayReward returns the reward that ways are scored by: that of the experiment, if each of its terms
// looks at single steps.
func (p *Plan) wayReward() (rewards.Func, error) {
	sum, err := p.buildReward()
	if err != nil {
		return nil, err
	}
	for i := range sum.Len() {
		if _, ok := sum.Func(i).(rewards.Learner); ok {
			return nil, fmt.Errorf("goexplore: reward term %q learns or remembers, which states that are returned to do not have: leave it out", sum.Name(i))
		}
	}
	return sum, nil
}

// run searches until the steps are made, the score is reached, or the program is asked to stop.
func (o *goExploreOptions) run(cmd *cobra.Command, p *Plan, s *goexplore.Search) error {
	told, saved := time.Now(), time.Now()
	for s.Steps() < o.steps && s.Best().Score < o.score {
		if cmd.Context().Err() != nil {
			return nil
		}
		if err := s.Step(); err != nil {
			return err
		}
		if o.state != "" && time.Since(saved) > searchSaved {
			saved = time.Now()
			if err := p.saveSearch(o.state, s, o.seed); err != nil {
				return err
			}
		}
		if !o.json && time.Since(told) > 2*time.Second {
			told = time.Now()
			best := s.Best()
			fmt.Fprintf(cmd.ErrOrStderr(), "%s steps, %d cells, best return %.4g in %s\n", count(s.Steps()), s.Cells(), best.Score, plural(best.Steps, "step"))
		}
	}
	return nil
}

// replayWay plays the best way from the start, in a world of its own, and returns its recording.
func (p *Plan) replayWay(s *goexplore.Search, reward rewards.Func, seed uint64) (*traj.Episode, error) {
	vec, err := env.NewVec(p.EnvConfig, env.VecOptions{Worlds: 1, Workers: 1, Levels: p.levels, Engine: p.ownEngine()})
	if err != nil {
		return nil, err
	}
	defer vec.Close()
	vec.Reset(0)
	if err := vec.(env.Snapshotter).SetState(0, s.Start()); err != nil {
		return nil, err
	}
	origin, err := traj.OriginOf(p.EnvConfig, "goexplore", seed)
	if err != nil {
		return nil, err
	}
	r, err := traj.NewRecorder(vec, 0, origin)
	if err != nil {
		return nil, err
	}
	best := s.Best()
	b, act, rew, sum := env.NewBatch(p.Spec, 1), best.Actions(), make([]float32, 1), 0.0
	for t := range best.Steps {
		r.Begin()
		if err := vec.Observe(b); err != nil {
			return nil, err
		}
		r.Observed(b)
		copy(b.Act, act[t*len(b.Act):])
		if err := vec.Step(b); err != nil {
			return nil, err
		}
		reward.Score(rew, b)
		sum += float64(rew[0])
		if ep := r.Stepped(b); ep != nil {
			return ep, checkWay(sum, best)
		}
	}
	return r.Episode(), checkWay(sum, best)
}

// checkWay reports that a way does not lead to what the search says.
func checkWay(sum float64, best goexplore.Cell) error {
	if sum != best.Score {
		return fmt.Errorf("the best way, played again, has a return of %v, and %v when it was found: the environment does not repeat", sum, best.Score)
	}
	return nil
}
