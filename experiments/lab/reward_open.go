package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/experiments/configs"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/subprocess"
)

func init() { rewardCommands = append(rewardCommands, rewardServeCommand) }

// rewardHelp says how rewards are named on the command line.
const rewardHelp = `A reward is one of
  NAME                a registered reward with its default options
  FILE.yaml, DIR      the reward of an experiment, or of a run, as far as that has learned it
  EXPERIMENT          the reward of an experiment that comes with the program
  MODULE:NAME         a reward of a Go module, such as example.com/me/rw@v0.2.0:smooth, ./rw:smooth
  EXPRESSION          such as "2*progress - 0.1*energy"; see terrarium describe reward program
  exec:COMMAND        a program that speaks the protocol of rewards/subprocess`

// openReward builds the named reward for an environment. The error is a *MissingError if the
// program lacks its module.
func openReward(name string, s *env.Spec) (rewards.Func, error) {
	p, err := rewardPlan(name, s)
	if err != nil {
		return nil, err
	}
	p.Spec = s
	f, err := p.buildReward()
	if err != nil {
		return nil, fmt.Errorf("reward %s: %w", name, err)
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		if err := loadReward(f, p, name); err != nil {
			return nil, fmt.Errorf("reward %s: %w", name, err)
		}
	}
	return f, nil
}

// loadReward gives a reward that learns the state that it has in the newest checkpoint of the
// run's first seed.
func loadReward(f *rewards.Sum, p *Plan, dir string) error {
	blank, err := f.AppendBinary(nil)
	if err != nil || len(blank) == 0 {
		return err // it does not learn
	}
	at := filepath.Join(SeedDir(dir, p.Seeds[0]), "checkpoints")
	c, err := newestCheckpoint(at)
	if err != nil {
		return err
	}
	if c == nil {
		return lacking(fmt.Errorf("%s has no checkpoint yet, and the reward learns while the run trains", at))
	}
	return f.UnmarshalBinary(c["reward"])
}

// rewardPlan returns a plan that has the named reward.
func rewardPlan(name string, s *env.Spec) (*Plan, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() && !strings.Contains(name, ":") {
		return OpenRun(name)
	}
	if ext := filepath.Ext(name); ext == ".yaml" || ext == ".yml" {
		return ReadPlan(name, nil)
	}
	if isExpression(name, s) {
		return ParsePlan("reward", fmt.Appendf(nil, "env: {name: %q}\nreward: %q\n", s.ID, name), nil)
	}
	if mod, reward, ok := cutLast(name, ":"); ok {
		text := fmt.Sprintf("env: {name: %q}\nreward: [{module: %q, name: %q}]\n", s.ID, mod, reward)
		return ParsePlan("reward", []byte(text), nil)
	}
	if slices.Contains(rewards.Names(), name) {
		return ParsePlan("reward", []byte(fmt.Sprintf("env: {name: %q}\nreward: [{name: %q}]\n", s.ID, name)), nil)
	}
	if slices.Contains(configs.Names(), name) {
		return ReadPlan(name, nil)
	}
	return nil, fmt.Errorf("unknown reward %q%s", name, registry.Suggest(name, slices.Concat(rewards.Names(), configs.Names())))
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// rewardOn returns the named reward for recorded transitions. One of a module that this program
// lacks, or has in another version, runs in a program of its own.
func rewardOn(ctx context.Context, name, recorded string, s *env.Spec) (f rewards.Func, done func() error, err error) {
	command, external := strings.CutPrefix(name, "exec:")
	if !external {
		f, err = openReward(name, s)
		var missing *MissingError
		if !errors.As(err, &missing) {
			return f, func() error { return nil }, err
		}
		path, err := missing.program(ctx)
		if err != nil {
			return nil, nil, err
		}
		p, err := subprocess.Start(ctx, s, subprocess.Options{Command: []string{path, "reward", "serve", name, "--on", recorded}})
		if err != nil {
			return nil, nil, err
		}
		return p.Func(), p.Close, nil
	}
	p, err := subprocess.Start(ctx, s, subprocess.Options{Command: strings.Fields(command)})
	if err != nil {
		return nil, nil, err
	}
	return p.Func(), p.Close, nil
}

// guarded calls f and returns what a reward panics with as an error.
func guarded(name string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = failed(fmt.Errorf("reward %s failed: %v", name, r))
		}
	}()
	return f()
}

func rewardServeCommand() *cobra.Command {
	var on string
	c := &cobra.Command{
		Use:   "serve REWARD --on RUN",
		Short: "Score transitions for another program, over standard input and output",
		Long: `Score transitions for another program, which sends them to standard input and gets scores
from standard output, by the protocol of rewards/subprocess. The environment is that of the
recorded episodes in RUN.

` + rewardHelp,
		Args: exactlyOne("a reward"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if on == "" {
				return errors.New("serve needs --on, a run with recorded episodes")
			}
			r, err := readRecording(on)
			if err != nil {
				return err
			}
			f, err := openReward(args[0], r.spec)
			if err != nil {
				return err
			}
			return subprocess.Serve(cmd.InOrStdin(), cmd.OutOrStdout(), r.spec, f)
		},
	}
	c.Flags().StringVar(&on, "on", "", "run, or replay file, whose environment it is")
	return c
}
