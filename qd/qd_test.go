package qd

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// mapElites is MAP-Elites by a map, one solution after the other.
type mapElites map[int]struct{ objective, x float32 }

func randomBatch(b *Batch, k rng.Key) {
	r := k.Stream(9, 0, 0)
	for i := range b.N {
		b.Sol[i] = float32(i) + r.Float32()
		b.Objective[i] = r.Norm()
		b.Measures[2*i], b.Measures[2*i+1] = r.Range(-1.5, 1.5), r.Range(-1.5, 1.5)
	}
}

func TestCellsAgainstAMap(t *testing.T) {
	grid, err := NewGrid([]int{7, 5}, [][2]float32{{-1, 1}, {-1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewCells(grid, 1, CellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := mapElites{}
	b := NewBatch(50, 1, 2)
	for step := range 40 {
		randomBatch(b, rng.New(uint64(step)))
		before := mapElites{}
		for c, e := range want {
			before[c] = e
		}
		if err := a.Add(b); err != nil {
			t.Fatal(err)
		}
		for i := range b.N {
			cell := func(x float32, n int) int {
				return min(max(int(math.Floor(float64(x+1)/2*float64(n))), 0), n-1)
			}
			c := cell(b.Measures[2*i], 7)*5 + cell(b.Measures[2*i+1], 5)
			old, there := before[c]
			status, gain := New, b.Objective[i]
			if there {
				status, gain = Improved, b.Objective[i]-old.objective
				if gain <= 0 {
					status = Rejected
				}
			}
			if b.Status[i] != status || math.Abs(float64(b.Gain[i]-gain)) > 1e-5 {
				t.Fatalf("step %d, solution %d: %v with gain %v, want %v with %v", step, i, b.Status[i], b.Gain[i], status, gain)
			}
			if e, ok := want[c]; !ok || b.Objective[i] > e.objective {
				want[c] = struct{ objective, x float32 }{b.Objective[i], b.Sol[i]}
			}
		}
	}
	if a.Len() != len(want) {
		t.Fatalf("%d elites, want %d", a.Len(), len(want))
	}
	for c, e := range want {
		got, ok := a.At(c)
		if !ok || got.Objective != e.objective || got.Sol[0] != e.x || grid.Cell(got.Measures) != c {
			t.Errorf("cell %d holds %+v, want %+v", c, got, e)
		}
	}
}

// The threshold after a batch is that of single steps of the paper's rule where all accepted
// objectives are equal, and does not depend on their order.
func TestThresholds(t *testing.T) {
	grid, _ := NewGrid([]int{1}, [][2]float32{{0, 1}})
	zero, alpha := 0.0, 0.1
	a, err := NewCells(grid, 1, CellOptions{LearningRate: alpha, Threshold: &zero})
	if err != nil {
		t.Fatal(err)
	}
	b := NewBatch(4, 1, 1)
	copy(b.Objective, []float32{2, -1, 2, 2})
	if err := a.Add(b); err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for range 3 {
		want = (1-alpha)*want + alpha*2
	}
	if math.Abs(a.threshold[0]-want) > 1e-12 {
		t.Errorf("threshold %v, want %v", a.threshold[0], want)
	}
	if fmt.Sprint(b.Status) != "[new rejected new new]" {
		t.Errorf("status %v", b.Status)
	}
	copy(b.Objective, []float32{1, 1, 1, 0.5}) // below the elite, above the threshold of 0.542
	if err := a.Add(b); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(b.Status) != "[improved improved improved rejected]" || a.Elite(0).Objective != 1 {
		t.Errorf("status %v, elite %v", b.Status, a.Elite(0).Objective)
	}
}

func TestNearestAgainstAllPoints(t *testing.T) {
	for dim := 1; dim <= 4; dim++ {
		r := rng.New(uint64(dim)).Stream(0, 0, 0)
		points := make([]float32, 500*dim)
		for i := range points {
			points[i] = float32(int(r.Range(0, 40))) / 40 // many equal coordinates
		}
		tree := newTree(points, dim)
		for range 2000 {
			x := make([]float32, dim)
			for j := range x {
				x[j] = r.Range(-0.3, 1.3)
			}
			dist := func(p []float32) (d float32) {
				for j := range p {
					d += (p[j] - x[j]) * (p[j] - x[j])
				}
				return d
			}
			best := float32(math.Inf(1))
			for i := range 500 {
				best = min(best, dist(points[i*dim:(i+1)*dim]))
			}
			if got := dist(tree.at(int32(tree.nearest(x)))); math.Abs(float64(got-best)) > 1e-6 {
				t.Fatalf("%d dimensions: nearest at squared distance %v, want %v", dim, got, best)
			}
		}
	}
}

// Plain CMA-ES solves textbook functions in about the number of evaluations of the literature:
// Hansen's tutorial code needs some 1,600 for the 10-D sphere to 1e-9 and some 6,000 for the
// 10-D Rosenbrock function.
func TestCMAES(t *testing.T) {
	const dim = 10
	for _, c := range []struct {
		name  string
		evals int
		f     func(x []float64) float64
	}{
		{"sphere", 2_500, func(x []float64) (s float64) {
			for _, v := range x {
				s += v * v
			}
			return s
		}},
		{"ellipsoid of condition 1e6", 9_000, func(x []float64) (s float64) {
			for i, v := range x {
				s += math.Pow(1e6, float64(i)/(dim-1)) * v * v
			}
			return s
		}},
		{"rosenbrock", 9_000, func(x []float64) (s float64) {
			for i := range dim - 1 {
				s += 100*math.Pow(x[i]*x[i]-x[i+1], 2) + math.Pow(x[i]-1, 2)
			}
			return s
		}},
	} {
		grid, _ := NewGrid([]int{1}, [][2]float32{{0, 1}})
		a, err := NewCells(grid, dim, CellOptions{})
		if err != nil {
			t.Fatal(err)
		}
		x0 := make([]float32, dim)
		for i := range x0 {
			x0[i] = 0.1
		}
		s := &Search{
			Shape: Shape{Dim: dim, Measures: 1}, Archive: a, PerEmit: 10, Key: rng.New(2),
			Emitters: []Emitter{NewEvolution(EvolutionOptions{X0: x0, Sigma: 0.3, Batch: 10, Rank: ByObjective})},
			Evaluate: func(b *Batch) error {
				x := make([]float64, dim)
				for i := range b.N {
					for j := range x {
						x[j] = float64(b.Sol[i*dim+j])
					}
					b.Objective[i] = float32(-c.f(x))
				}
				return nil
			},
		}
		for range c.evals / 10 {
			if err := s.Step(); err != nil {
				t.Fatal(err)
			}
		}
		if best := -a.Elite(0).Objective; best > 1e-8 {
			t.Errorf("%s: best %g after %d evaluations, want below 1e-8", c.name, best, c.evals)
		}
	}
}

// Samples have the mean and the covariance that the state says.
func TestSampleMoments(t *testing.T) {
	const dim, n = 3, 60_000
	s := newCMAES(dim, n, 0.5)
	s.reset([]float32{1, 2, 3})
	copy(s.c.Data, []float64{4, 0, 0, 1, 2, 0, -1, 0.5, 3})
	s.factorise()
	sol := make([]float32, n*dim)
	s.sample(sol, rng.New(1))
	for i := range dim {
		for j := range i + 1 {
			mean, cov := 0.0, 0.0
			for r := range n {
				mean += float64(sol[r*dim+i]) / n
				cov += (float64(sol[r*dim+i]) - s.mean[i]) * (float64(sol[r*dim+j]) - s.mean[j]) / n
			}
			if math.Abs(mean-s.mean[i]) > 0.03 || math.Abs(cov-0.25*s.c.Data[i*dim+j]) > 0.03 {
				t.Errorf("mean %v, want %v; covariance %d,%d %v, want %v", mean, s.mean[i], i, j, cov, 0.25*s.c.Data[i*dim+j])
			}
		}
	}
}

func TestVariation(t *testing.T) {
	grid, _ := NewGrid([]int{10, 10}, [][2]float32{{-1, 1}, {-1, 1}})
	evaluate := func(b *Batch) error {
		for i := range b.N {
			x := b.Sol[4*i : 4*i+4]
			b.Objective[i] = -(x[2]*x[2] + x[3]*x[3])
			copy(b.Measures[2*i:2*i+2], x)
		}
		return nil
	}
	for name, e := range map[string]Emitter{
		"gaussian": &Gaussian{X0: make([]float32, 4), Sigma: 0.1, Bounds: Bounds{-1, 1}},
		"isoline":  &IsoLine{X0: make([]float32, 4), Iso: 0.1, Line: 0.2, Bounds: Bounds{-1, 1}},
	} {
		a, err := NewCells(grid, 4, CellOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s := &Search{Shape: Shape{Dim: 4, Measures: 2}, Archive: a, Emitters: []Emitter{e}, PerEmit: 64, Evaluate: evaluate, Key: rng.New(5)}
		for range 150 {
			if err := s.Step(); err != nil {
				t.Fatal(err)
			}
		}
		if st := Summarize(a, 100, -2); st.Coverage < 0.99 || st.Mean < -0.1 {
			t.Errorf("%s: %+v, want full coverage and a mean near 0", name, st)
		}
		for i := range a.Len() {
			for _, x := range a.Elite(i).Sol {
				if x < -1 || x > 1 {
					t.Fatalf("%s: parameter %v is out of bounds", name, x)
				}
			}
		}
	}
}

func TestErrors(t *testing.T) {
	grid, _ := NewGrid([]int{2, 2}, [][2]float32{{0, 1}, {0, 1}})
	a, _ := NewCells(grid, 3, CellOptions{})
	b := NewBatch(2, 3, 2)
	b.Measures[3] = float32(math.NaN())
	wrong := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one about %q", err, want)
		}
	}
	wrong(a.Add(b), "measure 1 of solution 1 is NaN")
	b.Measures[3], b.Objective[1] = 0, float32(math.Inf(-1))
	wrong(a.Add(b), "objective of solution 1 is -Inf")
	if a.Len() != 0 {
		t.Error("a refused batch left elites behind")
	}
	wrong(a.Add(NewBatch(2, 4, 2)), "has 8 parameters")
	_, err := NewGrid([]int{2}, [][2]float32{{1, 1}})
	wrong(err, "rising range")
	_, err = NewCells(grid, 3, CellOptions{LearningRate: 0.5})
	wrong(err, "needs a threshold")
	_, err = NewCVT(10, [][2]float32{{0, 1}}, 5, 1, rng.New(1))
	wrong(err, "a sample a cell")
}

func TestNoAllocs(t *testing.T) {
	s := sphereSearch(t, 20, 0.1, 1)
	e := s.Emitters[0].(*Evolution)
	b := NewBatch(36, 20, 2)
	one := func() {
		e.Ask(b, s.Archive, rng.New(1))
		if err := sphere(20)(b); err != nil {
			t.Fatal(err)
		}
		if err := s.Result.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	one()
	if n := testing.AllocsPerRun(50, one); n > 1 { // sphere(20) itself is one
		t.Errorf("%v allocations an iteration, want none", n)
	}
}

// A search of five lines: as many different points as possible, each close to the x axis.
func ExampleSearch() {
	grid, _ := NewGrid([]int{20}, [][2]float32{{0, 1}})
	archive, _ := NewCells(grid, 2, CellOptions{})
	s := Search{
		Shape: Shape{Dim: 2, Measures: 1}, Archive: archive, Emitters: []Emitter{&IsoLine{X0: []float32{0, 1}, Iso: 0.05, Line: 0.2}}, PerEmit: 50,
		Evaluate: func(b *Batch) error {
			for i := range b.N {
				x, y := b.Sol[2*i], b.Sol[2*i+1]
				b.Measures[i], b.Objective[i] = x, -y*y
			}
			return nil
		},
	}
	for range 100 {
		if err := s.Step(); err != nil {
			fmt.Println(err)
		}
	}
	st := Summarize(archive, grid.Cells(), -1)
	fmt.Printf("%d of %d niches\n", st.Elites, grid.Cells())
	// Output: 20 of 20 niches
}

func BenchmarkAdd(b *testing.B) {
	grid, _ := NewGrid([]int{100, 100}, [][2]float32{{-1, 1}, {-1, 1}})
	a, _ := NewCells(grid, 100, CellOptions{})
	batch := NewBatch(1000, 100, 2)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		r := rng.New(uint64(i)).Stream(1, 0, 0)
		for j := range batch.N {
			batch.Objective[j] = r.Norm()
			batch.Measures[2*j], batch.Measures[2*j+1] = r.Range(-1, 1), r.Range(-1, 1)
		}
		b.StartTimer()
		if err := a.Add(batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "solutions/s")
}

func BenchmarkSphere(b *testing.B) {
	s := sphereSearch(b, 100, 0.01, 1)
	for b.Loop() {
		if err := s.Step(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(540*float64(b.N)/b.Elapsed().Seconds(), "evaluations/s")
}
