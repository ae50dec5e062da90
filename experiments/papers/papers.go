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
	"math"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/env/rng"
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

// FirstSeed is the first seed of every claim: lower ones are for trying things out.
const FirstSeed = 1000

// A Cell is one arm of a claim on one seed.
type Cell struct {
	Context context.Context // done if the program is asked to stop
	Scale   Scale
	Arm     string
	Seed    uint64
}

// A Row is the numbers that a cell yields, by name. All must be finite.
type Row map[string]float64

// A Claim is what an experiment shows, and how it is run.
type Claim struct {
	Name      string
	Paper     string // such as "Bukharin et al. 2023"
	Doc       string // what is claimed, in one line
	Arms      []string
	Treatment string // the arm the claim is about
	Control   string // the arm that must not pass in its place
	Seeds     map[Scale]int

	// Cell runs one cell on the calling goroutine alone: cells of all arms and seeds run side
	// by side. Equal cells yield equal rows.
	Cell func(Cell) (Row, error)

	Pass []Bound // all have to hold
	Also []Bound // told, but not asked for
}

// A Bound is a statement about the rows of a claim.
type Bound struct {
	Text string // such as "return: heron - linear > -5"

	// Effect estimates the effect with its interval.
	Effect func(*Table) (stats.Interval, error)

	// Limit is where the whole interval has to lie above, or below if Below is set.
	Limit float64
	Below bool
}

// Holds reports whether the interval lies where it has to.
func (b *Bound) Holds(i stats.Interval) bool {
	if b.Below {
		return i.Hi < b.Limit
	}
	return i.Lo > b.Limit
}

// Greater says that the mean over seeds of metric in arm a less that in arm b is above by: with
// by 0 that a is better, with a negative by that it is not much worse. The interval is Student's
// of the paired differences, 95 %.
func Greater(metric, a, b string, by float64) Bound {
	return Bound{Text: fmt.Sprintf("%s: %s - %s > %g", metric, a, b, by), Limit: by, Effect: difference(metric, a, b)}
}

// Less says that the mean over seeds of metric in arm a less that in arm b is below by.
func Less(metric, a, b string, by float64) Bound {
	return Bound{Text: fmt.Sprintf("%s: %s - %s < %g", metric, a, b, by), Limit: by, Below: true, Effect: difference(metric, a, b)}
}

func difference(metric, a, b string) func(*Table) (stats.Interval, error) {
	return func(t *Table) (stats.Interval, error) {
		x, y, err := t.pair(metric, a, b)
		if err != nil {
			return stats.Interval{}, err
		}
		for i := range x {
			x[i] -= y[i]
		}
		return stats.TInterval(x, 0.95)
	}
}

// Above says that the mean over seeds of metric in an arm is above limit.
func Above(metric, arm string, limit float64) Bound {
	return Bound{Text: fmt.Sprintf("%s: %s > %g", metric, arm, limit), Limit: limit, Effect: level(metric, arm)}
}

// Under says that the mean over seeds of metric in an arm is below limit.
func Under(metric, arm string, limit float64) Bound {
	return Bound{Text: fmt.Sprintf("%s: %s < %g", metric, arm, limit), Limit: limit, Below: true, Effect: level(metric, arm)}
}

func level(metric, arm string) func(*Table) (stats.Interval, error) {
	return func(t *Table) (stats.Interval, error) {
		x, err := t.Column(arm, metric)
		if err != nil {
			return stats.Interval{}, err
		}
		return stats.TInterval(x, 0.95)
	}
}

// Share says that metric, which is 0 or 1, is 1 for at least the given share of the seeds. It is a
// count, so its interval is a point.
func Share(metric, arm string, least float64) Bound {
	return Bound{
		Text: fmt.Sprintf("%s: share of seeds, %s >= %g", metric, arm, least), Limit: least - 1e-9,
		Effect: func(t *Table) (stats.Interval, error) {
			x, err := t.Column(arm, metric)
			if err != nil {
				return stats.Interval{}, err
			}
			m := stats.Summarize(x).Mean
			return stats.Interval{Value: m, Lo: m, Hi: m}, nil
		},
	}
}

// MeanAtMost says that the mean over seeds of metric in an arm is at most limit. It is about the
// mean alone, so its interval is a point.
func MeanAtMost(metric, arm string, limit float64) Bound {
	return Bound{
		Text: fmt.Sprintf("%s: mean of %s <= %g", metric, arm, limit), Limit: limit + 1e-9, Below: true,
		Effect: func(t *Table) (stats.Interval, error) {
			x, err := t.Column(arm, metric)
			if err != nil {
				return stats.Interval{}, err
			}
			m := stats.Summarize(x).Mean
			return stats.Interval{Value: m, Lo: m, Hi: m}, nil
		},
	}
}

// Times says that the mean of metric in arm a is above, or below, factor times that in arm b. It is about
// means alone, so its interval is a point.
func Times(metric, a, b string, factor float64, below bool) Bound {
	sign := map[bool]string{false: ">", true: "<"}[below]
	return Bound{
		Text: fmt.Sprintf("%s: %s / %s %s %g", metric, a, b, sign, factor), Limit: factor, Below: below,
		Effect: func(t *Table) (stats.Interval, error) {
			x, err := t.Column(a, metric)
			if err != nil {
				return stats.Interval{}, err
			}
			y, err := t.Column(b, metric)
			if err != nil {
				return stats.Interval{}, err
			}
			r := stats.Summarize(x).Mean / max(stats.Summarize(y).Mean, 1e-9)
			return stats.Interval{Value: r, Lo: r, Hi: r}, nil
		},
	}
}

// GreaterIQM is Greater for the difference of interquartile means, with a percentile bootstrap
// of the seeds as its interval.
func GreaterIQM(metric, a, b string, by float64) Bound {
	return Bound{
		Text: fmt.Sprintf("%s: IQM(%s) - IQM(%s) > %g", metric, a, b, by), Limit: by,
		Effect: func(t *Table) (stats.Interval, error) {
			x, y, err := t.pair(metric, a, b)
			if err != nil {
				return stats.Interval{}, err
			}
			seeds := make([]float64, len(x)) // resampled as wholes: a score is the number of its seed
			for i := range seeds {
				seeds[i] = float64(i)
			}
			return stats.Bootstrap(stats.Scores{seeds}, func(s stats.Scores) float64 {
				dx, dy := make([]float64, len(x)), make([]float64, len(x))
				for i, k := range s[0] {
					dx[i], dy[i] = x[int(k)], y[int(k)]
				}
				return stats.IQM(stats.Scores{dx}) - stats.IQM(stats.Scores{dy})
			}, stats.Resampling{Key: rng.New(FirstSeed)})
		},
	}
}

// McNemar says that metric, which is 0 or 1, is 1 in arm a where it is 0 in arm b more often than
// the other way round, with a two-sided exact p below limit (McNemar, "Note on the sampling error
// of the difference between correlated proportions", 1947). The effect it tells is p itself, or
// 2 - p if the difference has the wrong sign.
func McNemar(metric, a, b string, limit float64) Bound {
	return Bound{
		Text: fmt.Sprintf("%s: exact McNemar p of %s over %s < %g", metric, a, b, limit), Limit: limit, Below: true,
		Effect: func(t *Table) (stats.Interval, error) {
			x, y, err := t.pair(metric, a, b)
			if err != nil {
				return stats.Interval{}, err
			}
			more, less := 0, 0
			for i := range x {
				switch {
				case x[i] > y[i]:
					more++
				case x[i] < y[i]:
					less++
				}
			}
			p := signTest(more, less)
			if more < less {
				p = 2 - p
			}
			return stats.Interval{Value: p, Lo: p, Hi: p}, nil
		},
	}
}

// signTest returns the probability that a fair coin falls at least as unevenly.
func signTest(a, b int) float64 {
	n, k, sum := a+b, min(a, b), 0.0
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	for i := range k + 1 {
		sum += math.Exp(lg(n) - lg(i) - lg(n-i) - float64(n)*math.Ln2)
	}
	return min(1, 2*sum)
}

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
			return nil, fmt.Errorf("arm %q, seed %d has no %q", arm, FirstSeed+i, metric)
		}
	}
	return x, nil
}

func (t *Table) pair(metric, a, b string) (x, y []float64, err error) {
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
