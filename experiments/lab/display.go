package lab

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/term"
)

// A display shows the news of a run: as JSON rows, as a live line for each seed on a terminal,
// or as a plain line now and then.
type display struct {
	mu      sync.Mutex
	w       io.Writer
	json    bool
	live    bool
	width   int
	steps   int64  // of each seed
	unit    string // what they are
	seeds   []uint64
	last    map[uint64]Status
	done    map[uint64]bool
	printed map[uint64]time.Time // last plain line of each seed
	lines   int                  // live lines on the screen
	drawn   time.Time
}

// Pauses between two updates of what is shown.
const (
	livePause  = 100 * time.Millisecond
	plainPause = 3 * time.Second
)

// maxLive is the number of seeds shown at once on a terminal.
const maxLive = 16

func newDisplay(w io.Writer, p *Plan, asJSON bool) *display {
	d := &display{
		w: w, json: asJSON, steps: p.Steps, unit: p.stepName(), seeds: p.Seeds, width: 80,
		last: map[uint64]Status{}, done: map[uint64]bool{}, printed: map[uint64]time.Time{},
	}
	if f, ok := w.(*os.File); ok && !asJSON && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd())) {
		d.live = true
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			d.width = width
		}
	}
	return d
}

// notify takes news of a seed.
func (d *display) notify(s Status) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.json {
		d.row(s)
		return
	}
	if s.Solved {
		d.say(fmt.Sprintf("seed %d: solved after %s steps and %s: mean return %.1f of the last %d episodes",
			s.Seed, count(s.Step), duration(s.Elapsed), s.Return, window))
		return
	}
	if s.Repeated {
		d.say(fmt.Sprintf("seed %d: repeating what follows step %s, to save the state before it failed", s.Seed, count(s.Step)))
		return
	}
	if s.Resumed && s.Eval == nil {
		d.say(fmt.Sprintf("seed %d: goes on from step %s", s.Seed, count(s.Step)))
	}
	d.last[s.Seed] = s
	finished := s.Eval != nil || s.Row == nil && !s.Resumed && !s.Amid
	d.done[s.Seed] = finished
	switch {
	case d.live && (finished || time.Since(d.drawn) >= livePause):
		d.draw()
	case !d.live && (finished || time.Since(d.printed[s.Seed]) >= plainPause):
		d.printed[s.Seed] = time.Now()
		fmt.Fprintln(d.w, d.line(s, false))
	}
}

// row prints news as a JSON object: a row of metrics with seed and speed.
func (d *display) row(s Status) {
	if s.Row == nil {
		return
	}
	line := fmt.Appendf(nil, `{"seed":%d,"seconds":%.3f,"steps_per_second":%.0f,`, s.Seed, s.Elapsed.Seconds(), s.PerSecond)
	line = append(line, s.Row.appendJSON(nil)[1:]...) // two objects become one
	fmt.Fprintf(d.w, "%s\n", line)
}

// say prints a line above the live ones.
func (d *display) say(text string) {
	d.erase()
	fmt.Fprintln(d.w, text)
	if d.live {
		d.draw()
	}
}

func (d *display) erase() {
	if d.lines > 0 {
		fmt.Fprintf(d.w, "\x1b[%dA\x1b[J", d.lines)
	}
	d.lines = 0
}

func (d *display) draw() {
	d.erase()
	for _, seed := range d.seeds {
		s, ok := d.last[seed]
		if !ok || d.lines == maxLive || len(d.seeds) > maxLive && d.done[seed] {
			continue
		}
		line := []rune(d.line(s, true))
		fmt.Fprintln(d.w, string(line[:min(len(line), max(d.width-1, 20))]))
		d.lines++
	}
	d.drawn = time.Now()
}

func (d *display) line(s Status, bar bool) string {
	share := math.Min(1, float64(s.Step)/float64(d.steps))
	if d.done[s.Seed] {
		share = 1 // the last update may end a little before the steps do
	}
	if s.Amid {
		share = min(share, 0.99) // there is more to do
	}
	var b strings.Builder
	fmt.Fprintf(&b, "seed %-3d ", s.Seed)
	if bar {
		const cells = 24
		full := int(share * cells)
		b.WriteString(strings.Repeat("━", full) + strings.Repeat("─", cells-full) + " ")
	}
	fmt.Fprintf(&b, "%3.0f%%  %s %s", 100*share, count(s.Step), d.unit)
	if !math.IsNaN(s.Return) {
		fmt.Fprintf(&b, "  return %.1f", s.Return)
	}
	b.WriteString(s.Note)
	switch {
	case d.done[s.Seed] && s.Eval != nil:
		fmt.Fprintf(&b, "  done in %s, evaluated %.1f", duration(s.Elapsed), s.Eval.ReturnMean)
	case d.done[s.Seed]:
		fmt.Fprintf(&b, "  done in %s", duration(s.Elapsed))
	case s.Amid && s.Step >= d.steps: // rollouts are never cut short
		b.WriteString("  until the rollout is made")
	case s.Step > 0 && s.Elapsed > 0:
		perSecond := float64(s.Step) / s.Elapsed.Seconds()
		left := seconds(float64(d.steps-s.Step) / perSecond)
		fmt.Fprintf(&b, "  %s %s/s  %s left", count(int64(perSecond)), d.unit, duration(max(left, 0)))
	}
	return b.String()
}

// finish prints the outcome, and returns what went wrong with the report if anything did: the
// results are there all the same.
func (d *display) finish(r *Result, report error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.json {
		return errors.Join(printJSON(d.w, map[string]any{"summary": summary(r)}), report)
	}
	t := tabwriter.NewWriter(d.w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "\nseed\t%s\ttime\tsolved at\ttraining return\tevaluation\n", d.unit)
	for _, s := range r.Seeds {
		solved, eval := "-", "-"
		if s.Solved > 0 {
			solved = count(s.Solved)
		}
		if s.Eval != nil {
			eval = fmt.Sprintf("%.1f ± %.1f", s.Eval.ReturnMean, s.Eval.ReturnStd)
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%.1f\t%s\n", s.Seed, count(s.Steps), duration(seconds(s.Seconds)), solved, float64(s.Return), eval)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	r.printQD(d.w)
	for _, s := range r.Seeds {
		for _, x := range s.Degraded {
			fmt.Fprintf(d.w, "warning: seed %d, bonus %s: %s %s\n", s.Seed, x.Bonus, count(int64(x.Count)), x.What)
		}
	}
	for _, s := range r.Seeds {
		for _, line := range s.Complaints {
			fmt.Fprintf(d.w, "warning: seed %d, reward %s\n", s.Seed, line)
		}
	}
	if a := r.Overall; a != nil {
		over := fmt.Sprintf("%d seeds", a.Seeds)
		if a.Seeds == 1 {
			over = "the episodes of one seed"
		}
		fmt.Fprintf(d.w, "\nevaluation: mean %.1f [%.1f, %.1f], interquartile mean %.1f [%.1f, %.1f] (95 %% over %s, %d held-out episodes each)\n",
			a.Mean.Value, a.Mean.Lo, a.Mean.Hi, a.IQM.Value, a.IQM.Lo, a.IQM.Hi, over, r.Plan.Eval.Episodes)
	}
	fmt.Fprintf(d.w, "saved in %s", r.Dir)
	if report == nil {
		fmt.Fprintf(d.w, "; curves and films in %s", filepath.Join(r.Dir, reportFile))
	}
	fmt.Fprintln(d.w)
	return report
}

// summary is the last line of `run --json`. Without evaluation the returns are those of training.
func summary(r *Result) map[string]any {
	var steps int64
	var sum float64
	for _, s := range r.Seeds {
		steps += s.Steps
		sum += float64(s.Return)
	}
	mean := jsonFloat(sum / float64(len(r.Seeds)))
	m := map[string]any{
		"experiment": r.Plan.Name, "env": r.Plan.Spec.ID, "agent": r.Plan.Agent.Name, "seeds": len(r.Seeds),
		"steps": steps, "seconds": math.Round(1000*r.Elapsed.Seconds()) / 1000, "dir": r.Dir,
		"return_mean": mean, "return_lo": nil, "return_hi": nil,
	}
	if a := r.Overall; a != nil {
		m["return_mean"], m["return_lo"], m["return_hi"] = jsonFloat(a.Mean.Value), jsonFloat(a.Mean.Lo), jsonFloat(a.Mean.Hi)
		m["return_iqm"], m["return_iqm_lo"], m["return_iqm_hi"] = jsonFloat(a.IQM.Value), jsonFloat(a.IQM.Lo), jsonFloat(a.IQM.Hi)
	}
	degraded, complaints := map[string]uint64{}, map[uint64][]string{}
	for _, s := range r.Seeds {
		if len(s.Complaints) > 0 {
			complaints[s.Seed] = s.Complaints
		}
		for _, x := range s.Degraded {
			degraded[x.Bonus+": "+x.What] += x.Count
		}
	}
	if len(degraded) > 0 {
		m["degraded"] = degraded
	}
	if len(complaints) > 0 {
		m["complaints"] = complaints // by seed
	}
	if r.Plan.QD != nil {
		m["coverage"], m["qd_score"], m["best"] = r.meanQD()
	}
	return m
}

// printJSON prints v on one line.
func printJSON(w io.Writer, v any) error {
	_, err := fmt.Fprintf(w, "%s\n", mustJSON(v))
	return err
}

// count prints a number of steps short, such as 524k or 1.25M.
func count(n int64) string {
	v, prefix := humanize.ComputeSI(float64(n))
	if prefix == "" {
		return fmt.Sprint(n)
	}
	digits := max(0, 2-int(math.Log10(math.Max(v, 1))))
	return fmt.Sprintf("%.*f%s", digits, v, prefix)
}

// duration prints a time without needless digits.
func duration(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}
