package qd

import (
	"flag"
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/terrarium-rl/terrarium/env/rng"
)

var iterations = flag.Int("sphere-iterations", 150, "iterations of TestSphere; the published figure is for 10000")

// sphere is the linear projection benchmark of Fontaine et al. (CMA-ME, GECCO 2020, section 5):
// a shifted sphere as the objective, scaled to 0..100, and as measures the sums of the first
// and of the second half of the parameters, those outside +-5.12 folded back to 5.12/x.
func sphere(dim int) func(*Batch) error {
	const shift = 5.12 * 0.4
	worst := (-5.12 - shift) * (-5.12 - shift) * float64(dim)
	return func(b *Batch) error {
		for i := range b.N {
			sum, m := 0.0, [2]float64{}
			for j, x := range b.Sol[i*dim : (i+1)*dim] {
				x := float64(x)
				sum += (x - shift) * (x - shift)
				if math.Abs(x) > 5.12 {
					x = 5.12 / x
				}
				m[2*j/dim] += x
			}
			b.Objective[i] = float32(100 * (1 - sum/worst))
			b.Measures[2*i], b.Measures[2*i+1] = float32(m[0]), float32(m[1])
		}
		return nil
	}
}

func sphereArchives(t testing.TB, dim int, alpha float64) (*Cells, *Cells) {
	t.Helper()
	bound := float32(dim) / 2 * 5.12
	grid, err := NewGrid([]int{100, 100}, [][2]float32{{-bound, bound}, {-bound, bound}})
	if err != nil {
		t.Fatal(err)
	}
	zero := 0.0
	annealed, err := NewCells(grid, dim, CellOptions{LearningRate: alpha, Threshold: &zero})
	if err != nil {
		t.Fatal(err)
	}
	result, err := NewCells(grid, dim, CellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return annealed, result
}

func sphereSearch(t testing.TB, dim int, alpha float64, seed uint64) *Search {
	annealed, result := sphereArchives(t, dim, alpha)
	s := &Search{Shape: Shape{Dim: dim, Measures: 2}, Archive: annealed, Result: result, PerEmit: 36, Evaluate: sphere(dim), Key: rng.New(seed)}
	for range 15 {
		s.Emitters = append(s.Emitters, NewEvolution(EvolutionOptions{
			X0: make([]float32, dim), Sigma: 0.5, Batch: 36, Rank: ByImprovement,
		}))
	}
	return s
}

// The protocol is that of pyribs' CMA-MAE tutorial: 15 emitters of 36, sigma 0.5, a grid of
// 100 x 100, alpha 0.01, thresholds from 0, 10,000 iterations. Run it in full with
//
//	go test ./qd -run TestSphere -v -args -sphere-iterations 10000
//
// pyribs 0.12 publishes a coverage of 80.82 % and a normalised QD score of 63.22; this gives
// 90.10 % and 69.10. The difference is two slips in the CMA-ES there: its rank-one update is
// weighted by c1 squared, and its evolution path of the covariance is not divided by sigma.
// With the same two changes made to a copy of this package, the run gives 80.79 % and 63.26.
func TestSphere(t *testing.T) {
	const dim = 100
	s := sphereSearch(t, dim, 0.01, 1)
	for range *iterations {
		if err := s.Step(); err != nil {
			t.Fatal(err)
		}
	}
	st := Summarize(s.Result, 10_000, 0)
	score := st.QDScore / 10_000
	t.Logf("%d iterations: coverage %.2f %%, normalised QD score %.2f, best %.2f", *iterations, 100*st.Coverage, score, st.Best)
	switch {
	case *iterations >= 10_000 && score < 68:
		t.Errorf("normalised QD score %.2f, want above 68", score)
	case *iterations >= 150 && score < 20: // seeds 1 to 4 give 24.9 to 29.2; a first guess of 25, made before any run, failed at seed 1
		t.Errorf("normalised QD score %.2f, want above 20", score)
	}
}

// The state of a search does not depend on how many CPUs ran its emitters.
func TestSearchDoesNotDependOnCPUs(t *testing.T) {
	run := func(procs int) *Search {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		s := sphereSearch(t, 20, 0.1, 3)
		for range 20 {
			if err := s.Step(); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	a, b := run(1), run(3)
	if a.Result.Len() != b.Result.Len() || a.Result.Len() < 100 {
		t.Fatalf("%d and %d elites, want equally many, over 100", a.Result.Len(), b.Result.Len())
	}
	for i := range a.Result.Len() {
		if !slices.Equal(a.Result.Elite(i).Sol, b.Result.Elite(i).Sol) {
			t.Fatalf("elite %d differs", i)
		}
	}
}

// arm is the 12-joint planar arm of Cully et al. (2015) as in pyribs' tutorial: links of
// length 1, objective minus the variance of the angles, measures the position of the tip.
func arm(b *Batch) error {
	const n = 12
	for i := range b.N {
		q := b.Sol[i*n : (i+1)*n]
		sum, sq, angle, x, y := 0.0, 0.0, 0.0, 0.0, 0.0
		for _, a := range q {
			sum += float64(a)
			sq += float64(a) * float64(a)
			angle += float64(a)
			s, c := math.Sincos(angle)
			x, y = x+c, y+s
		}
		b.Objective[i] = float32(-(sq/n - sum/n*sum/n))
		b.Measures[2*i], b.Measures[2*i+1] = float32(x), float32(y)
	}
	return nil
}

// pyribs' arm tutorial fills 7,928 of 10,000 CVT cells in 700 iterations of 5 x 30.
func TestArm(t *testing.T) {
	cvt, err := NewCVT(10_000, [][2]float32{{-12, 12}, {-12, 12}}, 50_000, 8, rng.New(1))
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewCells(cvt, 12, CellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := &Search{Shape: Shape{Dim: 12, Measures: 2}, Archive: a, PerEmit: 30, Evaluate: arm, Key: rng.New(1)}
	for range 5 {
		s.Emitters = append(s.Emitters, NewEvolution(EvolutionOptions{
			X0: make([]float32, 12), Sigma: 0.1, Batch: 30, Rank: ByNewThenImprovement, Filter: true, Bounds: Bounds{-math.Pi, math.Pi},
		}))
	}
	begin := time.Now()
	for range 700 {
		if err := s.Step(); err != nil {
			t.Fatal(err)
		}
	}
	st := Summarize(a, 10_000, -20)
	t.Logf("%d cells in 105000 evaluations and %v", st.Elites, time.Since(begin).Round(time.Millisecond))
	if st.Elites < 7_500 {
		t.Errorf("%d cells, want at least 7500", st.Elites)
	}
}
