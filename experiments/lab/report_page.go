package lab

import (
	"bytes"
	_ "embed" // for the template
	"fmt"
	"html/template"
	"math"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/stats"
	"github.com/terrarium-rl/terrarium/render/plot"
	"github.com/terrarium-rl/terrarium/render/replay"
	"github.com/terrarium-rl/terrarium/render/scene"
)

//go:embed report.html.tmpl
var reportText string

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"short": plot.Short, "f1": score,
	"interval": func(i stats.Interval) string { return score(i.Lo) + " to " + score(i.Hi) },
	"steps":    func(n int64) string { return plot.Short(float64(n)) },
	"time":     spell,
}).Parse(reportText))

// score writes a return.
func score(v float64) string { return replay.Number(v, 1) }

// spell writes seconds as people say them.
func spell(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case s < 10:
		return fmt.Sprintf("%.1f s", s)
	case s < 120:
		return fmt.Sprintf("%.0f s", s)
	case s < 2*3600:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// A reportPage is what the template shows.
type reportPage struct {
	Title   string
	Runs    []*runView
	Compare *compareView // nil for a single run
	Script  template.JS
	Viewer  template.JS // the viewer in the page; empty without
}

// A runView is a run as the template shows it.
type runView struct {
	*runRecord
	Verdict string // Solved, Not solved, Unfinished, or Finished
	Good    bool
	Summary string
	Facts   []fact
	Curve   template.HTML
	Returns template.HTML // of the evaluated episodes; empty without
	Maps    []mapView     // of the archives of a quality-diversity search
	Terms   []figureView
	Losses  []figureView
	Fixed   []fact // metrics that never changed
	Films   []filmView
	NoFilm  string // why there are none
	Command []string
	Origin  []fact
}

type fact struct{ Name, Value string }

type figureView struct {
	Name   string
	Figure template.HTML
}

// A filmView is an episode to watch.
type filmView struct {
	Title string
	Level string // hash and difficulty
	Reel  string
	Ratio float32
}

// A compareView compares runs.
type compareView struct {
	Curve   template.HTML
	Bars    template.HTML
	Returns template.HTML
	Rows    []compareRow
}

type compareRow struct {
	Name, Evaluated, IQM, Better string
}

// renderReport returns the page about runs. Where a folder of the viewer for browsers is given, the page
// holds it.
func renderReport(runs []*runRecord, viewer string) ([]byte, error) {
	p := &reportPage{}
	var names []string
	for _, r := range runs {
		v, err := viewRun(r, filmBytes/len(runs))
		if err != nil {
			return nil, fmt.Errorf("report on %s: %w", r.Dir, err)
		}
		p.Runs = append(p.Runs, v)
		names = append(names, r.Name)
	}
	p.Title = strings.Join(names, ", ")
	if len(runs) > 1 {
		var err error
		if p.Compare, err = compareRuns(runs); err != nil {
			return nil, err
		}
	}
	script, err := scene.Player()
	if err != nil {
		return nil, err
	}
	p.Script = template.JS(script)
	if viewer != "" {
		if p.Viewer, err = embedViewer(viewer, runs); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	if err := reportTemplate.Execute(&out, p); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return out.Bytes(), nil
}

func viewRun(r *runRecord, filmBytes int) (view *runView, err error) {
	view = &runView{runRecord: r}
	view.judge()
	view.Facts = view.facts()
	if view.Curve, err = curveFigure([]*runRecord{r}, "return_mean", "return", 0, 0); err != nil {
		return nil, err
	}
	if view.Returns, err = returnsFigure([]*runRecord{r}); err != nil {
		return nil, err
	}
	if view.Maps, err = r.maps(); err != nil {
		return nil, err
	}
	names := r.columnNames()
	small := func(name string) (figureView, error) {
		f, err := curveFigure([]*runRecord{r}, name, "", 234, 140)
		return figureView{name, f}, err
	}
	for _, name := range names {
		if v, fixed := r.constant(name); fixed {
			view.Fixed = append(view.Fixed, fact{name, plot.Short(v)})
			continue
		}
		f, err := small(name)
		if err != nil {
			return nil, err
		}
		if f.Figure == "" {
			continue
		}
		if term, ok := strings.CutPrefix(name, "reward/"); ok {
			f.Name = term
			view.Terms = append(view.Terms, f)
		} else if !slices.Contains(episodeColumns, name) {
			view.Losses = append(view.Losses, f)
		}
	}
	if view.Films, err = r.films(filmBytes); err != nil {
		view.NoFilm = err.Error()
	}
	view.Command = r.reproduce()
	view.Origin = r.origin()
	return view, nil
}

// constant returns the value of a metric that has only one in all seeds.
func (r *runRecord) constant(name string) (v float64, ok bool) {
	first := true
	for _, s := range r.Seeds {
		for _, x := range s.Curve.columns[name] {
			if first {
				v, first = x, false
			} else if x != v {
				return 0, false
			}
		}
	}
	return v, !first
}

// episodeColumns are the metrics about episodes, which the main figure and the table show.
var episodeColumns = []string{"episodes", "return_mean", "return_min", "return_max", "length_mean", "trained_return_mean"}

// columnNames lists the metrics of all seeds, sorted.
func (r *runRecord) columnNames() (names []string) {
	for _, s := range r.Seeds {
		for name := range s.Curve.columns {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	sort.Strings(names)
	return names
}

// judge says in one word and one sentence what came of the run.
func (v *runView) judge() {
	done := 0
	for _, s := range v.Seeds {
		if s.Done {
			done++
		}
	}
	goal := float32(0)
	if v.Plan != nil {
		goal = v.Plan.Spec.Solved
	}
	switch o := v.Overall; {
	case done < len(v.Seeds) || done == 0:
		v.Verdict = "Unfinished"
		v.Summary = fmt.Sprintf("%d of %s done.", done, plural(len(v.Seeds), "seed"))
	case goal == 0 || o == nil:
		v.Verdict = "Finished"
	case o.Mean.Lo >= float64(goal):
		v.Verdict, v.Good = "Solved", true
		v.Summary = fmt.Sprintf("The whole interval of the mean return is above the %s from which the task counts as solved.", score(float64(goal)))
	case o.Mean.Value >= float64(goal):
		v.Verdict, v.Good = "Solved", true
		v.Summary = fmt.Sprintf("The mean return is above the %s from which the task counts as solved, but its interval reaches below.", score(float64(goal)))
	default:
		v.Verdict = "Not solved"
		v.Summary = fmt.Sprintf("The mean return is below the %s from which the task counts as solved.", score(float64(goal)))
	}
}

// facts are the figures of the summary.
func (v *runView) facts() (out []fact) {
	add := func(name, value string) { out = append(out, fact{name, value}) }
	out = append(out, v.qdFacts()...)
	if o := v.Overall; o != nil {
		over := fmt.Sprintf("%d seeds", o.Seeds)
		if o.Seeds == 1 {
			over = "one seed's episodes"
		}
		add("mean return", score(o.Mean.Value))
		add("95 % interval over "+over, score(o.Mean.Lo)+" to "+score(o.Mean.Hi))
		if o.Seeds > 2 {
			add("interquartile mean", score(o.IQM.Value))
		}
	}
	var steps, seconds, perSecond, solved []float64
	for _, s := range v.Seeds {
		if s.Steps == 0 {
			continue
		}
		steps, seconds, perSecond = append(steps, float64(s.Steps)), append(seconds, s.Seconds), append(perSecond, s.PerSecond)
		if s.Solved > 0 {
			solved = append(solved, float64(s.Solved))
		}
	}
	if len(steps) == 0 {
		return out
	}
	unit := "steps"
	if v.Plan != nil {
		unit = v.Plan.stepName()
	}
	add(unit+" a seed", plot.Short(median(steps)))
	add("training time a seed", spell(median(seconds)))
	add(unit+" a second", plot.Short(math.Round(median(perSecond))))
	if len(solved) > 0 {
		add(fmt.Sprintf("steps until solved, median of %d", len(solved)), plot.Short(median(solved)))
	}
	return out
}

func median(x []float64) float64 { return stats.Summarize(x).Median }

// points is the number of steps at which curves are drawn.
const points = 160

// curveFigure draws a metric of runs against steps. The band spans the seeds. It is empty where
// no run has two values yet.
func curveFigure(runs []*runRecord, column, y string, width, height float64) (template.HTML, error) {
	f := plot.Figure{X: "steps", Y: y, Width: width, Height: height}
	if width == 0 {
		f.Width, f.Height = 620, 300
	}
	goal, enough := float32(0), false
	for _, r := range runs {
		s := seriesOf(r, column)
		enough = enough || drawable(s.Y)
		if len(runs) > 1 {
			s.Name = r.Name
		}
		f.Series = append(f.Series, s)
		if r.Plan != nil && column == "return_mean" {
			goal = r.Plan.Spec.Solved
		}
	}
	if !enough {
		return "", nil
	}
	if goal != 0 && width == 0 {
		f.Marks = []plot.Mark{{Name: "solved", Y: float64(goal)}}
	}
	if width != 0 {
		f.X = ""
	}
	s, err := f.HTML(strings.TrimPrefix(column, "reward/") + " against steps")
	return template.HTML(s), err
}

// seriesOf returns the mean of a metric over the seeds of r, and a band from the least to the
// greatest, at steps that all seeds have reached.
func seriesOf(r *runRecord, column string) (out plot.Series) {
	lo, hi, n := 0.0, math.Inf(1), 0
	for _, s := range r.Seeds {
		if len(s.Curve.steps) > 0 {
			lo, hi = max(lo, s.Curve.steps[0]), min(hi, last(s.Curve.steps))
			n++
		}
	}
	if n == 0 || lo > hi {
		return out
	}
	if slices.Contains(episodeColumns, column) || strings.HasPrefix(column, "reward/") {
		lo = r.fair(lo, hi)
	}
	for i := range points {
		x := lo + (hi-lo)*float64(i)/(points-1)
		sum, least, most := 0.0, math.Inf(1), math.Inf(-1)
		for _, s := range r.Seeds {
			if len(s.Curve.steps) > 0 {
				v := s.Curve.at(column, x)
				sum, least, most = sum+v, min(least, v), max(most, v)
			}
		}
		out.X, out.Y = append(out.X, x), append(out.Y, sum/float64(n))
		if n > 1 {
			out.Lo, out.Hi = append(out.Lo, least), append(out.Hi, most)
		}
	}
	return out
}

// fair returns the first step of a row, from lo on, at which each world can have ended an episode: of those
// that have ended before, the short ones are too many, and where success ends an episode all seem to
// succeed. It returns lo if that is not in the first half of the run.
func (r *runRecord) fair(lo, hi float64) float64 {
	if r.Plan == nil || r.Plan.Spec == nil {
		return lo
	}
	whole := float64(r.Plan.Worlds * r.Plan.Spec.Agents * r.Plan.Spec.MaxSteps)
	for _, s := range r.Seeds {
		i, _ := slices.BinarySearch(s.Curve.steps, whole)
		if i < len(s.Curve.steps) && s.Curve.steps[i] <= hi/2 {
			lo = max(lo, s.Curve.steps[i])
		}
	}
	return lo
}

// returnsFigure draws, for each run, the fraction of evaluated episodes that reach a return; of
// a run alone also that of each seed.
func returnsFigure(runs []*runRecord) (template.HTML, error) {
	f := plot.Figure{X: "return", Y: "fraction of episodes that reach it", Width: 620, Height: 240, YMin: 0, YMax: 1.02}
	for _, r := range runs {
		var all []float64
		for _, s := range r.Seeds {
			if s.Eval != nil {
				all = append(all, s.Eval.Returns...)
			}
		}
		if len(all) == 0 {
			continue
		}
		whole := reached(all)
		if len(runs) > 1 {
			whole.Name = r.Name
		}
		f.Series = append(f.Series, whole)
		for _, s := range r.Seeds {
			if s.Eval != nil && len(runs) == 1 && len(r.scores()) > 1 {
				seed := reached(s.Eval.Returns)
				seed.Faint = true
				f.Series = append(f.Series, seed)
			}
		}
	}
	if len(f.Series) == 0 {
		return "", nil
	}
	s, err := f.HTML("fraction of evaluated episodes that reach a return")
	return template.HTML(s), err
}

// reached returns the steps of the fraction of returns that are at least x.
func reached(returns []float64) (out plot.Series) {
	sorted := slices.Clone(returns)
	slices.Sort(sorted)
	n := float64(len(sorted))
	for i, x := range sorted {
		out.X = append(out.X, x, x)
		out.Y = append(out.Y, (n-float64(i))/n, (n-float64(i)-1)/n)
	}
	return out
}

// drawable reports whether a curve through y would show.
func drawable(y []float64) bool {
	finite := 0
	for _, v := range y {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			finite++
		}
	}
	return finite > 1
}

// compareRuns returns what the page shows about several runs together.
func compareRuns(runs []*runRecord) (*compareView, error) {
	c := &compareView{}
	var err error
	if c.Curve, err = curveFigure(runs, "return_mean", "return", 0, 0); err != nil {
		return nil, err
	}
	if c.Returns, err = returnsFigure(runs); err != nil {
		return nil, err
	}
	bars := plot.Figure{Width: 620, X: "mean return of fresh episodes, with 95 % interval"}
	var first []float64
	for i, r := range runs {
		row := compareRow{Name: r.Name, Evaluated: "\u2013", IQM: "\u2013", Better: "\u2013"}
		scores := r.scores()
		if i == 0 {
			first = scores
		}
		if o := r.Overall; o != nil {
			row.Evaluated = fmt.Sprintf("%s (%s to %s)", score(o.Mean.Value), score(o.Mean.Lo), score(o.Mean.Hi))
			row.IQM = score(o.IQM.Value)
			bars.Bars = append(bars.Bars, plot.Bar{Name: r.Name, Value: o.Mean.Value, Lo: o.Mean.Lo, Hi: o.Mean.Hi})
		}
		if i > 0 && len(scores) > 1 && len(first) > 1 {
			p, err := stats.BootstrapPair(stats.Scores{scores}, stats.Scores{first}, stats.ImprovementProbability,
				stats.Resampling{Key: rng.New(uint64(i)), Reps: 4000})
			if err != nil {
				return nil, err
			}
			row.Better = fmt.Sprintf("%.2f (%.2f to %.2f)", p.Value, p.Lo, p.Hi)
		}
		c.Rows = append(c.Rows, row)
	}
	if len(bars.Bars) > 0 {
		bars.Height = float64(60 + 26*len(bars.Bars))
		s, err := bars.HTML("mean returns of the runs")
		if err != nil {
			return nil, err
		}
		c.Bars = template.HTML(s)
	}
	return c, nil
}

// scores returns the mean returns of the evaluated seeds.
func (r *runRecord) scores() (out []float64) {
	for _, s := range r.Seeds {
		if s.Eval != nil {
			out = append(out, s.Eval.ReturnMean)
		}
	}
	return out
}

// reproduce lists the commands that make the run again.
func (r *runRecord) reproduce() (out []string) {
	if p := r.Provenance; p != nil {
		if rev := p.Build["vcs.revision"]; rev != "" {
			line := "git checkout " + rev
			if p.Build["vcs.modified"] == "true" {
				line += "   # and changes that were not committed"
			}
			out = append(out, line)
		}
		build := "go build -o bin/terrarium ./experiments/terrarium"
		for _, key := range []string{"GOAMD64", "GOEXPERIMENT", "CGO_ENABLED"} {
			if v := p.Build[key]; v != "" {
				build = key + "=" + v + " " + build
			}
		}
		out = append(out, build+"   # "+p.Go)
	}
	return append(out,
		"bin/terrarium run "+shellQuote(filepath.ToSlash(filepath.Join(r.Dir, configFile)))+" --out again",
		"bin/terrarium verify "+shellQuote(filepath.ToSlash(r.Dir))+"   # replays the recorded episodes and compares every number")
}

// shellQuote quotes s if a shell would not take it as one plain word.
func shellQuote(s string) string {
	if strings.ContainsAny(s, " \t\n'\"\\$&|;<>()*?[]{}~#`!") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// origin lists what made the run.
func (r *runRecord) origin() (out []fact) {
	p := r.Provenance
	if p == nil {
		return nil
	}
	add := func(name, value string) {
		if value != "" {
			out = append(out, fact{name, value})
		}
	}
	add("started", p.Started.Format("2 January 2006, 15:04:05 MST"))
	add("command", strings.Join(p.Command, " "))
	add("program", fmt.Sprintf("SHA-256 %.16s\u2026", p.Program))
	add("revision", p.Build["vcs.revision"])
	add("module", strings.TrimSpace(p.Main.Path+" "+p.Main.Version))
	add("Go", strings.TrimSpace(p.Go+" "+p.Build["GOEXPERIMENT"]))
	add("machine", fmt.Sprintf("%s, %d CPUs, %s/%s", p.CPU, p.CPUs, p.OS, p.Arch))
	add("network kernel", p.Kernel)
	add("world engine", p.Engine)
	for _, again := range p.Resumed {
		text := again.At.Format("2 January 2006, 15:04:05 MST")
		if again.Forced {
			text += " by another program, as forced"
		}
		add("resumed", text)
	}
	return out
}
