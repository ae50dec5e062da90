// Package papertest runs claims in tests: small, twice, and with the questions that every claim
// has to answer.
package papertest

import (
	"maps"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/stats"
)

// A Result is what a claim yielded at smoke scale.
type Result struct {
	*papers.Result
	t *testing.T
}

// Smoke runs the named claim at smoke scale, logs its findings and rows, and fails the test if the
// negative control passes. It does not ask for PASS, which is said of quick scale.
func Smoke(t *testing.T, name string) Result {
	t.Helper()
	c, err := papers.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := papers.Run(t.Context(), c, papers.Options{Scale: papers.Smoke})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(r)
	for _, f := range r.Bounds {
		t.Logf("%s: %.3f [%.3f, %.3f]", f.Text, f.Value, f.Lo, f.Hi)
	}
	for arm, rows := range r.Rows {
		t.Logf("%s: %v", arm, rows)
	}
	if r.Fooled {
		t.Error("the negative control passes")
	}
	current(t, c, r.Rows[c.Treatment][0])
	return Result{r, t}
}

// current fails the test if the result that is kept of a claim is of a program that computes other numbers,
// and does not say so. Small is what the smallest cell yields today.
func current(t *testing.T, c papers.Claim, small papers.Row) {
	t.Helper()
	kept, err := papers.Load("..", c.Name)
	if err != nil {
		t.Error(err)
		return
	}
	switch outdated, known := kept.Outdated(small, nn.Kernel()); {
	case !known:
		t.Logf("whether the result that is kept is of today's program is not known: it is of the kernel %s, here is %s", kept.Kernel, nn.Kernel())
	case outdated != kept.Stale:
		t.Errorf("the result that is kept of %s: outdated is %v, its report says %v. Run it again (terrarium claims %s --record experiments/papers), "+
			"or have the report say so (terrarium claims %s --check experiments/papers): the smallest cell yields %v, kept is %v",
			c.Name, outdated, kept.Stale, c.Name, c.Name, small, kept.Small)
	}
}

// Leans fails the test unless the estimates of the bounds with these texts lie where they have to: a
// few seeds are too few for intervals, but the effect has to have its sign.
func (r Result) Leans(bounds ...string) {
	r.t.Helper()
	for _, text := range bounds {
		i := slices.IndexFunc(r.Bounds, func(f papers.Finding) bool { return f.Text == text })
		if i < 0 {
			r.t.Errorf("%s has no bound %q", r.Claim, text)
			continue
		}
		if f := r.Bounds[i]; !(f.Value > f.Limit) != f.Below {
			r.t.Errorf("%s: %s is %.3f", r.Claim, text, f.Value)
		}
	}
}

// Mean returns the mean over seeds of a number of an arm.
func (r Result) Mean(metric, arm string) float64 {
	r.t.Helper()
	table := papers.Table{Rows: r.Rows}
	x, err := table.Column(arm, metric)
	if err != nil {
		r.t.Fatal(err)
	}
	return stats.Summarize(x).Mean
}

// Repeats fails the test unless the cell yields the same row twice.
func Repeats(t *testing.T, name string, cell papers.Cell) {
	t.Helper()
	c, err := papers.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	cell.Context = t.Context()
	a, err := c.Cell(cell)
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Cell(cell)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(a, b) {
		t.Errorf("the same cell yields %v, then %v", a, b)
	}
}
