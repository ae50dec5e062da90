package stats

import (
	"encoding/json"
	"math"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// reference holds testdata/reference.json, which testdata/reference.py computed with rliable
// and SciPy.
type reference struct {
	X, Y                Scores
	Taus, Profile       []float64
	Point               map[string]float64
	Interval            map[string][2]float64
	Improvement         float64
	ImprovementInterval [2]float64 `json:"improvement_interval"`
	Pairs               struct {
		P, Q, U, V    []float64
		WilcoxonUV    float64    `json:"wilcoxon_uv"`
		WilcoxonPQ    float64    `json:"wilcoxon_pq"`
		PermutationUV float64    `json:"permutation_uv"`
		TIntervalU    [2]float64 `json:"t_interval_u"`
	}
}

var named = map[string]Statistic{"mean": Mean, "median": Median, "iqm": IQM, "gap": OptimalityGap(1)}

func load(t *testing.T) *reference {
	t.Helper()
	data, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	r := new(reference)
	if err := json.Unmarshal(data, r); err != nil {
		t.Fatal(err)
	}
	return r
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s is %v, want %v within %v", what, got, want, tol)
	}
}

func TestAgainstRliable(t *testing.T) {
	ref := load(t)
	for name, f := range named {
		near(t, name, f(ref.X), ref.Point[name], 1e-12)
	}
	near(t, "probability of improvement", ImprovementProbability(ref.X, ref.Y), ref.Improvement, 1e-12)
	for i, tau := range ref.Taus {
		near(t, "profile", Above(tau)(ref.X), ref.Profile[i], 1e-12)
	}
}

// Ends of intervals are random on both sides. Their standard error with 50000 resamples, by
// halving both sets, is below 0.0025.
func TestIntervalsAgainstRliable(t *testing.T) {
	ref := load(t)
	o := Resampling{Key: rng.New(1), Reps: 50000}
	check := func(name string, ci Interval, err error, want [2]float64) {
		if err != nil {
			t.Fatal(err)
		}
		near(t, name+" lo", ci.Lo, want[0], 0.0075)
		near(t, name+" hi", ci.Hi, want[1], 0.0075)
	}
	for name, f := range named {
		ci, err := Bootstrap(ref.X, f, o)
		check(name, ci, err, ref.Interval[name])
	}
	ci, err := BootstrapPair(ref.X, ref.Y, ImprovementProbability, o)
	check("improvement", ci, err, ref.ImprovementInterval)
}

func TestPairedTestsAgainstSciPy(t *testing.T) {
	p := load(t).Pairs
	for _, c := range []struct {
		name string
		x, y []float64
		want float64
	}{{"u, v", p.U, p.V, p.WilcoxonUV}, {"p, q", p.P, p.Q, p.WilcoxonPQ}} {
		got, err := Wilcoxon(c.x, c.y)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "Wilcoxon of "+c.name, got, c.want, 1e-12)
	}
	got, err := PermutationTest(p.U, p.V, Resampling{})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "permutation test", got, p.PermutationUV, 1e-12)
	ci, err := TInterval(p.U, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "t interval lo", ci.Lo, p.TIntervalU[0], 1e-9)
	near(t, "t interval hi", ci.Hi, p.TIntervalU[1], 1e-9)
}

func TestClosedForms(t *testing.T) {
	near(t, "IQM of 1..8", IQM(Scores{{8, 1, 7, 2}, {6, 3, 5, 4}}), (3+4+5+6)/4.0, 0)
	near(t, "IQM without the outlier", IQM(Scores{{0, 1, 1, 1e9}}), 1, 0)
	near(t, "IQM of three", IQM(Scores{{1, 2, 6}}), 3, 0)
	near(t, "mean of task means", Mean(Scores{{0}, {1, 1, 1}}), 0.5, 0)
	near(t, "median of task means", Median(Scores{{0, 2}, {5}, {100}}), 5, 0)
	near(t, "gap", OptimalityGap(2)(Scores{{0, 5}, {1}}), 1, 0)
	near(t, "ties", ImprovementProbability(Scores{{1, 1}}, Scores{{1, 1, 1}}), 0.5, 0)
	near(t, "better", ImprovementProbability(Scores{{3, 4}}, Scores{{1, 2}}), 1, 0)
	near(t, "2 of 3, 1 tie", ImprovementProbability(Scores{{2}}, Scores{{1, 2, 3}}), 0.5, 0)
	near(t, "tasks weigh the same", ImprovementProbability(Scores{{1}, {0, 0}}, Scores{{0}, {1, 1}}), 0.5, 0)

	s := Summarize([]float64{4, 1, 3, 2})
	if want := (Summary{N: 4, Mean: 2.5, Median: 2.5, Std: math.Sqrt(5.0 / 3), Min: 1, Max: 4}); s != want {
		t.Errorf("summary %+v, want %+v", s, want)
	}

	// n positive differences: both extreme sign patterns of 2^n.
	p, err := Wilcoxon([]float64{1, 2, 3, 4, 5}, make([]float64, 5))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "Wilcoxon of 5 gains", p, 2/32.0, 1e-15)
	p, err = PermutationTest([]float64{1, 2, 3, 4, 5}, make([]float64, 5), Resampling{})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "permutation test of 5 gains", p, 2/32.0, 0)
}

// The probability that the mean of 4 resampled scores is at most a value follows from all 4^4
// resamples, hence so do the ends of an interval.
func TestBootstrapIsTheExactDistribution(t *testing.T) {
	x := []float64{0, 1, 3, 10}
	var means []float64
	for i := range 256 {
		means = append(means, (x[i&3]+x[i>>2&3]+x[i>>4&3]+x[i>>6&3])/4)
	}
	slices.Sort(means)
	for _, level := range []float64{0.5, 0.8, 0.9} {
		ci, err := Bootstrap(Scores{x}, Mean, Resampling{Key: rng.New(3), Reps: 100000, Level: level})
		if err != nil {
			t.Fatal(err)
		}
		// The distribution is discrete: an end may be one of the values next to the exact one.
		for end, p := range map[float64]float64{ci.Lo: (1 - level) / 2, ci.Hi: (1 + level) / 2} {
			lo, hi := quantile(means, p-0.01), quantile(means, p+0.01)
			if end < lo || end > hi {
				t.Errorf("level %v: end %v, want %v to %v", level, end, lo, hi)
			}
		}
		near(t, "estimate", ci.Value, 3.5, 0)
	}
}

func TestTIntervalCovers(t *testing.T) {
	const runs, n = 4000, 5
	hits := 0
	for i := range runs {
		r := rng.New(7).Stream(1, 0, uint32(i))
		x := make([]float64, n)
		for j := range x {
			x[j] = 3 + 2*float64(r.Norm())
		}
		ci, err := TInterval(x, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		if ci.Lo <= 3 && 3 <= ci.Hi {
			hits++
		}
	}
	near(t, "coverage", float64(hits)/runs, 0.9, 3*math.Sqrt(0.9*0.1/runs))
}

func TestWilcoxonNormalMeetsExact(t *testing.T) {
	r := rng.New(5).Stream(0, 0, 0)
	d := make([]float64, exactPairs)
	for i := range d {
		d[i] = float64(r.Norm()) + 0.1
	}
	exact, err := Wilcoxon(d, make([]float64, len(d)))
	if err != nil {
		t.Fatal(err)
	}
	ranks, plus, total := doubledRanks(d), 0, 0
	for i, k := range ranks {
		total += k
		if d[i] > 0 {
			plus += k
		}
	}
	near(t, "normal approximation", normalWilcoxon(ranks, min(plus, total-plus), total), exact, 0.003)
}

func TestPermutationByDraws(t *testing.T) {
	r := rng.New(9).Stream(0, 0, 0)
	d := make([]float64, 17) // one more than are enumerated
	for i := range d {
		d[i] = float64(r.Norm()) + 0.4
	}
	far, limit := 0, math.Abs(flipped(d, 0))
	for signs := range uint32(1) << len(d) {
		if math.Abs(flipped(d, signs)) >= limit-1e-12 {
			far++
		}
	}
	exact := float64(far) / float64(uint32(1)<<len(d))
	p, err := PermutationTest(d, make([]float64, len(d)), Resampling{Key: rng.New(2), Reps: 20000})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "drawn p", p, exact, 4*math.Sqrt(exact*(1-exact)/20000))
}

func TestResultsDependOnTheKeyOnly(t *testing.T) {
	s := Scores{{1, 5, 2, 8, 3}, {4, 4, 9}}
	get := func(seed uint64) Interval {
		ci, err := Bootstrap(s, Mean, Resampling{Key: rng.New(seed), Reps: 200})
		if err != nil {
			t.Fatal(err)
		}
		return ci
	}
	want := get(1)
	for _, procs := range []int{1, 2, 3, 7} {
		old := runtime.GOMAXPROCS(procs)
		if got := get(1); got != want {
			t.Errorf("%d threads: %v, want %v", procs, got, want)
		}
		runtime.GOMAXPROCS(old)
	}
	if get(2) == want {
		t.Error("another key gives the same interval")
	}
}

func TestBadInput(t *testing.T) {
	nan := math.NaN()
	pair := func(x, y []float64) error { _, err := PairedBootstrap(x, y, Resampling{}); return err }
	boot := func(s Scores, o Resampling) error { _, err := Bootstrap(s, Mean, o); return err }
	wilcoxon := func(x, y []float64) error { _, err := Wilcoxon(x, y); return err }
	_, two := BootstrapPair(Scores{{1}}, Scores{{1}, {2}}, ImprovementProbability, Resampling{})
	_, level := TInterval([]float64{1, 2}, 95)
	for _, c := range []struct {
		err  error
		want string
	}{
		{boot(nil, Resampling{}), "stats: no scores"},
		{boot(Scores{{1}, {}}, Resampling{}), "stats: task 1 has no runs"},
		{boot(Scores{{1}, {2, nan}}, Resampling{}), "stats: the score of task 1, run 1 is NaN"},
		{boot(Scores{{1}}, Resampling{Reps: -1}), "stats: -1 resamples, want at least 1"},
		{boot(Scores{{1}}, Resampling{Level: 1}), "stats: confidence level 1, want a number between 0 and 1, such as 0.95"},
		{pair([]float64{1}, []float64{1, 2}), "stats: 1 scores cannot be paired with 2"},
		{wilcoxon([]float64{1, 2}, []float64{1, 2}), "stats: no pair of scores differs"},
		{two, "stats: one learner has scores of 1 tasks, the other of 2"},
		{level, "stats: confidence level 95, want a number between 0 and 1, such as 0.95"},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("error %v, want %s", c.err, c.want)
		}
	}
}

func TestProfile(t *testing.T) {
	ref := load(t)
	p, err := Profile(ref.X, ref.Taus, Resampling{Key: rng.New(1), Reps: 500})
	if err != nil {
		t.Fatal(err)
	}
	for i, ci := range p {
		near(t, "profile", ci.Value, ref.Profile[i], 1e-12)
		if inside := ci.Value > 0 && ci.Value < 1; ci.Lo > ci.Value || ci.Hi < ci.Value || inside && ci.Lo == ci.Hi {
			t.Errorf("interval of the profile at %v: %+v", ref.Taus[i], ci)
		}
	}
}

// Pairs are drawn as wholes: what all pairs have in common leaves no uncertainty.
func TestPairedBootstrap(t *testing.T) {
	x, y := []float64{1, 50, 7, -3}, []float64{0, 49, 6, -4}
	ci, err := PairedBootstrap(x, y, Resampling{Reps: 100})
	if want := (Interval{1, 1, 1}); err != nil || ci != want {
		t.Errorf("%+v, %v; want %+v", ci, err, want)
	}
}
