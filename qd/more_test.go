package qd

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

func gridArchive(t *testing.T, dim, cells int, o CellOptions) *Cells {
	t.Helper()
	g, err := NewGrid([]int{cells, cells}, [][2]float32{{-1, 1}, {-1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewCells(g, dim, o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Ask and Tell do what Step does, alternate, and count evaluations.
func TestAskTell(t *testing.T) {
	evaluate := func(b *Batch) error {
		for i := range b.N {
			x, y := b.Sol[2*i], b.Sol[2*i+1]
			b.Objective[i], b.Measures[2*i], b.Measures[2*i+1] = -x*x, x, y
		}
		return nil
	}
	fresh := func() *Search {
		return &Search{
			Shape: Shape{Dim: 2, Measures: 2}, Archive: gridArchive(t, 2, 10, CellOptions{}), PerEmit: 7, Evaluate: evaluate, Key: rng.New(1),
			Emitters: []Emitter{&IsoLine{X0: []float32{0, 0}, Iso: 0.1, Line: 0.2}, NewEvolution(EvolutionOptions{X0: []float32{0, 0}, Sigma: 0.2, Batch: 7})},
		}
	}
	a, b := fresh(), fresh()
	if err := a.Tell(); !errors.Is(err, ErrOrder) {
		t.Errorf("Tell before Ask: error %v", err)
	}
	for range 20 {
		batch, err := a.Ask()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Ask(); !errors.Is(err, ErrOrder) {
			t.Errorf("Ask after Ask: error %v", err)
		}
		if _, err := a.AppendBinary(nil); err == nil {
			t.Error("a search that waits for Tell was saved")
		}
		if err := errors.Join(evaluate(batch), a.Tell(), b.Step()); err != nil {
			t.Fatal(err)
		}
	}
	x, _ := a.Archive.(*Cells).AppendBinary(nil)
	y, _ := b.Archive.(*Cells).AppendBinary(nil)
	if !slices.Equal(x, y) || b.Evaluations() != 280 || a.Evaluations() != 0 {
		t.Errorf("archives equal: %v; Step counts %d evaluations, want 280, and the caller's are its own: %d", slices.Equal(x, y), b.Evaluations(), a.Evaluations())
	}
	if _, err := (&Search{}).Ask(); !errors.Is(err, ErrShape) {
		t.Errorf("an empty search: error %v", err)
	}
}

// What is outside is counted, and clipped, rejected or refused.
func TestOutside(t *testing.T) {
	for _, how := range []Outside{Clip, Reject, Refuse} {
		a := gridArchive(t, 1, 4, CellOptions{Outside: how})
		b := NewBatch(3, 1, 2)
		copy(b.Measures, []float32{0.1, 0.1, 1.5, 0, 1, -1})
		err := a.Add(b)
		switch how {
		case Clip:
			if a.Len() != 3 || a.Outside() != 1 || err != nil {
				t.Errorf("clip: %d elites, %d outside, error %v", a.Len(), a.Outside(), err)
			}
		case Reject:
			if a.Len() != 2 || a.Outside() != 1 || b.Status[1] != Rejected || err != nil {
				t.Errorf("reject: %d elites, %d outside, status %v, error %v", a.Len(), a.Outside(), b.Status, err)
			}
		case Refuse:
			if a.Len() != 0 || !errors.Is(err, ErrOutside) {
				t.Errorf("refuse: %d elites, error %v", a.Len(), err)
			}
		}
	}
}

// Uniformity is 1 for equal counts, and 1 - sqrt of the divergence worked out by hand for others.
func TestUniformity(t *testing.T) {
	if u := uniformity([]uint32{5, 5, 5}); u != 1 {
		t.Errorf("equal counts have uniformity %v", u)
	}
	// All in one of two: p = (1, 0), q = (1/2, 1/2), m = (3/4, 1/4).
	want := 1 - math.Sqrt((math.Log2(4.0/3)+0.5*math.Log2(2.0/3)+0.5*math.Log2(2))/2)
	if u := uniformity([]uint32{9, 0}); math.Abs(u-want) > 1e-12 {
		t.Errorf("uniformity %v, want %v", u, want)
	}
	a := gridArchive(t, 1, 2, CellOptions{})
	if !math.IsNaN(Summarize(a, 4, 0).Uniformity) {
		t.Error("an empty archive has a uniformity")
	}
	b := NewBatch(4, 1, 2)
	copy(b.Measures, []float32{-0.5, -0.5, 0.5, 0.5, -0.5, 0.5, 0.5, -0.5})
	for range 3 { // what is rejected counts too
		if err := a.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	if u := Summarize(a, 4, 0).Uniformity; u != 1 {
		t.Errorf("even visits have uniformity %v", u)
	}
}

// With noise, archives that confirm what they accept hold less luck; and evaluations are counted.
func TestResample(t *testing.T) {
	luck := func(resample int) float64 {
		calls := uint64(0)
		s := &Search{
			Shape: Shape{Dim: 2, Measures: 2}, Archive: gridArchive(t, 2, 5, CellOptions{}), PerEmit: 20, Key: rng.New(1), Resample: resample,
			Emitters: []Emitter{&Random{Dim: 2, Bounds: Bounds{-1, 1}}},
			Evaluate: func(b *Batch) error {
				calls++
				r := rng.New(calls).Stream(9, 0, 0)
				for i := range b.N { // the true objective is 0
					b.Objective[i], b.Measures[2*i], b.Measures[2*i+1] = r.Norm(), b.Sol[2*i], b.Sol[2*i+1]
				}
				return nil
			},
		}
		for range 100 {
			if err := s.Step(); err != nil {
				t.Fatal(err)
			}
		}
		if resample > 0 && s.Evaluations() <= 2000 {
			t.Errorf("%d evaluations, want more than 2000", s.Evaluations())
		}
		return Summarize(s.Archive, 25, 0).Mean
	}
	once, five := luck(0), luck(4)
	t.Logf("elites of objective 0 are taken to have %.2f, with 5 samples %.2f", once, five)
	if five > 0.75*once {
		t.Errorf("mean %.2f with 5 samples, %.2f with one: want less than three quarters", five, once)
	}
}

// A halving scheduler gives most batches to the arm whose solutions are accepted most.
func TestHalving(t *testing.T) {
	e := NewHalving(30, fixedArm{0.1}, fixedArm{0.2}, fixedArm{0.6}, fixedArm{0.3})
	b := NewBatch(20, 1, 1)
	for i := range 300 {
		e.Ask(b, nil, rng.New(uint64(i)))
		e.Tell(b, nil, rng.New(uint64(i)))
	}
	n := []int{e.Tried(0), e.Tried(1), e.Tried(2), e.Tried(3)}
	t.Logf("batches %v", n)
	if n[2] < 150 || n[0] > 45 || n[0]+n[1]+n[2]+n[3] != 300 {
		t.Errorf("batches of the arms %v: want most of 300 for the third", n)
	}
}

// Fronts hold what brute force says, and hypervolumes are those of a fine grid.
func TestFronts(t *testing.T) {
	g, err := NewGrid([]int{3}, [][2]float32{{0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewFronts(g, 1, FrontOptions{Goals: 1, Most: 1000, Reference: []float32{0, 0}})
	if err != nil {
		t.Fatal(err)
	}
	shape := Shape{Dim: 1, Measures: 1, Goals: 1}
	var all [][4]float32 // cell, objective, goal, solution
	r := rng.New(3).Stream(0, 0, 0)
	for round := range 40 {
		b := shape.Batch(25)
		for i := range b.N {
			b.Sol[i], b.Measures[i] = float32(len(all)), r.Float32()
			x, y := r.Float32(), r.Float32()
			if l := x*x + y*y; l > 1 {
				x, y = x/l, y/l
			}
			b.Objective[i], b.Goals[i] = x, y
			all = append(all, [4]float32{float32(g.Cell(b.Measures[i : i+1])), x, y, b.Sol[i]})
		}
		if err := a.Add(b); err != nil {
			t.Fatal(err)
		}
		if round%10 == 5 { // a state that is loaded goes on alike
			data, err := a.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			again, _ := NewFronts(g, 1, a.o)
			if err := again.UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
			if err := again.UnmarshalBinary(data[:len(data)-3]); err == nil {
				t.Error("a state that is cut off was accepted")
			}
			a = again
			if err := a.UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
		}
	}
	var want, got []float32
	for _, p := range all {
		beaten := slices.ContainsFunc(all, func(q [4]float32) bool {
			return q[0] == p[0] && q != p && q[1] >= p[1] && q[2] >= p[2]
		})
		if !beaten {
			want = append(want, p[3])
		}
	}
	for i := range a.Len() {
		e := a.Elite(i)
		got = append(got, e.Sol[0])
		if p := all[int(e.Sol[0])]; p[1] != e.Objective || p[2] != e.Goals[0] {
			t.Fatalf("elite %d is %+v, want %v", i, e, p)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("the fronts hold %v, want %v", got, want)
	}
	const fine = 400
	sum := 0
	for c := range 3 {
		for ix := range fine {
			for iy := range fine {
				x, y := (float32(ix)+0.5)/fine, (float32(iy)+0.5)/fine
				if slices.ContainsFunc(all, func(q [4]float32) bool { return int(q[0]) == c && q[1] >= x && q[2] >= y }) {
					sum++
				}
			}
		}
	}
	if v := a.Hypervolumes(); math.Abs(v-float64(sum)/fine/fine) > 0.01 {
		t.Errorf("hypervolumes %v, a grid says %v", v, float64(sum)/fine/fine)
	}
	if st := Summarize(a, a.Niches(), 0); st.Coverage != 1 || st.QDScore != a.Hypervolumes() {
		t.Errorf("statistics %+v", st)
	}
	// In three dimensions, a box of 1 x 2 x 3 and one of 2 x 1 x 1 that share 1 x 1 x 1.
	if v := hypervolume([][]float32{{1, 2, 3}, {2, 1, 1}, {-1, 5, 5}}, []float32{0, 0, 0}); math.Abs(v-7) > 1e-6 {
		t.Errorf("volume %v, want 7", v)
	}
}

// A full front loses its densest member, never an end.
func TestFrontsMost(t *testing.T) {
	g, _ := NewGrid([]int{1}, [][2]float32{{0, 1}})
	a, _ := NewFronts(g, 1, FrontOptions{Goals: 1, Most: 3, Reference: []float32{0, 0}})
	for i, x := range []float32{0, 0.1, 0.15, 1} {
		b := Shape{Dim: 1, Measures: 1, Goals: 1}.Batch(1)
		b.Sol[0], b.Objective[0], b.Goals[0] = float32(i), x, 1-x
		if err := a.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	var left []float32
	for i := range a.Len() {
		left = append(left, a.Elite(i).Sol[0])
	}
	slices.Sort(left)
	if !slices.Equal(left, []float32{0, 2, 3}) {
		t.Errorf("left are %v, want 0, 2 and 3", left)
	}
}

// sphereGradient is sphere with its derivatives.
func sphereGradient(dim int) func(*Batch, []float32, rng.Key) error {
	const shift = 5.12 * 0.4
	worst := (-5.12 - shift) * (-5.12 - shift) * float64(dim)
	evaluate := sphere(dim)
	return func(b *Batch, grad []float32, _ rng.Key) error {
		clear(grad)
		for i := range b.N {
			g := grad[i*3*dim:]
			for j, x := range b.Sol[i*dim : (i+1)*dim] {
				g[j] = float32(-200 * (float64(x) - shift) / worst)
				d := 1.0
				if math.Abs(float64(x)) > 5.12 {
					d = -5.12 / float64(x) / float64(x)
				}
				g[(1+2*j/dim)*dim+j] = float32(d)
			}
		}
		return evaluate(b)
	}
}

// With gradients a search of the sphere gets much farther than CMA-ME with as many evaluations:
// figure 2 of "Differentiable quality diversity". Estimated gradients point where true ones do.
func TestArborescence(t *testing.T) {
	const dim = 200
	score := func(e Emitter, exact bool) float64 {
		_, a := sphereArchives(t, dim, 1)
		s := &Search{Shape: Shape{Dim: dim, Measures: 2}, Archive: a, PerEmit: 36, Evaluate: sphere(dim), Key: rng.New(1), Emitters: []Emitter{e}}
		if exact {
			s.Gradient = sphereGradient(dim)
		}
		for range 300 {
			if err := s.Step(); err != nil {
				t.Fatal(err)
			}
		}
		return Summarize(a, 10_000, 0).QDScore / 10_000
	}
	x0 := make([]float32, dim)
	me := score(NewEvolution(EvolutionOptions{X0: x0, Sigma: 0.5, Batch: 36, Rank: ByNewThenImprovement, Filter: true, Covariance: Separable}), false)
	mega := score(NewArborescence(ArborescenceOptions{X0: x0, Sigma: 10, Batch: 36, Rate: 1, Rank: ByNewThenImprovement}), true)
	omg := score(NewArborescence(ArborescenceOptions{X0: x0, Sigma: 10, Batch: 36}), true)
	t.Logf("normalised QD score after 10800 evaluations: CMA-ME %.2f, CMA-MEGA %.2f, OMG-MEGA %.2f", me, mega, omg)
	if mega < 3*me || omg < 3*me {
		t.Errorf("CMA-ME %.2f, CMA-MEGA %.2f, OMG-MEGA %.2f: want three times as much with gradients", me, mega, omg)
	}
	s := Shape{Dim: dim, Measures: 2}
	estimated, exact := make([]float32, 3*dim), make([]float32, 3*dim)
	b := s.Batch(1)
	for i := range b.Sol {
		b.Sol[i] = 0.3
	}
	if err := errors.Join(EstimateGradient(sphere(dim), s, 0.1, 1000)(b, estimated, rng.New(1)), sphereGradient(dim)(b, exact, rng.New(1))); err != nil {
		t.Fatal(err)
	}
	for g := range 3 {
		dot, p, q := 0.0, 0.0, 0.0
		for j := range dim {
			x, y := float64(estimated[g*dim+j]), float64(exact[g*dim+j])
			dot, p, q = dot+x*y, p+x*x, q+y*y
		}
		// 1000 pairs in 200 dimensions leave an error of about sqrt(200/1000) of the length.
		if cos := dot / math.Sqrt(p*q); cos < 0.85 {
			t.Errorf("gradient %d: the estimate has cosine %.3f with the exact one", g, cos)
		}
	}
	climber := &Search{Shape: s, Archive: gridArchive(t, dim, 5, CellOptions{}), PerEmit: 5, Evaluate: sphere(dim), Emitters: []Emitter{NewArborescence(ArborescenceOptions{X0: x0, Sigma: 1, Batch: 5})}}
	if err := climber.Step(); !errors.Is(err, ErrOrder) {
		t.Errorf("a climber without gradients: error %v", err)
	}
}

// Measures of another version are refused; an archive that was described anew takes them.
func TestReembed(t *testing.T) {
	a, err := NewUnstructured(1, 2, UnstructuredOptions{Threshold: 0.2, Replace: true})
	if err != nil {
		t.Fatal(err)
	}
	b := NewBatch(4, 1, 2)
	copy(b.Sol, []float32{0, 1, 2, 3})
	copy(b.Objective, []float32{0, 1, 2, 3})
	copy(b.Measures, []float32{0, 0, 0, 1, 1, 0, 1, 1})
	if err := a.Add(b); err != nil {
		t.Fatal(err)
	}
	err = a.Reembed(7, 0.3, func(dst []float32) { // elites 0 and 1, which are 3 and 2, become neighbours: the better one stays
		copy(dst, []float32{0, 0, 0, 0.1, 5, 0, 5, 5})
	})
	if err != nil || a.Len() != 3 || a.Version() != 7 || a.Threshold() != 0.3 {
		t.Fatalf("%d elites of version %d, %v apart, error %v", a.Len(), a.Version(), a.Threshold(), err)
	}
	for i := range a.Len() {
		if a.Elite(i).Sol[0] == 2 {
			t.Error("the worse of two neighbours was kept")
		}
	}
	if err := a.Add(b); !errors.Is(err, ErrVersion) {
		t.Errorf("measures of version 0: error %v", err)
	}
	if err := a.Reembed(8, 0.3, func(dst []float32) { dst[0] = float32(math.NaN()) }); !errors.Is(err, ErrNotFinite) || a.Len() != 3 || a.Version() != 7 {
		t.Errorf("measures that are NaN: error %v, %d elites of version %d", err, a.Len(), a.Version())
	}
	b.Version = 7
	if err := a.Add(b); err != nil {
		t.Error(err)
	}
}
