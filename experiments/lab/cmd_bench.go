package lab

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
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
                of it happens there. Measured only if asked for
  bonus/NAME    PPO in maze-v0 with each bonus; ratios are to the same without
  render/...    pictures of lander-v0, an observation of 32 pixels a side, and a film of ten seconds
  reward/NAME   whole runs of lander with rewards that learn; ratios are to the task's own
  nn/...        the network 24-64-64-4: acting on a batch, and learning from a minibatch
  qd/...        insertions into archives, novelty, and CMA-MAE on the sphere

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
			progress := func(round int) {
				if !asJSON {
					fmt.Fprintf(cmd.ErrOrStderr(), "\rround %d of %d", round, rounds)
				}
			}
			rows, err := runBenches(bs, BenchPlan{rounds, time.Duration(millis) * time.Millisecond}, progress)
			if err != nil {
				return err
			}
			if !asJSON {
				fmt.Fprint(cmd.ErrOrStderr(), "\r                    \r")
			}
			return printBench(cmd.OutOrStdout(), rows, asJSON)
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

func printBench(w io.Writer, rows []BenchRow, asJSON bool) error {
	device := engineDevice()
	if asJSON {
		for _, r := range rows {
			if err := printJSON(w, r); err != nil {
				return err
			}
		}
		return printJSON(w, map[string]any{"summary": map[string]any{"benchmarks": len(rows), "cpu": cpuModel(), "device": device, "version": programVersion()}})
	}
	if device != "" {
		fmt.Fprintln(w, "device:", device)
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "name\tengine\tworlds\tworkers\tmedian\tof rounds\tratio\t  measures\n")
	for _, r := range rows {
		ratio, measures := "", strings.ReplaceAll(r.Metric, "_", " ")
		if r.Ratio != 0 {
			ratio = fmt.Sprintf("%.2fx", r.Ratio)
			vs, metric, _ := strings.Cut(r.Vs, " ")
			if measures += "; ratio to " + vs; metric != r.Metric {
				measures += ", " + strings.ReplaceAll(metric, "_", " ")
			}
		}
		if r.LeftOut != "" {
			fmt.Fprintf(t, "%s\t%s\t%d\t%d\t-\t-\t-\t  %s: left out: %s\n", r.Name, r.Engine, r.Worlds, r.Workers, r.Metric, r.LeftOut)
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%s-%s\t%s\t  %s\n", r.Name, r.Engine, r.Worlds, r.Workers,
			short(r.Value), short(r.Lo), short(r.Hi), ratio, measures)
	}
	return t.Flush()
}

// short prints a figure with three digits.
func short(v float64) string {
	scaled, prefix := humanize.ComputeSI(v)
	if v < 1000 {
		scaled, prefix = v, ""
	}
	return fmt.Sprintf("%.3g%s", scaled, prefix)
}
