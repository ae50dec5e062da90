package aurora

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/qd/describe"
)

const (
	dim    = 4
	pixels = 8
	side   = pixels * pixels
)

// evaluate draws a spot where the first two parameters say; the measures are that place.
func evaluate(b *qd.Batch) error {
	for i := range b.N {
		x, y := math.Tanh(float64(b.Sol[i*dim])), math.Tanh(float64(b.Sol[i*dim+1]))
		b.Measures[2*i], b.Measures[2*i+1] = float32(x), float32(y)
		b.Objective[i] = -b.Sol[i*dim+2] * b.Sol[i*dim+2]
		for p := range side {
			px, py := (float64(p%pixels)+0.5)/pixels*2-1, (float64(p/pixels)+0.5)/pixels*2-1
			b.Obs[i*side+p] = float32(math.Exp(-((x-px)*(x-px) + (y-py)*(y-py)) / 0.1))
		}
	}
	return nil
}

func fresh(t *testing.T) *Archive {
	t.Helper()
	d, err := describe.NewAutoencoder(describe.AutoencoderOptions{Frame: side, Code: 3, Rate: 3e-3, Epochs: 30, Key: rng.New(3)})
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Options{
		Shape: qd.Shape{Dim: dim, Measures: 2, Obs: side}, Describer: d, Threshold: 0.05, Target: 300, Gain: 2e-4, Control: 2, Train: 10, Key: rng.New(4),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func search(t *testing.T, a *Archive) *qd.Search {
	t.Helper()
	grid, err := qd.NewGrid([]int{20, 20}, [][2]float32{{-1, 1}, {-1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := qd.NewCells(grid, dim, qd.CellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return &qd.Search{
		Shape: qd.Shape{Dim: dim, Measures: 2, Obs: side}, Archive: a, Result: r, PerEmit: 50, Key: rng.New(1), Evaluate: evaluate,
		Emitters: []qd.Emitter{&qd.IsoLine{X0: make([]float32, dim), Iso: 0.1, Line: 0.1}},
	}
}

// The archive settles at the size it aims at, covers the true space without having seen it, and
// its descriptors are always those of its describer.
func TestSettles(t *testing.T) {
	a := fresh(t)
	s := search(t, a)
	for range 200 {
		if err := s.Step(); err != nil {
			t.Fatal(err)
		}
	}
	st := qd.Summarize(s.Result, 400, 0)
	t.Logf("%d elites %.3f apart after %d trainings; coverage %.2f", a.Len(), a.Threshold(), a.counts.Trainings, st.Coverage)
	if a.Len() < 240 || a.Len() > 360 {
		t.Errorf("%d elites, want about 300", a.Len())
	}
	if a.counts.Trainings != 5 || a.Version() != 5 { // after 10, 30, 60, 100, 150 batches
		t.Errorf("%d trainings, version %d, want 5", a.counts.Trainings, a.Version())
	}
	if st.Coverage < 0.6 {
		t.Errorf("coverage %.2f, want above 0.6", st.Coverage)
	}
	d, surprise := make([]float32, 3), make([]float32, 1)
	for i := range a.Len() {
		a.o.Describer.Describe(d, surprise, a.inner.Elite(i).Sol[dim:], 1)
		for j, v := range a.Elite(i).Measures {
			if math.Abs(float64(v-d[j])) > 1e-5 {
				t.Fatalf("elite %d has descriptor %v, the describer says %v", i, a.Elite(i).Measures, d)
			}
		}
		for j := range i {
			sum := 0.0
			for c, v := range a.Elite(i).Measures {
				sum += math.Pow(float64(v-a.Elite(j).Measures[c]), 2)
			}
			if math.Sqrt(sum) < float64(a.Threshold())*0.999 {
				t.Fatalf("elites %d and %d are %v apart, want above %v", i, j, math.Sqrt(sum), a.Threshold())
			}
		}
	}
}

// A search that is saved and loaded goes on to the same bits, trainings on old data included.
func TestResume(t *testing.T) {
	whole, part := search(t, fresh(t)), search(t, fresh(t))
	for range 35 {
		if err := errors.Join(whole.Step(), part.Step()); err != nil {
			t.Fatal(err)
		}
	}
	data, err := part.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := fresh(t)
	again := search(t, a)
	if err := again.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	version := a.Version()
	for range 35 {
		if err := errors.Join(whole.Step(), again.Step()); err != nil {
			t.Fatal(err)
		}
	}
	if a.Version() == version || a.Len() != whole.Archive.Len() {
		t.Fatalf("version %d, %d elites; want a later one than %d and %d elites", a.Version(), a.Len(), version, whole.Archive.Len())
	}
	for i := range a.Len() {
		if e, f := a.Elite(i), whole.Archive.Elite(i); !slices.Equal(e.Sol, f.Sol) || !slices.Equal(e.Measures, f.Measures) {
			t.Fatalf("elite %d is %v, want %v", i, e, f)
		}
	}
	if err := fresh(t).UnmarshalBinary(data[:len(data)/2]); err == nil {
		t.Error("a state that is cut off was accepted")
	}
}

func TestErrors(t *testing.T) {
	a := fresh(t)
	if err := a.Add(qd.NewBatch(5, dim, 2)); !errors.Is(err, qd.ErrShape) {
		t.Errorf("a batch without observations: error %v", err)
	}
	b := qd.Shape{Dim: dim, Measures: 2, Obs: side}.Batch(5)
	b.Obs[7] = float32(math.NaN())
	if err := a.Add(b); !errors.Is(err, qd.ErrNotFinite) {
		t.Errorf("an observation that is NaN: error %v", err)
	}
	if _, err := New(Options{}); err == nil {
		t.Error("an archive of nothing was accepted")
	}
	for _, c := range []Config{
		{Code: 0, Hidden: []int{4}, Epochs: 1, Rate: 0.1, Threshold: 0.2, Target: 8, Control: 1, Train: 1},
		{Code: 2, Hidden: []int{0}, Epochs: 1, Rate: 0.1, Threshold: 0.2, Target: 8, Control: 1, Train: 1},
	} {
		s := qd.ArchiveSetup{Dim: dim, Bounds: [][2]float32{{-1, 1}, {-1, 1}}, Obs: side}
		if _, err := c.Build(s); err == nil {
			t.Errorf("%+v was accepted", c)
		}
		c.Code, c.Hidden = 2, []int{4}
		if _, err := c.Build(s); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
