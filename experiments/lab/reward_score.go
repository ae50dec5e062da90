package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"gonum.org/v1/gonum/stat"

	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/eval"
)

func init() { rewardCommands = append(rewardCommands, rewardScoreCommand, rewardDiffCommand) }

func rewardScoreCommand() *cobra.Command {
	var with []string
	var asJSON bool
	var top int
	c := &cobra.Command{
		Use:   "score RUN --with REWARD...",
		Short: "Score recorded episodes with other rewards, and see how their ranks change",
		Long: `Score the recorded episodes of a run, or of a replay file, with other rewards. Replays hold the
facts of every transition, so nothing is simulated again. Kendall's tau says how much of the
order of episodes by the task's own reward is left: 1 all of it, -1 its reverse.

` + rewardHelp,
		Example: `  terrarium reward score runs/lander --with potential.yaml
  terrarium reward score runs/lander --with example.com/me/rw@v0.2.0:smooth --with fuel.yaml
  terrarium reward score runs/lander --with "exec:python3 my.py"`,
		Args: exactlyOne("the folder of a run, or a .replay file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(with) == 0 {
				return errors.New("score needs a reward: --with REWARD; see terrarium reward score --help")
			}
			r, err := readRecording(args[0])
			if err != nil {
				return err
			}
			s := &rescoring{Episodes: len(r.episodes), Steps: r.data.Rows.N}
			s.add("task", r.returns(r.task()))
			for _, name := range with {
				returns, err := rescore(cmd.Context(), name, args[0], r)
				if err != nil {
					return err
				}
				s.add(name, returns)
			}
			return s.print(cmd.OutOrStdout(), r, top, asJSON)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&with, "with", nil, "reward to score with, any number of times")
	f.IntVar(&top, "top", 10, "episodes to list, those whose rank changes most")
	f.BoolVar(&asJSON, "json", false, "print a JSON object a line, the last one a summary")
	return c
}

// rescore returns the return of each episode under a reward.
func rescore(ctx context.Context, name, path string, r *recording) (returns []float64, err error) {
	f, done, err := rewardOn(ctx, name, path, r.spec)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	var rows []float64
	err = guarded(name, func() error {
		rows, err = scoreInOrder(f, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.returns(rows), nil
}

// scoreInOrder scores all rows, in pieces that fit everywhere.
func scoreInOrder(f rewards.Func, r *recording) (rows []float64, err error) {
	piece, n := 4096, r.data.Rows.N
	if rewards.Follows(f) {
		piece = 1 // of one trajectory, whose steps come one after the other
	}
	for lo := 0; lo < n; lo += piece {
		b := r.data.Rows.Rows(lo, min(n, lo+piece))
		x, err := eval.Scores(f, &b)
		if err == nil && piece == 1 {
			err = rewards.Follow(f, make([]float32, 1), &b)
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, x...)
	}
	return rows, nil
}

// A rescoring is the outcome of reward score.
type rescoring struct {
	Episodes int             `json:"episodes"`
	Steps    int             `json:"steps"`
	Rewards  []rescoredUnder `json:"rewards"`
}

type rescoredUnder struct {
	Name    string    `json:"name"`
	Mean    float64   `json:"return_mean"`
	Std     float64   `json:"return_std"`
	Tau     jsonFloat `json:"kendall_tau"` // with the task's own; NaN with one episode
	Returns []float64 `json:"returns"`
	ranks   []int
}

func (s *rescoring) add(name string, returns []float64) {
	mean, std := stat.MeanStdDev(returns, nil)
	if len(returns) < 2 {
		std = 0
	}
	u := rescoredUnder{Name: name, Mean: mean, Std: std, Returns: returns, ranks: ranks(returns)}
	first := returns
	if len(s.Rewards) > 0 {
		first = s.Rewards[0].Returns
	}
	u.Tau = jsonFloat(kendall(first, returns))
	s.Rewards = append(s.Rewards, u)
}

// kendall returns Kendall's tau-b of two lists, which takes account of ties (Kendall, 1945); NaN
// if one of them is all ties.
func kendall(x, y []float64) float64 {
	var agree, xs, ys float64
	for i := range x {
		for j := range i {
			a, b := float64(cmp.Compare(x[i], x[j])), float64(cmp.Compare(y[i], y[j]))
			agree, xs, ys = agree+a*b, xs+a*a, ys+b*b
		}
	}
	return agree / math.Sqrt(xs*ys)
}

// ranks returns the rank of each number, 1 for the largest.
func ranks(x []float64) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(x[j], x[i]) })
	r := make([]int, len(x))
	for rank, i := range order {
		r[i] = rank + 1
	}
	return r
}

func (s *rescoring) print(w io.Writer, r *recording, top int, asJSON bool) error {
	if asJSON {
		for i := range r.episodes {
			row := map[string]any{"episode": r.name(i)}
			for _, u := range s.Rewards {
				row[u.Name] = u.Returns[i]
			}
			if err := printJSON(w, row); err != nil {
				return err
			}
		}
		return printJSON(w, map[string]any{"summary": s})
	}
	fmt.Fprintf(w, "%s, %s steps of %s, nothing simulated\n\n", plural(s.Episodes, "episode"), count(int64(s.Steps)), r.spec.ID)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "reward\tmean return\tstd\tKendall's tau with the task's")
	for _, u := range s.Rewards {
		fmt.Fprintf(t, "%s\t%.4g\t%.3g\t%.2f\n", u.Name, u.Mean, u.Std, float64(u.Tau))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	moved := make([]int, len(r.episodes))
	change := func(i int) (most int) {
		for _, u := range s.Rewards[1:] {
			most = max(most, abs(u.ranks[i]-s.Rewards[0].ranks[i]))
		}
		return most
	}
	for i := range moved {
		moved[i] = i
	}
	slices.SortStableFunc(moved, func(i, j int) int { return cmp.Compare(change(j), change(i)) })
	fmt.Fprint(t, "\nepisode\trank")
	for _, u := range s.Rewards[1:] {
		fmt.Fprintf(t, "\tunder %s", u.Name)
	}
	fmt.Fprintln(t)
	for _, i := range moved[:min(len(moved), max(0, top))] {
		fmt.Fprintf(t, "%s\t%d", r.name(i), s.Rewards[0].ranks[i])
		for _, u := range s.Rewards[1:] {
			fmt.Fprintf(t, "\t%d (%+d)", u.ranks[i], s.Rewards[0].ranks[i]-u.ranks[i])
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

func abs(x int) int { return max(x, -x) }

func rewardDiffCommand() *cobra.Command {
	var on string
	var gamma float64
	var asJSON bool
	c := &cobra.Command{
		Use:   "diff REWARD REWARD --on RUN",
		Short: "Tell how different two rewards are, beyond scale and shaping",
		Long: `Tell how different two rewards are on the transitions of recorded episodes: distances from 0,
the same but for a positive factor and potential shaping, which change no optimal policy, to 1,
the opposite. Unrelated rewards are about 0.71 apart. Intervals are of 95 %, by resampling
episodes.

  STARC  suits every reward (Skalse et al., ICLR 2024)
  EPIC   for rewards that read no facts: those of transitions that never happened are not known
         (Gleave et al., ICLR 2021)
  DARD   likewise, with a linear model of what follows (Wulfe et al., ICLR 2022)

` + rewardHelp,
		Example: `  terrarium reward diff task shaped.yaml --on runs/lander
  terrarium reward diff example.com/me/rw@v0.1.0:smooth example.com/me/rw@v0.2.0:smooth --on runs/lander`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("diff needs two rewards, and there are %d; see terrarium reward diff --help", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if on == "" {
				return errors.New("diff needs --on, a run with recorded episodes")
			}
			if !(gamma > 0 && gamma < 1) {
				return fmt.Errorf("--gamma is %v: want a number between 0 and 1", gamma)
			}
			r, err := readRecording(on)
			if err != nil {
				return err
			}
			d, err := diffRewards(cmd.Context(), args[0], args[1], on, r, gamma)
			if err != nil {
				return err
			}
			return d.print(cmd.OutOrStdout(), asJSON)
		},
	}
	f := c.Flags()
	f.StringVar(&on, "on", "", "run, or replay file, on whose transitions they are compared")
	f.Float64Var(&gamma, "gamma", 0.99, "discount factor")
	f.BoolVar(&asJSON, "json", false, "print a JSON object")
	return c
}

// A rewardDiff is the outcome of reward diff.
type rewardDiff struct {
	A        string         `json:"a"`
	B        string         `json:"b"`
	Episodes int            `json:"episodes"`
	Steps    int            `json:"steps"`
	STARC    eval.Distance  `json:"starc"`
	EPIC     *eval.Distance `json:"epic"` // nil if a reward reads facts
	DARD     *eval.Distance `json:"dard"`
	ModelR2  *float64       `json:"model_r2"` // of DARD's model
}

func diffRewards(ctx context.Context, a, b, on string, r *recording, gamma float64) (d *rewardDiff, err error) {
	d = &rewardDiff{A: a, B: b, Episodes: len(r.episodes), Steps: r.data.Rows.N}
	var fs [2]rewards.Func
	for i, name := range []string{a, b} {
		f, done, err2 := rewardOn(ctx, name, on, r.spec)
		if err2 != nil {
			return nil, err2
		}
		defer func() { err = errors.Join(err, done()) }()
		if rewards.Follows(f) {
			return nil, fmt.Errorf("%s remembers earlier steps: distances are of rewards of single transitions; reward score compares others", name)
		}
		fs[i] = f
	}
	o := eval.Options{Gamma: gamma}
	err = guarded(a+" or "+b, func() (err error) {
		if d.STARC, err = eval.STARC(fs[0], fs[1], r.data, o); err != nil {
			return err
		}
		epic, err := eval.EPIC(fs[0], fs[1], r.data, o)
		if errors.Is(err, eval.ErrFacts) {
			return nil
		}
		if err != nil {
			return err
		}
		d.EPIC = &epic
		model, err := eval.FitLinear(r.data)
		if err != nil {
			return err
		}
		dard, err := eval.DARD(fs[0], fs[1], r.data, model, o)
		d.DARD, d.ModelR2 = &dard, &model.R2
		return err
	})
	return d, err
}

func (d *rewardDiff) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return printJSON(w, d)
	}
	fmt.Fprintf(w, "%s and %s on %s, %s steps\n\n", d.A, d.B, plural(d.Episodes, "episode"), count(int64(d.Steps)))
	show := func(name string, x *eval.Distance, note string) {
		if x == nil {
			fmt.Fprintf(w, "%s   not defined: a reward reads facts\n", name)
			return
		}
		fmt.Fprintf(w, "%s   %.3f [%.3f, %.3f]%s\n", name, x.Value, x.Lo, x.Hi, note)
	}
	show("STARC", &d.STARC, "")
	show("EPIC ", d.EPIC, "")
	note := ""
	if d.ModelR2 != nil {
		note = fmt.Sprintf("   its linear model explains %.0f %% of what follows", 100**d.ModelR2)
	}
	show("DARD ", d.DARD, note)
	return nil
}
