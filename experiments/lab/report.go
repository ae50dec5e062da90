package lab

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/experiments/stats"
)

func init() { commands = append(commands, reportCommand) }

const reportFile = "report.html"

func reportCommand() *cobra.Command {
	var out, viewer string
	c := &cobra.Command{
		Use:   "report DIR...",
		Short: "Write one page about runs: result, curves, films, origin",
		Long: `Write a page about one run, or one that compares several, finished or not. It is a single
HTML file that needs nothing else, no network either. With --viewer it holds the viewer too, as make
wasm builds it, and recorded evaluations to play in it: 7 to 9 MB.`,
		Example: `  terrarium report runs/lander
  terrarium report runs/lander --viewer bin/web
  terrarium report runs/lander runs/lander-without-normalisation -o comparison.html`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if out == "" {
				out = filepath.Join(dirs[0], reportFile)
			}
			if err := writeReportWith(dirs, out, viewer); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "report in", out)
			return nil
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "file to write (default DIR/report.html of the first run)")
	c.Flags().StringVar(&viewer, "viewer", "", "folder of the viewer for browsers, such as bin/web, to put into the page")
	return c
}

// writeReport writes a page about the runs in dirs to the file called out.
func writeReport(dirs []string, out string) error { return writeReportWith(dirs, out, "") }

// writeReportWith puts the viewer for browsers into the page, if its folder is given.
func writeReportWith(dirs []string, out, viewer string) error {
	runs := make([]*runRecord, len(dirs))
	for i, dir := range dirs {
		var err error
		if runs[i], err = readRun(dir); err != nil {
			return err
		}
	}
	nameRuns(runs)
	page, err := renderReport(runs, viewer)
	if err != nil {
		return err
	}
	write := writeFileAtomic
	if info, err := os.Stat(out); err == nil && !info.Mode().IsRegular() {
		// A device or a pipe, such as /dev/stdout, is written to, not replaced by a file.
		write = func(path string, data []byte) error { return os.WriteFile(path, data, 0o644) }
	}
	if err := write(out, page); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// A runRecord is what the folder of a run tells, whether the run is finished or not.
type runRecord struct {
	Dir        string
	Name       string // distinct among the runs of a report
	Config     string // text of config.yaml
	Plan       *Plan  // nil if this program cannot run the config
	PlanErr    error  // why
	Provenance *Provenance
	Seeds      []*seedRecord
	Overall    *Aggregate // of the evaluations there are; nil without
	Warnings   []string   // about files that could not be read
}

// A seedRecord is what the folder of a seed tells.
type seedRecord struct {
	Seed      uint64
	Done      bool
	Steps     int64 // made
	Seconds   float64
	PerSecond float64  // steps a second, overall
	QD        *QDStats // of a quality-diversity search that is done
	Solved    int64    // step at which the task counted as solved; 0 if it never did
	Curve     curve
	Eval      *Evaluation     // nil without
	Mean      *stats.Interval // of the evaluation's returns
}

// A curve holds the columns of metrics.jsonl by name, NaN where a row has no value.
type curve struct {
	steps   []float64
	columns map[string][]float64
}

// readRun reads the folder of a run. Only a folder that holds no run, or one of a newer program,
// is an error.
func readRun(dir string) (*runRecord, error) {
	r := &runRecord{Dir: filepath.Clean(dir)}
	text, err := os.ReadFile(filepath.Join(dir, configFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no run: it has no %s", dir, configFile)
	}
	if err != nil {
		return nil, err
	}
	r.Config = string(text)
	r.Plan, r.PlanErr = ParsePlan(filepath.Join(dir, configFile), text, nil)
	var newer *newerError
	if errors.As(r.PlanErr, &newer) {
		return nil, r.PlanErr
	}
	if r.Provenance, err = readProvenance(dir); err != nil {
		r.warn(err)
	}
	if r.Seeds, err = r.readSeeds(); err != nil {
		return nil, err
	}
	var evals []*Evaluation
	for _, s := range r.Seeds {
		if s.Eval != nil {
			evals = append(evals, s.Eval)
		}
	}
	if len(evals) > 0 {
		if r.Overall, err = aggregate(evals); err != nil {
			r.warn(err)
		}
	}
	return r, nil
}

func (r *runRecord) warn(err error) { r.Warnings = append(r.Warnings, err.Error()) }

// readSeeds reads the seeds that the config asks for, and those that have a folder.
func (r *runRecord) readSeeds() (out []*seedRecord, err error) {
	var seeds []uint64
	if r.Plan != nil {
		seeds = slices.Clone(r.Plan.Seeds)
	}
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		text, ok := strings.CutPrefix(e.Name(), "seed-")
		seed, err := strconv.ParseUint(text, 10, 64)
		if ok && err == nil && e.IsDir() && !slices.Contains(seeds, seed) {
			seeds = append(seeds, seed)
		}
	}
	slices.Sort(seeds)
	for _, seed := range seeds {
		out = append(out, r.readSeed(seed))
	}
	return out, nil
}

func (r *runRecord) readSeed(seed uint64) *seedRecord {
	s, dir := &seedRecord{Seed: seed}, SeedDir(r.Dir, seed)
	optional := func(err error) bool {
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			r.warn(err)
		}
		return err == nil
	}
	var err error
	s.Curve, err = readCurve(filepath.Join(dir, metricsFile))
	optional(err)
	if n := len(s.Curve.steps); n > 0 {
		s.Steps = int64(s.Curve.steps[n-1])
	}
	if timing, err := readCurve(filepath.Join(dir, timingFile)); optional(err) {
		s.Seconds = last(timing.columns["seconds"])
	}
	var done SeedResult
	if optional(readJSON(filepath.Join(dir, doneFile), &done)) {
		s.Done, s.Steps, s.Seconds, s.Solved, s.QD = true, done.Steps, done.Seconds, done.Solved, done.QD
	}
	if s.Seconds > 0 {
		s.PerSecond = float64(s.Steps) / s.Seconds
	}
	var e Evaluation
	if optional(readJSON(filepath.Join(dir, evalFile), &e)) && len(e.Returns) > 0 {
		ci, err := stats.Bootstrap(stats.Scores{e.Returns}, stats.Mean, stats.Resampling{Reps: 4000})
		if optional(err) {
			s.Eval, s.Mean = &e, &ci
		}
	}
	return s
}

func last(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	return x[len(x)-1]
}

// readCurve reads a file of flat JSON objects, one a line, each with a step. A last line that
// is still being written is left out.
func readCurve(path string) (curve, error) {
	c := curve{columns: map[string][]float64{}}
	text, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	var bad error
	for n := 1; lines.Scan(); n++ {
		if bad != nil {
			return c, bad
		}
		var row map[string]*float64
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil || row["step"] == nil {
			bad = fmt.Errorf("%s:%d: not an object of numbers with a step", path, n)
			continue
		}
		c.append(row)
	}
	return c, lines.Err()
}

func (c *curve) append(row map[string]*float64) {
	n := len(c.steps)
	c.steps = append(c.steps, *row["step"])
	for name, v := range row {
		if name == "step" {
			continue
		}
		col := c.columns[name]
		for len(col) < n {
			col = append(col, math.NaN())
		}
		if v == nil {
			col = append(col, math.NaN())
		} else {
			col = append(col, *v)
		}
		c.columns[name] = col
	}
	for name, col := range c.columns {
		if len(col) == n {
			c.columns[name] = append(col, math.NaN())
		}
	}
}

// at returns column name at a step, between its neighbours on a line; NaN outside.
func (c *curve) at(name string, step float64) float64 {
	col := c.columns[name]
	i, exact := slices.BinarySearch(c.steps, step)
	switch {
	case col == nil || i == len(c.steps):
		return math.NaN()
	case exact:
		return col[i]
	case i == 0:
		return math.NaN()
	}
	f := (step - c.steps[i-1]) / (c.steps[i] - c.steps[i-1])
	return col[i-1] + f*(col[i]-col[i-1])
}

// nameRuns gives the runs distinct names: those of their experiments if they differ, or else
// those of their folders.
func nameRuns(runs []*runRecord) {
	for _, by := range []func(r *runRecord) string{
		func(r *runRecord) string {
			if r.Plan != nil {
				return r.Plan.Name
			}
			return filepath.Base(r.Dir)
		},
		func(r *runRecord) string { return filepath.Base(r.Dir) },
		func(r *runRecord) string { return r.Dir },
	} {
		seen := map[string]bool{}
		for _, r := range runs {
			r.Name = by(r)
			seen[r.Name] = true
		}
		if len(seen) == len(runs) {
			return
		}
	}
}
