package lab

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/env/registry"
)

func init() { commands = append(commands, benchCommand) }

func benchCommand() *cobra.Command {
	var rounds, millis int
	var asJSON bool
	var engine string
	c := &cobra.Command{
		Use:   "bench [NAME...]",
		Short: "Measure speed and memory: medians and ratios of interleaved rounds",
		Long: `Measure speed and memory. Names select benchmarks by what they begin with, or by pattern:
env/lander-v0, train, nn/*. Figures "per core second" divide by the processor time of the whole
process; each is the median of several rounds, in which all benchmarks take turns.

  env/NAME      simulation only: random actions, resets, observations, facts, reward;
                on the classic levels of environments that have some
  policy/NAME   the same with a PPO policy that acts
  train/NAME    the training loop of the experiment that comes with the program
  memory/NAME   bytes of a world
  physics/...   the engines, on chains of capsules and in environments; other people's engines;
                one to 65,536 worlds; returning to a state (which -tags box2dcpp compares
                with C++ Box2D)
  rollout/NAME  rollouts of 16 steps in 64 worlds to as many as fit: simulation only, with a PPO
                policy, with training; on a device with --engine vulkan or vulkan:DEVICE, where all
                of it happens there. Measured only if asked for; rows come as they are done, and what
                has no room says so. A software device, which is slow, makes shorter rollouts of many
                worlds; so does one that cannot record 16 steps in one buffer
  bonus/NAME    PPO in maze-v0 with each bonus; ratios are to the same without
  render/...    pictures of lander-v0, an observation of 32 pixels a side, and a film of ten seconds
  reward/NAME   whole runs of lander with rewards that learn; ratios are to the task's own
  nn/...        the network 24-64-64-4: acting on a batch, and learning from a minibatch
  qd/...        insertions into archives, novelty, and CMA-MAE on the sphere; evaluations of random
                policies of each experiment qd-NAME, beside others and one at a time

terrarium bench sim2sim measures something else: what policies keep of their return in Box2D.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if rounds < 1 || millis < 1 {
				return fmt.Errorf("--rounds is %d and --millis %d: want at least 1", rounds, millis)
			}
			if engine != "" {
				if err := checkEngine(engine); err != nil {
					return fmt.Errorf("--engine: %w", err)
				}
				if _, err := useEngine(engine, nil, 0); err != nil {
					return fmt.Errorf("--engine: %w", err)
				}
			}
			bs, err := selectBenches(args)
			if err != nil {
				return err
			}
			out := &benchOutput{w: cmd.OutOrStdout(), json: asJSON}
			watch := newBenchWatch(cmd.Context(), cmd.ErrOrStderr(), len(bs)*rounds)
			plan := BenchPlan{Rounds: rounds, Time: time.Duration(millis) * time.Millisecond, Begin: watch.begin}
			plan.Done = func(rows []BenchRow) error {
				watch.erase()
				return out.add(rows)
			}
			err = runBenches(bs, plan)
			watch.erase()
			return errors.Join(err, out.end())
		},
	}
	f := c.Flags()
	f.IntVar(&rounds, "rounds", 5, "interleaved rounds")
	f.IntVar(&millis, "millis", 200, "processor time of one measurement, in milliseconds")
	f.BoolVar(&asJSON, "json", false, "print a JSON object a line, the last one a summary")
	f.StringVar(&engine, "engine", "", engineDoc)
	c.AddCommand(sim2simCommand())
	return c
}

// selectBenches returns the benchmarks that the names select, all without names, in order and
// with those that they are compared with.
func selectBenches(names []string) (selected []benchmark, err error) {
	var all []benchmark
	for _, group := range benches {
		bs, err := group()
		if err != nil {
			return nil, err
		}
		all = append(all, bs...)
	}
	if len(names) == 0 {
		return slices.DeleteFunc(all, func(b benchmark) bool { return b.asked }), nil
	}
	want := map[string]bool{}
	for _, name := range names {
		found := false
		for _, b := range all {
			matched, err := path.Match(name, b.name)
			if err != nil {
				return nil, fmt.Errorf("pattern %q: %w", name, err)
			}
			if matched || b.name == name || strings.HasPrefix(b.name, strings.TrimSuffix(name, "/")+"/") {
				want[b.key()], want[b.vs], found = true, true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("unknown benchmark %q%s", name, registry.Suggest(name, benchNames(all, name)))
		}
	}
	for _, b := range all {
		if want[b.key()] {
			selected = append(selected, b)
		}
	}
	return selected, nil
}

// benchNames returns the names that begin as an unknown one does, up to its slash, or all beginnings.
func benchNames(bs []benchmark, unknown string) (names []string) {
	group, _, _ := strings.Cut(unknown, "/")
	var groups []string
	for _, b := range bs {
		first, _, _ := strings.Cut(b.name, "/")
		if groups = append(groups, first+"/"); first == group {
			names = append(names, b.name)
		}
	}
	if names == nil {
		names = groups
		slices.Sort(names)
	}
	return slices.Compact(names)
}

// short prints a figure with three digits.
func short(v float64) string {
	scaled, prefix := humanize.ComputeSI(v)
	if v < 1000 {
		scaled, prefix = v, ""
	}
	return fmt.Sprintf("%.3g%s", scaled, prefix)
}
