package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/physics/box2d"
	"github.com/terrarium-rl/terrarium/experiments/stats"
)

// keptShare is the part of its return that a policy is to keep in the other physics.
const keptShare = 0.9

// transferred are the experiments that bench sim2sim trains.
var transferred = []string{"lander", "walker"}

type sim2simOptions struct {
	out      string
	seed     uint64
	seeds    int
	episodes int
	workers  int
	json     bool
}

func sim2simCommand() *cobra.Command {
	var o sim2simOptions
	c := &cobra.Command{
		Use:   "sim2sim [RUN...]",
		Short: "Measure what policies keep of their return in Box2D",
		Long: `Let policies that were trained in the batch engine act in ByteArena's Box2D, which solves the same
worlds by other means, and compare. Episode i is on the same level with the same draws in all
engines and for all seeds, so differences are of pairs. A third column, with four steps of a quarter
of the time in Box2D, tells whether what is lost is due to the size of its steps; it decides nothing.

Without RUN, the experiments lander and walker are trained first, in folders of --out. What these
hold already is kept: an interrupted training goes on, a finished one is not repeated. With RUNs,
these are taken as they are.

Intervals are 95 % bootstraps over seeds, or over the episodes of a single seed. The exit code is 1
if a policy keeps less than 90 % of its return.`,
		Example: `  terrarium bench sim2sim
  terrarium bench sim2sim runs/lander --episodes 1000 --json`,
		RunE: func(cmd *cobra.Command, runs []string) error {
			if o.seeds < 1 || o.seeds > 10000 || o.episodes < 2 || o.workers < 0 {
				return fmt.Errorf("--seeds is %d, --episodes %d and --workers %d: want 1 to 10000, at least 2, and at least 0", o.seeds, o.episodes, o.workers)
			}
			rows, err := o.measure(cmd, runs)
			if err != nil {
				return err
			}
			if err := printTransfers(cmd.OutOrStdout(), rows, o.json); err != nil {
				return err
			}
			for _, r := range rows {
				if !r.Passed {
					return failed(fmt.Errorf("%s keeps %.1f %% of its return in Box2D, less than %.0f %%", r.Experiment, 100*r.Kept.Value, 100*keptShare))
				}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVarP(&o.out, "out", "o", filepath.Join("runs", "sim2sim"), "folder for the runs that are trained")
	f.Uint64Var(&o.seed, "seed", 1001, "first seed to train")
	f.IntVar(&o.seeds, "seeds", 5, "number of seeds to train, counted up from the first")
	f.IntVar(&o.episodes, "episodes", 100, "episodes a seed, in each engine")
	f.IntVar(&o.workers, "workers", 0, "goroutines (default one a CPU); results do not depend on it")
	f.BoolVar(&o.json, "json", false, "print a JSON object a line, the last one a summary")
	return c
}

// A Transfer says what the policies of a run keep in Box2D.
type Transfer struct {
	Experiment string         `json:"experiment"`
	Env        string         `json:"env"`
	Steps      int64          `json:"steps"`      // of training, a seed
	Return     stats.Interval `json:"return"`     // mean over seeds, in the batch engine
	Box2D      stats.Interval `json:"box2d"`      // the same in Box2D
	Difference stats.Interval `json:"difference"` // of the pairs: Box2D less batch engine
	Kept       stats.Interval `json:"kept"`       // Box2D / Return
	Fine       stats.Interval `json:"fine"`       // mean in Box2D with steps of a quarter of the size
	KeptFine   stats.Interval `json:"kept_fine"`  // Fine / Return
	Passed     bool           `json:"passed"`     // at least 90 % are kept, in Box2D
	Seeds      []SeedTransfer `json:"seeds"`
}

// A SeedTransfer is the part of one seed: its evaluations in the engines, episode by episode. Arrays
// are of the batch engine, Box2D, and Box2D with fine steps.
type SeedTransfer struct {
	Seed       uint64         `json:"seed"`
	Return     float64        `json:"return"`
	Box2D      float64        `json:"box2d"`
	Fine       float64        `json:"fine"`
	Difference stats.Interval `json:"difference"` // of the pairs of episodes: Box2D less batch engine
	Returns    [3][]float64   `json:"returns"`
	Lengths    [3]float64     `json:"lengths"` // mean number of steps
	Solved     [3]int         `json:"solved"`  // episodes whose return is that of a solved task
}

func (o *sim2simOptions) measure(cmd *cobra.Command, runs []string) (rows []*Transfer, err error) {
	if len(runs) == 0 {
		for _, name := range transferred {
			dir := filepath.Join(o.out, name)
			if err := o.train(cmd, name, dir); err != nil {
				return nil, err
			}
			runs = append(runs, dir)
		}
	}
	for _, dir := range runs {
		p, err := OpenRun(dir)
		if err != nil {
			return nil, err
		}
		if p.ownEngine() != "" {
			return nil, fmt.Errorf("%s was trained on engine %s: want a run that was trained on another", dir, p.Engine)
		}
		r, err := o.transfer(cmd.Context(), p, dir, cmd.ErrOrStderr())
		if errors.Is(err, errInterrupted) {
			return nil, interrupted(errors.New("interrupted; what was trained is kept"))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// train makes dir hold a finished run of an experiment, whatever it holds of it already.
func (o *sim2simOptions) train(cmd *cobra.Command, name, dir string) error {
	p, err := ReadPlan(name, nil)
	if err != nil {
		return err
	}
	p.Seeds = p.Seeds[:0:0]
	for i := range o.seeds {
		p.Seeds = append(p.Seeds, o.seed+uint64(i))
	}
	begin := func(n Options) (*Result, error) { return Train(cmd.Context(), p, dir, n) }
	if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
		was, err := OpenRun(dir)
		if err != nil {
			return err
		}
		if was.Name != p.Name || !slices.Equal(was.Seeds, p.Seeds) {
			return fmt.Errorf("%s holds %s of seeds %v, want %s of seeds %v: choose another --out, or give the run as an argument", dir, was.Name, was.Seeds, p.Name, p.Seeds)
		}
		if finished(was, dir) {
			return nil
		}
		begin = func(n Options) (*Result, error) { return Resume(cmd.Context(), dir, n) }
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: training %s, %s steps each, into %s\n", name, plural(o.seeds, "seed"), count(p.Steps), dir)
	d := newDisplay(cmd.ErrOrStderr(), p, false)
	_, err = begin(Options{Workers: o.workers, Notify: d.notify, Program: os.Args})
	return err
}

func finished(p *Plan, dir string) bool {
	return !slices.ContainsFunc(p.Seeds, func(seed uint64) bool {
		_, err := readDone(SeedDir(dir, seed))
		return err != nil
	})
}

// transfer evaluates the seeds of a run in all engines.
func (o *sim2simOptions) transfer(ctx context.Context, p *Plan, dir string, progress io.Writer) (*Transfer, error) {
	other, fine := *p, *p
	other.Engine, fine.Engine = box2d.Engine, box2d.Fine
	t := &Transfer{Experiment: p.Name, Env: p.Spec.ID, Steps: p.Steps}
	var means [3][]float64
	for i, seed := range p.Seeds {
		fmt.Fprintf(progress, "%s, seed %d (%d of %d): %s in each engine\n", p.Name, seed, i+1, len(p.Seeds), plural(o.episodes, "episode"))
		var evals [3]*Evaluation
		for k, q := range []*Plan{p, &other, &fine} {
			policy, _, err := LoadPolicy(q, dir, seed, o.workers)
			if err != nil {
				return nil, err
			}
			if evals[k], err = evaluate(ctx, q, policy, seed, o.episodes, o.workers, ""); err != nil {
				return nil, err
			}
		}
		s, err := compareSeed(p.Spec, seed, evals)
		if err != nil {
			return nil, err
		}
		t.Seeds = append(t.Seeds, s)
		for k, mean := range []float64{s.Return, s.Box2D, s.Fine} {
			means[k] = append(means[k], mean)
		}
	}
	if len(p.Seeds) == 1 {
		means = t.Seeds[0].Returns
	}
	return t, t.sumUp(means[0], means[1], means[2])
}

// compareSeed pairs the episodes of a seed, which are on the same levels.
func compareSeed(spec *env.Spec, seed uint64, evals [3]*Evaluation) (SeedTransfer, error) {
	a, b, c := evals[0], evals[1], evals[2]
	if !slices.Equal(a.Levels, b.Levels) || !slices.Equal(a.Levels, c.Levels) {
		return SeedTransfer{}, errors.New("the engines played other levels, which is a defect of the program")
	}
	s := SeedTransfer{
		Seed: seed, Return: a.ReturnMean, Box2D: b.ReturnMean, Fine: c.ReturnMean,
		Returns: [3][]float64{a.Returns, b.Returns, c.Returns}, Lengths: [3]float64{a.LengthMean, b.LengthMean, c.LengthMean},
	}
	for k, e := range evals {
		for _, r := range e.Returns {
			if r >= float64(spec.Solved) {
				s.Solved[k]++
			}
		}
	}
	var err error
	s.Difference, err = stats.PairedBootstrap(b.Returns, a.Returns, stats.Resampling{})
	return s, err
}

// sumUp makes the intervals of t from returns that are pairs: means of seeds, or episodes of one.
func (t *Transfer) sumUp(ours, theirs, fine []float64) (err error) {
	pairs := make([]float64, len(ours))
	for i := range pairs {
		pairs[i] = float64(i)
	}
	// kept makes the ratio of the means of the drawn pairs.
	kept := func(theirs []float64) stats.Statistic {
		return func(drawn stats.Scores) float64 {
			var x, y float64
			for _, i := range drawn[0] {
				x, y = x+ours[int(i)], y+theirs[int(i)]
			}
			return y / x
		}
	}
	for _, x := range []struct {
		dst    *stats.Interval
		scores []float64
		f      stats.Statistic
	}{
		{&t.Return, ours, stats.Mean}, {&t.Box2D, theirs, stats.Mean}, {&t.Fine, fine, stats.Mean},
		{&t.Kept, pairs, kept(theirs)}, {&t.KeptFine, pairs, kept(fine)},
	} {
		if *x.dst, err = stats.Bootstrap(stats.Scores{x.scores}, x.f, stats.Resampling{}); err != nil {
			return err
		}
	}
	if t.Difference, err = stats.PairedBootstrap(theirs, ours, stats.Resampling{}); err != nil {
		return err
	}
	// A return of 0 or less cannot be kept in part.
	if !(t.Return.Lo > 0) {
		return fmt.Errorf("its return is %.1f [%.1f, %.1f], of which no part can be kept: want a run that has learned its task", t.Return.Value, t.Return.Lo, t.Return.Hi)
	}
	t.Passed = t.Kept.Value >= keptShare
	return nil
}

func printTransfers(w io.Writer, rows []*Transfer, asJSON bool) error {
	if asJSON {
		passed := true
		for _, r := range rows {
			passed = passed && r.Passed
			if err := printJSON(w, r); err != nil {
				return err
			}
		}
		return printJSON(w, map[string]any{"summary": map[string]any{"runs": len(rows), "passed": passed}})
	}
	for _, r := range rows {
		verdict := "PASS"
		if !r.Passed {
			verdict = "FAIL"
		}
		n := len(r.Seeds[0].Returns[0])
		fmt.Fprintf(w, "%s on %s, %s, %d pairs of episodes each\n", r.Experiment, r.Env, plural(len(r.Seeds), "seed"), n)
		t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
		fmt.Fprintln(t, "seed\treturn\tin Box2D\tdifference of pairs\tsolved\tsteps\twith fine steps")
		for _, s := range r.Seeds {
			fmt.Fprintf(t, "%d\t%.1f\t%.1f\t%+.1f [%+.1f, %+.1f]\t%d / %d\t%.0f / %.0f\t%.1f\n",
				s.Seed, s.Return, s.Box2D, s.Difference.Value, s.Difference.Lo, s.Difference.Hi, s.Solved[0], s.Solved[1], s.Lengths[0], s.Lengths[1], s.Fine)
		}
		if err := t.Flush(); err != nil {
			return err
		}
		fmt.Fprintf(w, "mean %s, in Box2D %s, difference %s\nkept %s %%: %s (want at least %.0f %%); with steps of a quarter of the size %s %%\n\n",
			spread(r.Return), spread(r.Box2D), spread(r.Difference), spread(percent(r.Kept)), verdict, 100*keptShare, spread(percent(r.KeptFine)))
	}
	return nil
}

func percent(i stats.Interval) stats.Interval {
	return stats.Interval{Value: 100 * i.Value, Lo: 100 * i.Lo, Hi: 100 * i.Hi}
}

// spread prints a value and its interval.
func spread(i stats.Interval) string { return fmt.Sprintf("%.1f [%.1f, %.1f]", i.Value, i.Lo, i.Hi) }
