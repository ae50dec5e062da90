package lab

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"gonum.org/v1/gonum/stat"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/scripted"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/eval"
	"github.com/terrarium-rl/terrarium/rewards/program"
)

func init() { rewardCommands = append(rewardCommands, rewardCheckCommand) }

func rewardCheckCommand() *cobra.Command {
	var sets []string
	var episodes int
	var asJSON bool
	c := &cobra.Command{
		Use:   "check EXPERIMENT",
		Short: "Look for ways in which a reward can be gamed",
		Long: `Play the environment of an experiment at random, by its scripted controller if it has one, and
standing still, score all of it with each term of the experiment's reward, and list what an agent
might exploit: pay for standing still, terms that grow without bound, terms that hinge on facts
which no play reached, terms that prefer random play to the controller. These are hints for
whoever wrote the reward, not proofs.`,
		Example: "  terrarium reward check experiment.yaml\n  terrarium reward check lander --json",
		Args:    exactlyOne("an experiment: a name or a YAML file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if episodes < 1 || episodes > 10000 {
				return fmt.Errorf("--episodes is %d: want 1 to 10000", episodes)
			}
			p, err := ReadPlan(args[0], sets)
			if err != nil {
				return err
			}
			r, err := checkBehaviour(p, episodes)
			if err != nil {
				return err
			}
			return r.print(cmd.OutOrStdout(), asJSON)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&sets, "set", nil, "override a value of the experiment: path=value, any number of times")
	f.IntVar(&episodes, "episodes", 32, "episodes that each policy plays")
	f.BoolVar(&asJSON, "json", false, "print a JSON object a line, the last one a summary")
	return c
}

// A behaviour is what reward check found.
type behaviour struct {
	Env   string         `json:"env"`
	Terms []termFindings `json:"terms"`
}

// termFindings is about a term of a reward.
type termFindings struct {
	Term      string         `json:"term"`
	Policies  []policyScore  `json:"policies"`
	Tau       jsonFloat      `json:"kendall_tau"` // of its returns with the task's own, over all episodes
	Reads     []eval.Reading `json:"reads"`
	Loopholes []string       `json:"loopholes"`
}

// policyScore is how a policy fares under a term, unweighted.
type policyScore struct {
	Policy string  `json:"policy"`
	Return float64 `json:"return_mean"`
	Step   float64 `json:"step_mean"`
	Task   float64 `json:"task_return_mean"`
}

// A sampled policy: its episodes, and some of its transitions.
type sampled struct {
	name  string
	task  []float64   // return of each episode
	terms [][]float64 // of each term, of each episode
	steps float64     // in all
	bad   []string    // of each term, a score that is not finite; or empty
	rows  []*env.Batch
}

const sampleEvery = 4 // steps between two batches that are kept

// still does nothing: zero, or what is nearest to it.
type still struct{ spec *env.Spec }

// Act writes the same action to every row.
func (s still) Act(b *env.Batch, _ rng.Key, _ bool) {
	w, col := env.Width(s.spec.Act), 0
	for _, f := range s.spec.Act {
		for range f.Len {
			x := float32(0)
			if f.Choices == 0 {
				x = min(max(0, f.Lo), f.Hi)
			}
			for i := range b.N {
				b.Act[i*w+col] = x
			}
			col++
		}
	}
}

// checkBehaviour plays and judges.
func checkBehaviour(p *Plan, episodes int) (*behaviour, error) {
	random, err := playerFor(p.Spec, "random", 1, min(episodes, p.Worlds))
	if err != nil {
		return nil, err
	}
	policies := map[string]agents.Policy{"random": random, "still": still{p.Spec}}
	if slices.Contains(scripted.Names(), p.Spec.ID) {
		if policies["scripted"], err = scripted.For(p.Spec); err != nil {
			return nil, err
		}
	}
	var all []*sampled
	for _, name := range []string{"still", "random", "scripted"} {
		if policies[name] == nil {
			continue
		}
		s, err := p.sample(name, policies[name], episodes)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	out := &behaviour{Env: p.Spec.ID}
	rows := joined(all)
	for i := range p.rewards {
		f, err := p.term(i)
		if err != nil {
			return nil, err
		}
		t := termFindings{Term: p.Reward[i].As}
		err = guarded(t.Term, func() error { t.Reads = eval.Readings(f, p.Spec, rows); return nil })
		if err != nil {
			return nil, err
		}
		var x, y []float64
		for _, s := range all {
			x, y = append(x, s.task...), append(y, s.terms[i]...)
			if s.bad[i] != "" {
				t.Loopholes = append(t.Loopholes, fmt.Sprintf("it is not finite in ordinary play (%s): %s", s.name, s.bad[i]))
			}
			mean := stat.Mean(s.terms[i], nil)
			t.Policies = append(t.Policies, policyScore{s.name, mean, mean * float64(len(s.task)) / s.steps, stat.Mean(s.task, nil)})
		}
		t.Tau = jsonFloat(kendall(x, y))
		t.judge(rows.N)
		if p, ok := f.(interface{ Doubts() []*program.Error }); ok {
			for _, d := range p.Doubts() {
				t.Loopholes = append(t.Loopholes, "it may not be finite: "+d.Error())
			}
		}
		if p, ok := f.(interface{ Oddities() []*program.Error }); ok {
			for _, d := range p.Oddities() {
				t.Loopholes = append(t.Loopholes, "is it meant? "+d.Error())
			}
		}
		out.Terms = append(out.Terms, t)
	}
	return out, nil
}

// term builds a term of the reward.
func (p *Plan) term(i int) (rewards.Func, error) {
	f, err := p.rewards[i].Build(p.Spec)
	if err != nil {
		return nil, p.at(fmt.Sprintf("reward.%d.options", i), err)
	}
	return f, nil
}

// sample plays episodes, equally many in each world.
func (p *Plan) sample(name string, policy agents.Policy, episodes int) (*sampled, error) {
	worlds := min(episodes, p.Worlds)
	each := (episodes + worlds - 1) / worlds
	v, err := env.NewVec(p.EnvConfig, env.VecOptions{Worlds: worlds, Levels: p.levels, Engine: p.ownEngine()})
	if err != nil {
		return nil, err
	}
	s := &sampled{name: name, terms: make([][]float64, len(p.rewards)), bad: make([]string, len(p.rewards))}
	fs := make([]rewards.Func, len(p.rewards))
	for i := range fs {
		if fs[i], err = p.term(i); err != nil {
			return nil, errors.Join(err, v.Close())
		}
	}
	err = guarded("of the experiment", func() error { return s.play(v, policy, fs, each) })
	return s, errors.Join(err, v.Close())
}

func (s *sampled) play(v env.Vec, policy agents.Policy, fs []rewards.Func, each int) error {
	v.Reset(1)
	b := env.NewBatch(v.Spec(), v.Len())
	ended, task, dst := make([]int, b.N), make([]float64, b.N), make([]float32, b.N)
	sums := make([][]float64, len(fs))
	for i := range sums {
		sums[i] = make([]float64, b.N)
	}
	for step, left := 0, each*b.N; left > 0 && step < longestPlay*each; step++ {
		if err := v.Observe(b); err != nil {
			return err
		}
		policy.Act(b, rng.New(1).Fold(uint64(step)), true)
		if err := v.Step(b); err != nil {
			return err
		}
		if step%sampleEvery == 0 && len(s.rows) < 64 || slices.Contains(b.End, env.Terminated) && len(s.rows) < 128 {
			s.rows = append(s.rows, cloneBatch(b))
		}
		for i, f := range fs {
			if err := rewards.Follow(f, dst, b); err != nil {
				return err
			}
			for r, x := range dst {
				if x-x != 0 {
					s.bad[i] = fmt.Sprint(x)
					x = 0
				}
				sums[i][r] += float64(x)
			}
		}
		for r := range ended {
			if ended[r] == each {
				for i := range sums {
					sums[i][r] = 0
				}
				continue
			}
			s.steps++
			task[r] += float64(b.Reward[r])
			if b.End[r] == env.Running {
				continue
			}
			s.task = append(s.task, task[r])
			task[r] = 0
			for i := range sums {
				s.terms[i] = append(s.terms[i], sums[i][r])
				sums[i][r] = 0
			}
			ended[r]++
			left--
		}
	}
	if len(s.task) == 0 {
		return fmt.Errorf("no episode of %s ends within %d steps", v.Spec().ID, longestPlay)
	}
	return nil
}

func cloneBatch(b *env.Batch) *env.Batch {
	c := *b
	for _, x := range []*[]float32{&c.Obs, &c.Act, &c.Next, &c.Facts, &c.Reward} {
		*x = slices.Clone(*x)
	}
	c.End, c.Level = slices.Clone(b.End), slices.Clone(b.Level)
	return &c
}

// joined puts the transitions of all policies into one batch.
func joined(all []*sampled) *env.Batch {
	out := &env.Batch{}
	for _, p := range all {
		for _, b := range p.rows {
			out.N += b.N
			out.Obs, out.Act, out.Next = append(out.Obs, b.Obs...), append(out.Act, b.Act...), append(out.Next, b.Next...)
			out.Facts, out.Reward = append(out.Facts, b.Facts...), append(out.Reward, b.Reward...)
			out.End, out.Level = append(out.End, b.End...), append(out.Level, b.Level...)
		}
	}
	return out
}

// judge lists what might be exploited.
func (t *termFindings) judge(rows int) {
	say := func(format string, args ...any) { t.Loopholes = append(t.Loopholes, fmt.Sprintf(format, args...)) }
	of := map[string]policyScore{}
	for _, p := range t.Policies {
		of[p.Policy] = p
	}
	stands, random := of["still"], of["random"]
	expert, known := of["scripted"]
	switch {
	case len(t.Reads) == 0 && allEqual(t.Policies):
		say("it is always the same: it depends on nothing that was tried")
	case known && stands.Return > expert.Return:
		say("standing still earns %.4g an episode, the scripted controller %.4g", stands.Return, expert.Return)
	case !known && stands.Return > random.Return && stands.Task <= random.Task:
		say("standing still earns %.4g an episode, random play %.4g, though the task is no better off", stands.Return, random.Return)
	case stands.Step > 0 && known && stands.Step >= expert.Step:
		say("standing still earns %.4g a step, the scripted controller %.4g: longer episodes pay", stands.Step, expert.Step)
	}
	if known && expert.Task > random.Task && expert.Return < random.Return {
		say("it prefers random play (%.4g) to the scripted controller (%.4g)", random.Return, expert.Return)
	}
	for _, r := range t.Reads {
		name := r.Part + " " + r.Name
		if r.Index > 0 {
			name += fmt.Sprintf("[%d]", r.Index)
		}
		switch {
		case !r.Finite:
			say("it is not finite where %s is large", name)
		case r.Growth > 1000 && r.Part != "task":
			say("it grows without bound in %s", name)
		}
		if r.Part == "fact" && r.Constant() {
			say("it depends on %s, which was %v in all %d transitions tried: nobody got there", name, r.Lo, rows)
		}
	}
}

func allEqual(p []policyScore) bool {
	return !slices.ContainsFunc(p, func(q policyScore) bool { return math.Abs(q.Step-p[0].Step) > 1e-9*math.Abs(p[0].Step) })
}

func (b *behaviour) print(w io.Writer, asJSON bool) error {
	found := 0
	for _, t := range b.Terms {
		found += len(t.Loopholes)
		if asJSON {
			if err := printJSON(w, t); err != nil {
				return err
			}
		}
	}
	if asJSON {
		return printJSON(w, map[string]any{"summary": map[string]any{"env": b.Env, "terms": len(b.Terms), "loopholes": found}})
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprint(t, "term\tpolicy\treturn\ta step\ttask's return\n")
	for _, f := range b.Terms {
		for i, p := range f.Policies {
			name := ""
			if i == 0 {
				name = f.Term
			}
			fmt.Fprintf(t, "%s\t%s\t%.4g\t%.4g\t%.4g\n", name, p.Policy, p.Return, p.Step, p.Task)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprint(t, "\nterm\ttau with the task\tpossible loophole\n")
	for _, f := range b.Terms {
		tau := fmt.Sprintf("%.2f", float64(f.Tau))
		for i, l := range f.Loopholes {
			if i > 0 {
				tau = ""
			}
			fmt.Fprintf(t, "%s\t%s\t%s\n", f.Term, tau, l)
		}
		if len(f.Loopholes) == 0 {
			fmt.Fprintf(t, "%s\t%s\t%s\n", f.Term, tau, "none found")
		}
	}
	return t.Flush()
}
