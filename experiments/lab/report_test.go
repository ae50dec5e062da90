package lab

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/configs"
)

// report returns the page about runs.
func report(t *testing.T, dirs ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "report.html")
	if err := writeReport(dirs, out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func wants(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

func TestReportOfFinishedRun(t *testing.T) {
	dir := filmedRun(t)
	page := report(t, dir)
	wants(t, page, "<!DOCTYPE html>", "Not solved", "below the 475.0", "mean return", "95 % interval over 2 seeds",
		"A run to look at, with a &lt;b&gt;tag&lt;/b&gt; &amp; more.", "hill on cartpole-v0",
		"<h3>upright</h3>", "<h3>task</h3>", "fraction of evaluated episodes", "The median of 10 recorded evaluation episodes", "The worst", "The best",
		"Training, at the beginning", "bin/terrarium run", "every: 23", "SHA-256")
	if n := strings.Count(page, `class="reel"`); n != 4 {
		t.Errorf("%d films, want 4", n)
	}
	if n := strings.Count(page, "<td>done</td>"); n != 2 {
		t.Errorf("%d seeds are done, want 2", n)
	}
	if len(page) > 3<<20 {
		t.Errorf("%d bytes, want at most 3 MB", len(page))
	}
	if strings.Contains(page, "class=\"warn\"") {
		t.Error("there are warnings about a run without fault")
	}
	// Nothing is loaded: no address but those that name a format or are text.
	loads := regexp.MustCompile(`(?i)(src|href)\s*=|url\(|@import|fetch\(|XMLHttpRequest`)
	if at := loads.FindString(page); at != "" {
		t.Errorf("the page loads something: %s", at)
	}
	// The table shows what eval.json says.
	s := readRunOf(t, dir).Seeds[0]
	wants(t, page, fmt.Sprintf("<td>%s (%s to %s)</td>", score(s.Eval.ReturnMean), score(s.Mean.Lo), score(s.Mean.Hi)))
	if s.Mean.Value != s.Eval.ReturnMean {
		t.Errorf("mean %v, eval.json says %v", s.Mean.Value, s.Eval.ReturnMean)
	}
}

func readRunOf(t *testing.T, dir string) *runRecord {
	t.Helper()
	r, err := readRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The same run gives the same page.
func TestReportIsDeterministic(t *testing.T) {
	dir := filmedRun(t)
	first, second := report(t, dir), report(t, dir)
	if first != second {
		t.Error("two reports on a run differ")
	}
}

func TestReportOfUnfinishedRuns(t *testing.T) {
	seed := func(dir string, parts ...string) string {
		return filepath.Join(append([]string{dir, "seed-4"}, parts...)...)
	}
	remove := func(t *testing.T, paths ...string) {
		for _, p := range paths {
			if err := os.RemoveAll(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		want   []string
	}{
		{"seed under way", func(t *testing.T, dir string) {
			remove(t, seed(dir, "done"), seed(dir, "eval.json"), seed(dir, "replays"))
			path := seed(dir, metricsFile)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, path, string(text[:len(text)-30])) // in the middle of a row
		}, []string{"Unfinished", "1 of 2 seeds done", "<td>training</td>"}},
		{"seed not begun", func(t *testing.T, dir string) { remove(t, seed(dir)) },
			[]string{"Unfinished", "<td>not begun</td>"}},
		{"nothing but config", func(t *testing.T, dir string) {
			remove(t, seed(dir), filepath.Join(dir, "seed-3"), filepath.Join(dir, provenanceFile))
		}, []string{"Unfinished", "0 of 2 seeds done", "too few points for a curve", "provenance.json", "does not say what made it"}},
		{"damaged evaluation", func(t *testing.T, dir string) { writeFile(t, seed(dir, "eval.json"), `{"seed":`) },
			[]string{`class="warn"`, "eval.json is damaged"}},
		{"damaged replay", func(t *testing.T, dir string) { writeFile(t, seed(dir, "replays", "eval-00001.replay"), "x") },
			[]string{`class="warn"`, "eval-00001.replay", `class="reel"`}},
		{"damaged metrics", func(t *testing.T, dir string) {
			writeFile(t, seed(dir, metricsFile), "{\"step\":1,\"return_mean\":2}\nno json\n{\"step\":3}\n")
		}, []string{`class="warn"`, "metrics.jsonl:2"}},
		{"unknown environment", func(t *testing.T, dir string) {
			writeFile(t, filepath.Join(dir, configFile), "env: {name: atlantis-v0}\n")
		}, []string{"cannot run the experiment itself", "atlantis-v0", `class="reel"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filmedRun(t)
			c.damage(t, dir)
			wants(t, report(t, dir), append(c.want, "</html>")...)
		})
	}
}

func TestReportCompares(t *testing.T) {
	a, b := filmedRun(t), filmedRun(t)
	other := filepath.Join(filepath.Dir(b), "other")
	if err := os.Rename(b, other); err != nil {
		t.Fatal(err)
	}
	page := report(t, a, other)
	// A run beats an equal one in one pair of seeds of two, or ties.
	wants(t, page, "2 runs compared", "<td>run</td>", "<td>other</td>", "<td>0.50 (")
	if n := strings.Count(page, "<h1>"); n != 3 {
		t.Errorf("%d headings, want 3", n)
	}
}

func TestReportRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := writeReport([]string{dir}, filepath.Join(dir, "x.html")); err == nil || exitCode(err) != exitInput || !strings.Contains(err.Error(), "holds no run") {
		t.Errorf("empty folder: %v", err)
	}
	run := filmedRun(t)
	if err := writeReport([]string{run}, filepath.Join(dir, "no", "x.html")); err == nil || exitCode(err) != exitLacking {
		t.Errorf("no folder for the page: %v", err)
	}
}

func TestCurveInterpolates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.jsonl")
	writeFile(t, path, `{"step":10,"a":1}
{"step":20,"a":3,"b":5}
{"step":30,"b":null}
{"step":40,"a":7,"b":9}
{"step":50,"a`)
	c, err := readCurve(path)
	if err != nil || len(c.steps) != 4 {
		t.Fatalf("%d rows, want 4: %v", len(c.steps), err)
	}
	nan := math.NaN()
	for _, w := range []struct {
		name    string
		at, get float64
	}{
		{"a", 10, 1}, {"a", 15, 2}, {"a", 20, 3}, {"a", 25, nan}, {"a", 30, nan}, {"a", 40, 7}, {"a", 41, nan}, {"a", 9, nan},
		{"b", 10, nan}, {"b", 20, 5}, {"b", 40, 9}, {"none", 20, nan},
	} {
		if got := c.at(w.name, w.at); got != w.get && !(math.IsNaN(got) && math.IsNaN(w.get)) {
			t.Errorf("%s at %v is %v, want %v", w.name, w.at, got, w.get)
		}
	}
}

// The band of a figure spans the seeds, and the line is their mean.
func TestSeriesSpansSeeds(t *testing.T) {
	r := &runRecord{Seeds: []*seedRecord{
		{Curve: curve{[]float64{0, 100}, map[string][]float64{"x": {0, 10}}}},
		{Curve: curve{[]float64{0, 50}, map[string][]float64{"x": {4, 8}}}},
		{}, // not begun
	}}
	s := seriesOf(r, "x")
	if n := len(s.X); n != points || s.X[0] != 0 || s.X[n-1] != 50 {
		t.Fatalf("%d points from %v to %v, want %d from 0 to 50", n, s.X[0], s.X[n-1], points)
	}
	i := len(s.X) - 1
	if s.Y[0] != 2 || s.Lo[0] != 0 || s.Hi[0] != 4 || s.Y[i] != 6.5 || s.Lo[i] != 5 || s.Hi[i] != 8 {
		t.Errorf("ends are %v [%v, %v] and %v [%v, %v]", s.Y[0], s.Lo[0], s.Hi[0], s.Y[i], s.Lo[i], s.Hi[i])
	}
}

// Before every world can have ended an episode, those that have are the short ones: curves of episodes
// begin after that, unless little would be left.
func TestCurvesOfEpisodesBeginLate(t *testing.T) {
	text, err := configs.Read("maze")
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParsePlan("maze.yaml", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole := float64(p.Worlds * p.Spec.MaxSteps)
	steps := []float64{whole / 4, whole / 2, whole + 1, 2 * whole, 3 * whole}
	r := &runRecord{Plan: p, Seeds: []*seedRecord{{Curve: curve{steps, map[string][]float64{
		"return_mean": {1, 1, 0.5, 0.6, 0.7}, "loss/policy": {5, 4, 3, 2, 1},
	}}}}}
	if s := seriesOf(r, "return_mean"); s.X[0] != whole+1 || s.Y[0] != 0.5 {
		t.Errorf("the curve of returns begins at %v with %v", s.X[0], s.Y[0])
	}
	if s := seriesOf(r, "loss/policy"); s.X[0] != whole/4 || s.Y[0] != 5 {
		t.Errorf("the curve of losses begins at %v with %v", s.X[0], s.Y[0])
	}
	r.Seeds[0].Curve.steps = []float64{1, 2, 3, 4, whole * 1.5} // all but the end would go
	if s := seriesOf(r, "return_mean"); s.X[0] != 1 {
		t.Errorf("the curve of a short run begins at %v", s.X[0])
	}
}

func TestReached(t *testing.T) {
	s := reached([]float64{3, 1, 2, 2})
	for i, want := range [][2]float64{{1, 1}, {1, 0.75}, {2, 0.75}, {2, 0.5}, {2, 0.5}, {2, 0.25}, {3, 0.25}, {3, 0}} {
		if s.X[i] != want[0] || s.Y[i] != want[1] {
			t.Errorf("point %d is %v, %v, want %v", i, s.X[i], s.Y[i], want)
		}
	}
}

func TestShellQuote(t *testing.T) {
	for in, want := range map[string]string{"runs/a": "runs/a", "my runs": "'my runs'", "it's": `'it'\''s'`} {
		if got := shellQuote(in); got != want {
			t.Errorf("%s quoted is %s, want %s", in, got, want)
		}
	}
}
