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

	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/experiments/web"
	"github.com/terrarium-rl/terrarium/experiments/web/compare"
	"github.com/terrarium-rl/terrarium/rewards/label"
)

func init() { commands = append(commands, labelCommand) }

// labelOptions are those of the command label.
type labelOptions struct {
	address string
	pairs   int
	seconds float64
	seed    uint64
	stats   bool
	json    bool
}

func labelCommand() *cobra.Command {
	o := labelOptions{address: "127.0.0.1:0", pairs: 100, seconds: 2, seed: 1}
	c := &cobra.Command{
		Use:   "label DIR",
		Short: "Ask people which of two pieces of behaviour is better, on a local web page",
		Long: `Ask people which of two pieces of behaviour is better, on a web page of this machine.

A run with the reward "human" puts questions into its folder while it trains, and learns from the
answers as they come; it does not wait for them. Of any other run, questions are drawn from its
recorded episodes. Both end in answers.feedback, a log that survives crashes, beside the questions.

The address that is printed holds a key: whoever has it may answer. Several people, each under a
name, may use it at the same time, in several browsers.`,
		Example: `  terrarium label runs/mine
  terrarium label runs/mine --stats
  ssh -L 8080:127.0.0.1:8080 host terrarium label runs/mine --address 127.0.0.1:8080`,
		Args: exactlyOne("the folder of a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout(), args[0])
		},
	}
	f := c.Flags()
	f.StringVar(&o.address, "address", o.address, "host and port of this machine; port 0 takes a free one")
	f.IntVar(&o.pairs, "pairs", o.pairs, "questions to draw from recorded episodes")
	f.Float64Var(&o.seconds, "seconds", o.seconds, "simulated time of the pieces that are drawn")
	f.Uint64Var(&o.seed, "seed", o.seed, "of the draw")
	f.BoolVar(&o.stats, "stats", false, "print progress, agreement and problems, and end")
	f.BoolVar(&o.json, "json", false, "with --stats: print a JSON object")
	return c
}

func (o *labelOptions) run(ctx context.Context, w io.Writer, dir string) (err error) {
	if o.pairs < 1 || o.pairs > 100_000 || !(o.seconds > 0 && o.seconds <= 600) {
		return fmt.Errorf("--pairs is %d and --seconds %v: want 1 to 100000, and above 0 to 600", o.pairs, o.seconds)
	}
	desks, err := o.desks(dir)
	if err != nil {
		return err
	}
	if o.stats {
		p, err := compare.ReadPage(desks)
		if err != nil {
			return err
		}
		return printProgress(w, p, o.json)
	}
	p, closeDesks, err := openDesks(desks)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeDesks()) }()
	s, err := web.Listen(o.address)
	if err != nil {
		return err
	}
	if err := p.Mount(s); err != nil {
		return errors.Join(err, s.Close())
	}
	for _, line := range p.Torn() {
		fmt.Fprintln(w, line)
	}
	fmt.Fprintf(w, "open %s%s\nCtrl-C ends; every answer is saved when it is given.\n", s.URL(), compare.Path)
	return s.Serve(ctx)
}

// desks returns the desks of a run, and makes one of its recordings if it has none.
func (o *labelOptions) desks(dir string) ([]label.Desk, error) {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is a file: want the folder of a run", dir)
	}
	desks, err := desksOf(dir)
	if err == nil && len(desks) == 0 {
		return o.sample(dir)
	}
	return desks, err
}

// openDesks opens the page of some desks, on which no other program may then answer.
func openDesks(desks []label.Desk) (p *compare.Page, done func() error, err error) {
	var unlocks []func()
	unlock := func() {
		for _, f := range unlocks {
			f()
		}
	}
	for _, d := range desks {
		f, err := lockRun(d.Dir)
		if err != nil {
			unlock()
			return nil, nil, err
		}
		unlocks = append(unlocks, f)
	}
	if p, err = compare.NewPage(desks); err != nil {
		unlock()
		return nil, nil, err
	}
	return p, func() error {
		defer unlock()
		return p.Close()
	}, nil
}

// asksPeople tells whether a reward of the run learns from people.
func (p *Plan) asksPeople() bool {
	return slices.ContainsFunc(p.Reward, func(t RewardTerm) bool { return t.Name == "human" })
}

// printAnswered says how many of its questions a run had answers to when it ended.
func printAnswered(w io.Writer, dir string) error {
	desks, err := desksOf(dir)
	if err != nil || len(desks) == 0 {
		return err
	}
	page, err := compare.ReadPage(desks)
	if err != nil {
		return err
	}
	s, err := page.Progress()
	if err == nil {
		_, err = fmt.Fprintf(w, "%d of %s answered\n", s.Answered, plural(s.Questions, "question"))
	}
	return err
}

// labelsDir is the folder, in that of a run, of questions about recorded episodes.
const labelsDir = "labels"

// desksOf lists the desks of a run.
func desksOf(dir string) (desks []label.Desk, err error) {
	for _, pattern := range []string{"seed-*/reward-*", labelsDir} {
		found, err := filepath.Glob(filepath.Join(globEscape(dir), pattern, "questions.feedback"))
		if err != nil {
			return nil, err
		}
		slices.Sort(found)
		for _, path := range found {
			desks = append(desks, label.Desk{Dir: filepath.Dir(path)})
		}
	}
	return desks, nil
}

// sample draws questions from recorded episodes.
func (o *labelOptions) sample(dir string) ([]label.Desk, error) {
	files, err := replayFiles(dir)
	if err != nil {
		return nil, err
	}
	var eps []*traj.Episode
	for _, f := range files {
		ep, err := traj.Load(f)
		if err != nil {
			return nil, err
		}
		eps = append(eps, ep)
	}
	c, err := eps[0].Config()
	if err != nil {
		return nil, err
	}
	spec, err := c.Spec()
	if err != nil {
		return nil, err
	}
	d := label.Desk{Dir: filepath.Join(dir, labelsDir)}
	steps := max(1, int(o.seconds/float64(spec.Dt)+0.5))
	if err := compare.Sample(d, eps, o.pairs, steps, o.seed); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return []label.Desk{d}, nil
}

func printProgress(w io.Writer, p *compare.Page, asJSON bool) error {
	s, err := p.Progress()
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, s)
	}
	fmt.Fprintf(w, "%d of %s answered\n", s.Answered, plural(s.Questions, "question"))
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	if len(s.Annotators) > 0 {
		fmt.Fprint(t, "\nname\tleft\tright\tas good\tcan't tell\tskipped\tseconds, median\n")
	}
	for _, a := range s.Annotators {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%.1f\n", a.Name, a.Left, a.Right, a.Ties, a.CannotTell, a.Skipped, a.Seconds)
	}
	if len(s.Agreement) > 0 {
		fmt.Fprint(t, "\nboth\tanswered\tagree\tkappa\n")
	}
	for _, a := range s.Agreement {
		fmt.Fprintf(t, "%s, %s\t%d\t%.0f %%\t%.2f\n", a.A, a.B, a.Both, 100*a.Share, a.Kappa)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, text := range s.Problems {
		fmt.Fprintln(w, text)
	}
	return nil
}
