package lab

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

func init() { rewardCommands = append(rewardCommands, rewardHeronCommand) }

// heronOptions are those of reward heron.
type heronOptions struct {
	on           string
	pairs, steps int
	seed         uint64
	list         bool
	json         bool
}

func rewardHeronCommand() *cobra.Command {
	o := heronOptions{pairs: 400, seed: 1}
	c := &cobra.Command{
		Use:   "heron EXPERIMENT --on RUN",
		Short: "See which level of a hierarchy decides between pieces of behaviour",
		Long: `Compare pieces of recorded episodes by the hierarchy of an experiment's reward "heron", or by the
prior of its reward "human", and tell which level decides how often, and how often each agrees with
the task's own reward. A hierarchy whose first level decides nearly all pairs, or none, is no
hierarchy: its margin or the order is wrong, and the exit code is 1.`,
		Example: `  terrarium reward heron my.yaml --on runs/lander
  terrarium reward heron runs/heron --on runs/heron --list`,
		Args: exactlyOne("an experiment, or a run, with the reward heron"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.on == "" {
				return errors.New("heron needs --on, a run with recorded episodes")
			}
			if o.pairs < 1 || o.pairs > 1_000_000 || o.steps < 0 {
				return fmt.Errorf("--pairs is %d and --steps %d: want 1 to 1000000, and 0 or more", o.pairs, o.steps)
			}
			return o.run(cmd.OutOrStdout(), args[0])
		},
	}
	f := c.Flags()
	f.StringVar(&o.on, "on", "", "run, or replay file, whose episodes are compared")
	f.IntVar(&o.pairs, "pairs", o.pairs, "pairs to compare")
	f.IntVar(&o.steps, "steps", o.steps, "steps of a piece (default those of the reward)")
	f.Uint64Var(&o.seed, "seed", o.seed, "of the choice of pairs")
	f.BoolVar(&o.list, "list", false, "list every pair, with the level that decided and by how much")
	f.BoolVar(&o.json, "json", false, "print a JSON object a line, the last one a summary")
	return c
}

// hierarchy is a heron of an experiment.
type hierarchy struct {
	order   []model.Factor
	segment int
}

// hierarchyOf finds the hierarchy in the reward of an experiment or a run.
func hierarchyOf(name string) (*hierarchy, error) {
	p, err := OpenRun(name)
	if err != nil {
		if p, err = ReadPlan(name, nil); err != nil {
			return nil, err
		}
	}
	for _, c := range p.rewards {
		switch c := c.(type) {
		case *model.Heron:
			return &hierarchy{c.Order, c.Segment}, nil
		case *model.Human:
			if len(c.Prior) > 0 {
				return &hierarchy{c.Prior, c.Segment}, nil
			}
		}
	}
	return nil, fmt.Errorf(`%s has neither the reward "heron" nor a prior in the reward "human"`, name)
}

// A decision is about a pair.
type decision struct {
	A       feedback.Segment `json:"a"`
	B       feedback.Segment `json:"b"`
	Level   int              `json:"level"` // from 1; 0 if none decides
	Name    string           `json:"name"`
	Better  string           `json:"better"` // a, b or neither
	By      float64          `json:"by"`
	TaskGap float64          `json:"task_gap"` // of the task's own reward, a less b
}

func (o *heronOptions) run(w io.Writer, name string) error {
	h, err := hierarchyOf(name)
	if err != nil {
		return err
	}
	r, err := readRecording(o.on)
	if err != nil {
		return err
	}
	levels, err := (&model.Heron{Order: h.order}).Levels(r.spec)
	if err != nil {
		return err
	}
	judge, err := label.NewHeron(levels, label.Soft)
	if err != nil {
		return err
	}
	if o.steps == 0 {
		o.steps = h.segment
	}
	look := new(label.Inspector)
	judge.Inspect = look
	ds, err := o.decide(judge, r)
	if err != nil {
		return fmt.Errorf("%s: %w", o.on, err)
	}
	for i := range ds {
		if ds[i].Level > 0 {
			ds[i].Name = levels[ds[i].Level-1].Name
		}
	}
	if err := o.print(w, ds, levels, look); err != nil {
		return err
	}
	if err := look.Err(); err != nil {
		return failed(err)
	}
	return nil
}

// decide compares pairs of pieces.
func (o *heronOptions) decide(judge *label.Heron, r *recording) ([]decision, error) {
	store := feedback.NewStore(feedback.ShapeOf(r.spec))
	rec := r.data.Rows
	obs, act, facts := store.Shape().Obs, store.Shape().Act, store.Shape().Facts
	for k, from := range r.data.Starts {
		to := rec.N
		if k+1 < len(r.data.Starts) {
			to = r.data.Starts[k+1]
		}
		t := &feedback.Trajectory{
			Level: rec.Level[from], End: rec.End[to-1], Act: rec.Act[from*act : to*act], Facts: rec.Facts[from*facts : to*facts], Reward: rec.Reward[from:to],
		}
		t.Obs = append(append(t.Obs, rec.Obs[from*obs:to*obs]...), rec.Next[(to-1)*obs:to*obs]...)
		if _, err := store.Add(t); err != nil {
			return nil, err
		}
	}
	qs, err := model.Candidates(store, o.pairs, o.steps, 0, rng.New(o.seed))
	if err != nil {
		return nil, err
	}
	var window []feedback.Segment
	for _, q := range qs {
		window = append(window, q.A, q.B)
	}
	if err := judge.Fit(store, window); err != nil {
		return nil, err
	}
	var out []decision
	teacher := &label.Teacher{}
	for _, q := range qs {
		rec, _, err := judge.Label(store, q)
		if err != nil {
			return nil, err
		}
		truth, _, err := teacher.Label(store, q)
		if err != nil {
			return nil, err
		}
		judge.Inspect.Check(&rec, truth.Label)
		d := decision{A: q.A, B: q.B, Level: int(rec.Level), Better: "neither", By: float64(rec.Strength), TaskGap: float64(truth.Strength)}
		if side, strict := rec.Prefers(); strict {
			d.Better = [2]string{"a", "b"}[side]
		}
		out = append(out, d)
	}
	return out, nil
}

func (o *heronOptions) print(w io.Writer, ds []decision, levels []label.Level, look *label.Inspector) error {
	if o.json {
		if o.list {
			for _, d := range ds {
				if err := printJSON(w, d); err != nil {
					return err
				}
			}
		}
		return printJSON(w, map[string]any{"summary": map[string]any{
			"pairs": look.Total(), "decided": look.Decided, "right": look.Right, "checked": look.Checked,
		}})
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	if o.list {
		fmt.Fprint(t, "a\tb\tlevel\tdecided by\tbetter\tby\ttask's reward, a less b\n")
		for _, d := range ds {
			fmt.Fprintf(t, "%016x:%d-%d\t%016x:%d-%d\t%d\t%s\t%s\t%.4g\t%.4g\n",
				d.A.Traj, d.A.From, d.A.To, d.B.Traj, d.B.From, d.B.To, d.Level, d.Name, d.Better, d.By, d.TaskGap)
		}
		fmt.Fprintln(t)
	}
	fmt.Fprintf(t, "level\tfactor\tdecides\tagrees with the task's reward\n")
	for l := 1; l <= len(levels); l++ {
		agrees := "-"
		if l < len(look.Checked) && look.Checked[l] > 0 {
			agrees = fmt.Sprintf("%.0f %% of %d", 100*float64(look.Right[l])/float64(look.Checked[l]), look.Checked[l])
		}
		fmt.Fprintf(t, "%d\t%s\t%.1f %%\t%s\n", l, levels[l-1].Name, 100*look.Share(l), agrees)
	}
	fmt.Fprintf(t, "\tnone\t%.1f %%\t-\n", 100*look.Share(0))
	return t.Flush()
}
