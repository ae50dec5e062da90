// Package papers turns what papers say into claims that a command checks.
//
// A [Claim] is an experiment of some arms, each run on the same seeds. A [Cell] is one arm on one
// seed and yields a [Row] of numbers. The claim passes if every [Bound] on them holds: bounds are
// about ends of confidence intervals, never about estimates alone. A negative control is run
// beside: an arm in the place of the treatment that must not pass, or else the experiment proves
// nothing.
//
// Each claim is a package below this one that registers itself in init, with a README that says
// what is asked, how, and what came out. `terrarium claims NAME` runs it.
//
// # How to add one
//
//	func init() {
//		papers.Register(papers.Claim{
//			Name: "mine", Paper: "Author et al. 2024", Doc: "What is claimed, in one line.",
//			Arms: []string{"treatment", "baseline", "control"},
//			Treatment: "treatment", Control: "control",
//			Seeds: map[papers.Scale]int{papers.Smoke: 3, papers.Quick: 10, papers.Full: 20},
//			Cell:  cell, // func(papers.Cell) (papers.Row, error)
//			Pass:  []papers.Bound{papers.Greater("return", "treatment", "baseline", 0)},
//		})
//	}
package papers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/experiments/stats"
)

// A Scale is the size of an experiment.
type Scale string

// The scales, from small to large.
const (
	Smoke Scale = "smoke" // at most a minute, for tests: the code works and the effect has its sign
	Quick Scale = "quick" // minutes on two cores: what PASS is said of
	Full  Scale = "full"  // as long as it takes
)

// Scales returns all scales.
func Scales() []Scale { return []Scale{Smoke, Quick, Full} }

// UnmarshalText sets s by its name.
func (s *Scale) UnmarshalText(b []byte) error {
	if !slices.Contains(Scales(), Scale(b)) {
		return fmt.Errorf("unknown scale %q, want smoke, quick or full", b)
	}
	*s = Scale(b)
	return nil
}

// FirstSeed is the first seed of a claim, unless it says otherwise: lower ones are for trying things out.
const FirstSeed = 1000

// A Cell is one arm of a claim on one seed.
type Cell struct {
	Context context.Context // done if the program is asked to stop
	Scale   Scale
	Arm     string
	Seed    uint64

	fixtures *fixtures
}

// A Row is the numbers that a cell yields, by name. All must be finite.
type Row map[string]float64

// A Claim is what an experiment shows, and how it is run.
type Claim struct {
	Name      string
	Paper     string // such as "Bukharin et al. 2023"
	Doc       string // what is claimed, in one line
	Arms      []string
	Treatment string        // the arm the claim is about
	Control   string        // the arm that must not pass in its place
	Seeds     map[Scale]int // numbers of them, counted from FirstSeed, or from From if that is above it

	// From is where seeds begin if the method was changed after results on lower ones had been seen, so
	// that what is reported is of seeds that nobody had looked at. The README says what was changed.
	From uint64

	// Cell runs one cell on the calling goroutine alone: cells of all arms and seeds run side
	// by side. Equal cells yield equal rows.
	Cell func(Cell) (Row, error)

	Pass []Bound // all have to hold
	Also []Bound // told, but not asked for
}

// First returns the first seed.
func (c *Claim) First() uint64 { return max(FirstSeed, c.From) }

// A Table holds the rows of a claim at one scale.
type Table struct {
	Rows  map[string][]Row // by arm: one a seed, in order
	alias map[string]string
}

// Arm returns the rows of an arm, one a seed.
func (t *Table) Arm(arm string) ([]Row, error) {
	if to, ok := t.alias[arm]; ok {
		arm = to
	}
	rows, ok := t.Rows[arm]
	if !ok {
		return nil, fmt.Errorf("there is no arm %q", arm)
	}
	return rows, nil
}

// Column returns a number of all rows of an arm.
func (t *Table) Column(arm, metric string) ([]float64, error) {
	rows, err := t.Arm(arm)
	if err != nil {
		return nil, err
	}
	x := make([]float64, len(rows))
	for i, r := range rows {
		var ok bool
		if x[i], ok = r[metric]; !ok {
			return nil, fmt.Errorf("arm %q, seed number %d has no %q", arm, i, metric)
		}
	}
	return x, nil
}

// Mean returns the mean over seeds of a number of an arm.
func (t *Table) Mean(arm, metric string) (float64, error) {
	x, err := t.Column(arm, metric)
	if err != nil {
		return 0, err
	}
	return stats.Summarize(x).Mean, nil
}

// Pair returns a number of all rows of two arms, seed by seed.
func (t *Table) Pair(metric, a, b string) (x, y []float64, err error) {
	if x, err = t.Column(a, metric); err != nil {
		return nil, nil, err
	}
	y, err = t.Column(b, metric)
	return x, y, err
}

// with returns t with one arm in the place of another.
func (t *Table) with(arm, by string) *Table {
	return &Table{Rows: t.Rows, alias: map[string]string{arm: by}}
}

var claims = registry.New[Claim]("claim")

// Register makes a claim available by its name. It panics if the claim is not complete.
func Register(c Claim) {
	switch {
	case c.Name == "" || c.Doc == "" || c.Cell == nil || len(c.Pass) == 0:
		panic(fmt.Sprintf("papers: claim %q needs a name, a line of description, a cell and bounds", c.Name))
	case !slices.Contains(c.Arms, c.Treatment) || !slices.Contains(c.Arms, c.Control) || c.Treatment == c.Control:
		panic(fmt.Sprintf("papers: claim %q needs a treatment and a control among its arms", c.Name))
	}
	for _, s := range Scales() {
		if c.Seeds[s] < 2 {
			panic(fmt.Sprintf("papers: claim %q has %d seeds at scale %s, want at least 2", c.Name, c.Seeds[s], s))
		}
	}
	mentioned := slices.ContainsFunc(c.Pass, func(b Bound) bool { return strings.Contains(b.Text, c.Treatment) })
	if !mentioned {
		panic(fmt.Sprintf("papers: no bound of claim %q is about its treatment", c.Name))
	}
	claims.Register(c.Name, c)
}

// Names returns the registered claims, sorted.
func Names() []string { return claims.Names() }

// Lookup returns the named claim, or an error that suggests a name.
func Lookup(name string) (Claim, error) { return claims.Lookup(name) }
