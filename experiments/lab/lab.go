// Package lab is the terrarium program as a library: it reads experiments, trains agents,
// resumes and verifies runs, and evaluates what was learned.
//
// A program with more environments, agents or rewards than the standard ones is a main of ten
// lines: import the packages that register them, and call [Main].
//
//	import (
//		"github.com/terrarium-rl/terrarium/experiments/lab"
//		_ "github.com/terrarium-rl/terrarium/experiments/standard"
//		_ "example.org/my/reward"
//	)
//
//	func main() { lab.Main() }
//
// A run is a function of the program, the [Config] and the seeds. Each seed trains in a folder
// of its own, DIR/seed-<n>; whatever interrupts it, resume continues it to the same bytes.
//
// # Files
//
// The folder of a run holds
//
//	config.yaml            the experiment with every default written out; itself an experiment
//	provenance.json        program, modules, machine, kernel, command line, resumptions
//	report.html            curves, films, how to repeat it
//	seed-<n>/
//	  metrics.jsonl        the learning curve, one flat object a line; no wall-clock figures
//	  timing.jsonl         seconds and speed at the same steps
//	  events.out.tfevents* both, for TensorBoard
//	  checkpoints/         the newest few, and the best by the mean return of recent episodes
//	  replays/             recorded episodes, see package env/traj
//	  eval.json            the evaluation: return, length, level and difficulty of each episode
//	  reward-<term>/       questions of that term to people, and their answers; see rewards/label
//	  done                 written last: the seed is finished
//
// A quality-diversity search, an experiment with a section qd, has no agent. Its steps are
// evaluations of policies, its rows coverage, qd_score, best and mean objective, elites and
// transitions, and its seeds also have
//
//	archive.parquet        the elites, see package qd/qdfile
//
// What is evaluated at the end, recorded and filmed is the policy of the greatest objective.
//
// Steps count transitions: each agent of each world counts one. Means of training are over the
// last 100 episodes that ended. A Row has
//
//	return_mean, _min, _max   of the task's own reward, whatever the agent learned from
//	trained_return_mean       of the reward that the agent learned from
//	bonus/mean                of the bonus of a step, which the rows above do not include
//	bonus/<name>/<metric>     of each bonus that the expression combines
//	reward/<term>             of each term of that reward, its weight included
//	length_mean, episodes     steps of an episode; episodes ended so far
//	others                    what the agent reports, averaged since the last row
package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/terrarium-rl/terrarium/env/registry"
)

// Exit codes of the program.
const (
	exitDone        = 0   // all was well
	exitFailed      = 1   // a check failed
	exitInput       = 2   // the user's input was wrong
	exitLacking     = 3   // the environment lacks something: a file, disk space, the device of an engine
	exitInterrupted = 130 // interrupted; the state is saved
)

// commands makes the commands of the program. Files of this package append to it in init.
var commands []func() *cobra.Command

// Main runs the program with the arguments of the process, and exits.
func Main() { os.Exit(Run(os.Args[1:])) }

// Run runs the program with the given arguments and returns its exit code.
func Run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the program at once
	}()
	root := rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var missing *MissingError
	if errors.As(err, &missing) {
		err = missing.goOn(ctx, args)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "terrarium:", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return exitCode(err)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "terrarium",
		Short: "Train agents in procedurally generated 2D physics worlds",
		Long: `Terrarium trains agents in procedurally generated 2D physics worlds.

  terrarium run lander          train the agent of the experiment "lander"
  terrarium list experiments    what else there is
  terrarium doctor              what this machine offers`,
		Args:              knownCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if bad := new(pflag.InvalidValueError); errors.As(err, &bad) && flagValues[bad.GetFlag().Value.Type()] != "" {
			return fmt.Errorf("--%s is %q: want %s", bad.GetFlag().Name, bad.GetValue(), flagValues[bad.GetFlag().Value.Type()])
		}
		if bad := new(pflag.NotExistError); errors.As(err, &bad) && strings.ContainsAny(bad.GetSpecifiedShortnames(), " *+(") {
			return fmt.Errorf("-%s is taken for flags: put an expression that begins with - in brackets, as in \"(-%[1]s)\"", bad.GetSpecifiedShortnames())
		}
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	for _, c := range commands {
		root.AddCommand(c())
	}
	return root
}

// flagValues says what values flags take, by the name that pflag has for their type.
var flagValues = map[string]string{
	"int": "a whole number", "int64": "a whole number", "uint64": "a whole number, 0 or more", "uint32": "a whole number, 0 or more",
	"float32": "a number", "float64": "a number", "bool": "true or false", "duration": "a time such as 90s or 1h30m",
}

// An exitError is an error that says how the program ends.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// failed marks err as a failed check.
func failed(err error) error { return &exitError{exitFailed, err} }

// lacking marks err as something that the environment lacks.
func lacking(err error) error { return &exitError{exitLacking, err} }

// interrupted marks err as the end of a run whose state is saved.
func interrupted(err error) error { return &exitError{exitInterrupted, err} }

// exitCode returns the exit code of the program that ends with err. Trouble with files is the
// environment's; every other unmarked error is about what the user asked for.
func exitCode(err error) int {
	var marked *exitError
	var path *fs.PathError
	var errno syscall.Errno
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &marked):
		return marked.code
	case errors.As(err, &path), errors.As(err, &errno):
		return exitLacking
	}
	return exitInput
}

// knownCommand is the cobra.PositionalArgs of a command that only has commands below it: an
// argument is one that it does not know.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	of := ""
	if cmd.HasParent() {
		of = " of " + cmd.Name()
	}
	return fmt.Errorf("unknown command %q%s%s", args[0], of, registry.Suggest(args[0], names))
}
