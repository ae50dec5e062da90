package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/env"
)

func init() {
	commands = append(commands, runCommand, resumeCommand, evalCommand)
}

func runCommand() *cobra.Command {
	var (
		sets    []string
		seed    uint64
		seeds   int
		out     string
		engine  string
		workers int
		asJSON  bool
		replace bool
	)
	c := &cobra.Command{
		Use:   "run NAME|FILE",
		Short: "Train and evaluate an experiment",
		Long: `Train and evaluate an experiment: the name of one that comes with the program
(terrarium list experiments) or a YAML file (terrarium describe config).

Ctrl-C saves the state and ends; terrarium resume DIR goes on.`,
		Example: `  terrarium run lander
  terrarium run lander --seeds 10 --set agent.options.gamma=0.995
  terrarium run my.yaml --out runs/windy --set levels.preset=windy`,
		Args: exactlyOne("an experiment: a name or a YAML file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := ReadPlan(args[0], sets)
			if err != nil {
				return err
			}
			if err := p.override(cmd, seed, seeds, engine); err != nil {
				return err
			}
			if workers < 0 {
				return fmt.Errorf("--workers is %d: want 1 or more, or 0 for one a CPU", workers)
			}
			if err := p.Check(); err != nil {
				return err
			}
			line, err := p.useEngine()
			if err != nil {
				return err
			}
			for _, line := range p.unasked() {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning: "+line)
			}
			if out == "" {
				out = filepath.Join("runs", p.Name+time.Now().Format("-20060102-150405"))
			}
			if replace {
				if err := removeRun(out); err != nil {
					return err
				}
			}
			d := newDisplay(cmd.OutOrStdout(), p, asJSON)
			if !asJSON {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s on %s, %s %s, %d worlds, %s, into %s\n",
					p.Name, p.Agent.Name, p.Spec.ID, count(p.Steps), p.stepName(), p.Worlds, plural(len(p.Seeds), "seed"), out)
				fmt.Fprintln(cmd.OutOrStdout(), line)
				if p.asksPeople() {
					fmt.Fprintf(cmd.OutOrStdout(), "people are asked, and may answer while it trains: terrarium label %s\n", out)
				}
			}
			r, err := Train(cmd.Context(), p, out, Options{Workers: workers, Notify: d.notify, Program: os.Args, picked: env.Engine()})
			if err != nil {
				return err
			}
			if err := d.finish(r, writeReport([]string{r.Dir}, filepath.Join(r.Dir, reportFile))); err != nil || asJSON || !p.asksPeople() {
				return err
			}
			return printAnswered(cmd.OutOrStdout(), r.Dir)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&sets, "set", nil, "override a value of the experiment: path=value, any number of times")
	f.Uint64Var(&seed, "seed", 0, "first seed, instead of the experiment's")
	f.IntVar(&seeds, "seeds", 0, "number of seeds, counted up from the first")
	f.StringVarP(&out, "out", "o", "", "folder for the results (default runs/NAME-TIME)")
	f.StringVar(&engine, "engine", "", engineDoc)
	f.IntVar(&workers, "workers", 0, "goroutines (default one a CPU); results do not depend on it")
	f.BoolVar(&asJSON, "json", false, "print a JSON object a line, the last one a summary")
	f.BoolVar(&replace, "replace", false, "delete the run that the folder holds, if any")
	return c
}

// override carries out the flags that stand for values of the experiment.
func (p *Plan) override(cmd *cobra.Command, seed uint64, seeds int, engine string) error {
	if engine != "" {
		if err := checkEngine(engine); err != nil {
			return fmt.Errorf("--engine: %w", err)
		}
		p.Engine = engine
	}
	if !cmd.Flags().Changed("seed") {
		seed = p.Seeds[0]
	} else if !cmd.Flags().Changed("seeds") {
		seeds = 1
	}
	switch {
	case cmd.Flags().Changed("seeds") && (seeds < 1 || seeds > 10000):
		return fmt.Errorf("--seeds is %d: want 1 to 10000", seeds)
	case seeds == 0:
		return nil
	case seed+uint64(seeds) < seed:
		return fmt.Errorf("--seed is %d: too large for %s", seed, plural(seeds, "seed"))
	}
	p.Seeds = p.Seeds[:0:0]
	for i := range seeds {
		p.Seeds = append(p.Seeds, seed+uint64(i))
	}
	return nil
}

// removeRun deletes dir if it holds a run, and nothing else.
func removeRun(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range []string{configFile, provenanceFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("--replace: %s is not a run (it has no %s): delete it yourself if you mean to", dir, name)
		}
	}
	unlock, err := lockRun(dir)
	if err != nil {
		return fmt.Errorf("--replace: %w", err)
	}
	defer unlock()
	return os.RemoveAll(dir)
}

func resumeCommand() *cobra.Command {
	var workers int
	var engine string
	var asJSON, force bool
	c := &cobra.Command{
		Use:   "resume DIR",
		Short: "Go on with an interrupted run, to the same results",
		Long: `Go on with an interrupted run. Results are, byte for byte, those of a run that was never
interrupted, on another engine too (but for box2d). Seeds that are done are kept.`,
		Args: exactlyOne("the folder of a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if engine != "" {
				if err := checkEngine(engine); err != nil {
					return fmt.Errorf("--engine: %w", err)
				}
			}
			p, _, err := openToResume(args[0], engine, force)
			if err != nil {
				return err
			}
			d := newDisplay(cmd.OutOrStdout(), p, asJSON)
			line, err := p.useEngine()
			if err != nil {
				return err
			}
			if (engine != "" || p.ownEngine() != "") && !asJSON {
				fmt.Fprintln(cmd.OutOrStdout(), line)
			}
			if p.ownEngine() != "" {
				fmt.Fprintln(cmd.ErrOrStderr(), "note: "+p.ownEngine()+" cannot be saved in the middle of an episode: contacts begin anew, and results are not those of an uninterrupted run")
			}
			r, err := Resume(cmd.Context(), args[0], Options{Workers: workers, Notify: d.notify, Force: force, Engine: engine, picked: env.Engine()})
			if err != nil {
				return err
			}
			return d.finish(r, writeReport([]string{r.Dir}, filepath.Join(r.Dir, reportFile)))
		},
	}
	f := c.Flags()
	f.IntVar(&workers, "workers", 0, "goroutines (default one a CPU); results do not depend on it")
	f.BoolVar(&asJSON, "json", false, "print a JSON object a line, the last one a summary")
	f.BoolVar(&force, "force", false, "go on although the run began with another program, module or WebAssembly file")
	f.StringVar(&engine, "engine", "", engineDoc+" (default the run's)")
	return c
}

func evalCommand() *cobra.Command {
	var episodes, workers int
	var engine string
	var asJSON bool
	c := &cobra.Command{
		Use:   "eval DIR",
		Short: "Evaluate the trained agents of a run again",
		Long: `Evaluate the newest checkpoint of each seed of a run in fresh episodes of the experiment's
evaluation levels, with the actions it believes best. The run is left as it is.

With --engine box2d it acts in another physics, on the same levels; terrarium bench sim2sim
compares the two.`,
		Args: exactlyOne("the folder of a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := OpenRun(args[0])
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("episodes") {
				episodes = max(p.Eval.Episodes, 1)
			}
			if episodes < 1 || workers < 0 {
				return fmt.Errorf("--episodes is %d and --workers %d: want at least 1 and 0", episodes, workers)
			}
			if engine != "" {
				if err := checkEngine(engine); err != nil {
					return fmt.Errorf("--engine: %w", err)
				}
				p.Engine = engine
			}
			line, err := p.useEngine()
			if err != nil {
				return err
			}
			if engine != "" && !asJSON {
				fmt.Fprintln(cmd.OutOrStdout(), line)
			}
			return evalRun(cmd, p, args[0], episodes, workers, asJSON)
		},
	}
	f := c.Flags()
	f.IntVar(&episodes, "episodes", 0, "episodes a seed (default: as the experiment says)")
	f.StringVar(&engine, "engine", "", engineDoc+" (default the run's)")
	f.IntVar(&workers, "workers", 0, "goroutines (default one a CPU); results do not depend on it")
	f.BoolVar(&asJSON, "json", false, "print a JSON object a line, the last one a summary")
	return c
}

func evalRun(cmd *cobra.Command, p *Plan, dir string, episodes, workers int, asJSON bool) error {
	var evals []*Evaluation
	w := cmd.OutOrStdout()
	for _, seed := range p.Seeds {
		e, err := evalSeed(cmd, p, dir, seed, episodes, workers)
		if err != nil {
			return err
		}
		evals = append(evals, e)
		if asJSON {
			if err := printJSON(w, e); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "seed %-3d %s steps  return %.1f ± %.1f  (%.1f to %.1f, %d episodes)\n",
			seed, count(e.Steps), e.ReturnMean, e.ReturnStd, e.ReturnMin, e.ReturnMax, e.Episodes)
	}
	a, err := aggregate(evals)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, map[string]any{"summary": a})
	}
	fmt.Fprintf(w, "mean %.1f [%.1f, %.1f], interquartile mean %.1f [%.1f, %.1f]\n",
		a.Mean.Value, a.Mean.Lo, a.Mean.Hi, a.IQM.Value, a.IQM.Lo, a.IQM.Hi)
	return nil
}

func evalSeed(cmd *cobra.Command, p *Plan, dir string, seed uint64, episodes, workers int) (*Evaluation, error) {
	policy, steps, err := LoadPolicy(p, dir, seed, workers)
	if err != nil {
		return nil, err
	}
	e, err := evaluate(cmd.Context(), p, policy, seed, episodes, workers, "")
	if errors.Is(err, errInterrupted) {
		return nil, interrupted(errors.New("interrupted"))
	}
	if err != nil {
		return nil, err
	}
	e.Steps = steps
	return e, nil
}

// exactlyOne is a cobra.PositionalArgs that says what is missing.
func exactlyOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return fmt.Errorf("%s needs %s; see terrarium %s --help", cmd.Name(), what, cmd.Name())
		case len(args) > 1:
			return fmt.Errorf("%s takes one argument, %s, and there are %d: %q", cmd.Name(), what, len(args), args)
		}
		return nil
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
