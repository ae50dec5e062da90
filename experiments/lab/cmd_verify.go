package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/traj"
)

func init() { commands = append(commands, verifyCommand) }

func verifyCommand() *cobra.Command {
	var workers int
	var engine string
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify DIR|FILE",
		Short: "Play the recorded episodes again and compare every number",
		Long: `Play the recorded episodes of a run again, many side by side, and compare observations,
facts, rewards and hashes of the state bit by bit. The first difference is named by file, step
and field, and the exit code is 1. Engine auto is the fastest of the processor's here: what a GPU makes of
them is tried only where it is named.`,
		Args: exactlyOne("the folder of a run, or a .replay file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkEngine(engine); err != nil {
				return fmt.Errorf("--engine: %w", err)
			}
			if slices.Contains(env.Others(), engine) {
				return fmt.Errorf("--engine: %s has results of its own: episodes recorded on it are played on it without being asked to; choose auto", engine)
			}
			if workers < 0 {
				return fmt.Errorf("--workers is %d: want 1 or more, or 0 for one a CPU", workers)
			}
			if err := verifyOn(cmd, engine, asJSON); err != nil {
				return err
			}
			v, err := Verify(args[0], workers)
			if err != nil {
				return err
			}
			if err := v.print(cmd, asJSON); err != nil {
				return err
			}
			if !v.Equal {
				return failed(fmt.Errorf("%s does not repeat: %s", v.First.File, v.First.Divergence))
			}
			return nil
		},
	}
	f := c.Flags()
	f.IntVar(&workers, "workers", 0, "goroutines (default one a CPU)")
	f.StringVar(&engine, "engine", "auto", engineDoc)
	f.BoolVar(&asJSON, "json", false, "print a JSON object")
	return c
}

// verifyOn chooses the engine that episodes are played on. A GPU, which may round otherwise, has to be named.
func verifyOn(cmd *cobra.Command, engine string, quiet bool) error {
	if kind, _, _ := strings.Cut(engine, ":"); !slices.Contains(env.Devices(), kind) {
		return env.SetEngine(engine)
	}
	line, err := useEngine(engine, nil, 0)
	if err == nil && !quiet {
		fmt.Fprintln(cmd.OutOrStdout(), line)
	}
	return err
}

// A Verification is the outcome of Verify.
type Verification struct {
	Equal    bool            `json:"equal"`
	Episodes int             `json:"episodes"`
	Steps    int64           `json:"steps"`
	First    *FileDivergence `json:"first_divergence"`
}

// A FileDivergence is the first place where a recording and its replay differ.
type FileDivergence struct {
	File string `json:"file"`
	*traj.Divergence
}

// Verify plays the recordings in path, a run or a file, and compares.
func Verify(path string, workers int) (*Verification, error) {
	files, err := replayFiles(path)
	if err != nil {
		return nil, err
	}
	eps := make([]*traj.Episode, len(files))
	for i, f := range files {
		if eps[i], err = traj.Load(f); err != nil {
			return nil, err
		}
	}
	v := &Verification{Episodes: len(eps)}
	var d *traj.Divergence
	if v.Steps, d, err = traj.Verify(eps, workers); err != nil {
		return nil, err
	}
	v.Equal = d == nil
	if d != nil {
		v.First = &FileDivergence{files[d.Episode], d}
	}
	return v, nil
}

// replayFiles lists the recordings of a run, or returns the one file.
func replayFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s does not exist: want the folder of a run", path)
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	if err := checkRunVersion(path); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(globEscape(path), "seed-*", "replays", "*.replay"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no recorded episodes: want the folder of a run that has begun", path)
	}
	slices.Sort(files)
	return files, nil
}

// checkRunVersion reports a run of a newer program, if the folder holds one. What else may be
// wrong with its experiment does not matter to recorded episodes.
func checkRunVersion(dir string) error {
	path := filepath.Join(dir, configFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	t, err := parseYAML(path, text)
	if err != nil || t.kind != mapping {
		return err
	}
	return checkVersion(t)
}

func (v *Verification) print(cmd *cobra.Command, asJSON bool) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), v)
	}
	if v.Equal {
		fmt.Fprintf(cmd.OutOrStdout(), "equal: %s, %s steps, every number the same\n", plural(v.Episodes, "episode"), count(v.Steps))
	}
	return nil
}
