package stax

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd/describe"
)

const (
	dim    = 20
	pixels = 10
)

// reach is where an arm of twenty links ends that the parameters, of -5 to 5, bend.
func reach(sol []float32) (x, y float64) {
	angle := 0.0
	for _, v := range sol {
		angle += float64(v) * 0.25
		s, c := math.Sincos(angle)
		x, y = x+c/dim, y+s/dim
	}
	return x, y
}

// areas are where rewards lie, each with one peak.
var areas = [][3]float64{{-0.6, 0.2, 0.18}, {0.1, -0.8, 0.12}}

// evaluate draws the tip as a spot on a raster, which follow two numbers that only tests look
// at: its true place.
func evaluate(sol []float32, n int, obs, reward []float32) error {
	const width = pixels*pixels + 2
	for i := range n {
		x, y := reach(sol[i*dim : (i+1)*dim])
		o := obs[i*width : (i+1)*width]
		for p := range pixels * pixels {
			px, py := (float64(p%pixels)+0.5)/pixels*2-1, (float64(p/pixels)+0.5)/pixels*2-1
			o[p] = float32(math.Exp(-((x-px)*(x-px) + (y-py)*(y-py)) / 0.08))
		}
		o[width-2], o[width-1] = float32(x), float32(y)
		reward[i] = 0
		for _, a := range areas {
			if d := math.Hypot(x-a[0], y-a[1]); d < a[2] {
				reward[i] = float32(1 - d/a[2])
			}
		}
	}
	return nil
}

// raster is an autoencoder that does not see the last two numbers.
type raster struct{ *describe.Autoencoder }

func cut(obs []float32, rows int) []float32 {
	var out []float32
	for i := range rows {
		out = append(out, obs[i*(pixels*pixels+2):][:pixels*pixels]...)
	}
	return out
}

func (r raster) Describe(dst, surprise, obs []float32, rows int) {
	r.Autoencoder.Describe(dst, surprise, cut(obs, rows), rows)
}

func (r raster) Train(obs []float32, rows int, k rng.Key) (bool, error) {
	return r.Autoencoder.Train(cut(obs, rows), rows, k)
}

func options(t *testing.T, learned, surprise, exploit bool) Options {
	t.Helper()
	how := ByNovelty
	if surprise {
		how = ByCoin
	}
	o := Options{
		Dim: dim, Obs: pixels*pixels + 2, Population: 25, Chunk: 250, Sigma: 0.3, Patience: 40, Select: how, Exploit: exploit,
		Evaluate: evaluate, Key: rng.New(1), Describer: describe.Columns{Obs: pixels*pixels + 2, Take: []int{pixels * pixels, pixels*pixels + 1}},
	}
	if learned {
		a, err := describe.NewAutoencoder(describe.AutoencoderOptions{Frame: pixels * pixels, Code: 4, Rate: 3e-3, Epochs: 40, Key: rng.New(7)})
		if err != nil {
			t.Fatal(err)
		}
		o.Describer = raster{a}
	}
	return o
}

func run(t *testing.T, o Options, evaluations uint64) *Search {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for s.Evaluations < evaluations {
		if err := s.Step(); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// cover counts the cells of a grid of 20 x 20 in which the archive has a tip.
func cover(s *Search) int {
	cells := map[[2]int]bool{}
	for _, a := range s.Archive {
		x, y := reach(a.Sol)
		cells[[2]int{int((x + 1) * 10), int((y + 1) * 10)}] = true
	}
	return len(cells)
}

func TestVariants(t *testing.T) {
	const budget = 6000
	random := 0
	{
		r, cells := rng.New(5).Stream(0, 0, 0), map[[2]int]bool{}
		s := run(t, options(t, false, false, false), budget)
		for range len(s.Archive) {
			sol := make([]float32, dim)
			for i := range sol {
				sol[i] = r.Range(-5, 5)
			}
			x, y := reach(sol)
			cells[[2]int{int((x + 1) * 10), int((y + 1) * 10)}] = true
		}
		random = len(cells)
		if n := cover(s); n < random {
			t.Errorf("novelty search covers %d cells, as many random solutions %d", n, random)
		}
		t.Logf("random %d, novelty search %d", random, cover(s))
	}
	for _, c := range []struct {
		name                       string
		learned, surprise, exploit bool
	}{{"taxons", true, true, false}, {"serene", false, false, true}, {"stax", true, true, true}} {
		s := run(t, options(t, c.learned, c.surprise, c.exploit), budget)
		st := s.Stats()
		t.Logf("%s: %+v, covers %d, best in the areas %v", c.name, st, cover(s), bestInAreas(s))
		if c.exploit && st.Best < 0.95 {
			t.Errorf("%s: the best reward is %v, want above 0.95", c.name, st.Best)
		}
		if c.learned != (st.Version > 0) {
			t.Errorf("%s: descriptors of version %d", c.name, st.Version)
		}
		// All descriptors are of the newest version.
		old := s.kept()
		want := make([]Solution, len(old))
		for i, a := range old {
			want[i] = *a
		}
		s.describe(old)
		for i, a := range old {
			for j, v := range a.Descriptor {
				if math.Abs(float64(v-want[i].Descriptor[j])) > 1e-5 {
					t.Fatalf("%s: solution %d has descriptor %v, the describer says %v", c.name, i, want[i].Descriptor, a.Descriptor)
				}
			}
		}
	}
}

// bestInAreas returns the greatest reward met in each area.
func bestInAreas(s *Search) (best [2]float32) {
	for _, a := range s.Rewards {
		x, y := reach(a.Sol)
		for i, area := range areas {
			if math.Hypot(x-area[0], y-area[1]) < area[2] {
				best[i] = max(best[i], a.Reward)
			}
		}
	}
	return best
}

// Searches with emitters climb both areas. Of the seeds 1 to 30, with autoencoders of as many,
// SERENE found both with all and STAX with 29: what a few seeds find is told here, and one may miss.
func TestAreas(t *testing.T) {
	for name, learned := range map[string]bool{"serene": false, "stax": true} {
		found := 0
		for seed := range uint64(5) {
			o := options(t, learned, learned, true)
			o.Key = rng.New(seed + 1)
			if learned {
				a, err := describe.NewAutoencoder(describe.AutoencoderOptions{Frame: pixels * pixels, Code: 4, Rate: 3e-3, Epochs: 40, Key: rng.New(seed + 101)})
				if err != nil {
					t.Fatal(err)
				}
				o.Describer = raster{a}
			}
			if best := bestInAreas(run(t, o, 6000)); best[0] > 0.8 && best[1] > 0.8 {
				found++
			}
		}
		if found < 4 {
			t.Errorf("%s climbed both areas with %d of 5 seeds, want at least 4", name, found)
		}
	}
}

// Selections and the schedule differ in what they do, and repeat.
func TestSelections(t *testing.T) {
	results := map[[2]float64]bool{}
	for _, how := range []Selection{ByNovelty, ByCoin, ByFronts, ByReward} {
		for _, when := range []Schedule{Alternating, UCB} {
			o := options(t, true, false, true)
			o.Select, o.Schedule = how, when
			s := run(t, o, 3000)
			results[[2]float64{float64(cover(s)), float64(s.Stats().Rewards)}] = true
			if when == UCB && (s.Pulls[0] == 0 || s.Pulls[1] == 0 || !(s.Worth[0] <= 0)) {
				t.Errorf("selection %d: UCB pulled %v times, worth %v", how, s.Pulls, s.Worth)
			}
		}
	}
	if len(results) < 7 {
		t.Errorf("8 ways give %d different results", len(results))
	}
}

// The first population is normal, as the authors' program draws it, and clipped to the bounds.
func TestFirstPopulation(t *testing.T) {
	o := options(t, false, false, false)
	o.Population, o.Bound = 2000, 2
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.begin(); err != nil {
		t.Fatal(err)
	}
	n, sum, sq, clipped := 0.0, 0.0, 0.0, 0.0
	for _, a := range s.Population {
		for _, v := range a.Sol {
			n, sum, sq = n+1, sum+float64(v), sq+float64(v)*float64(v)
			if v == 2 || v == -2 {
				clipped++
			}
			if v > 2 || v < -2 {
				t.Fatalf("parameter %v is out of bounds", v)
			}
		}
	}
	// Of a normal number clipped at 2: variance 0.9205, and 4.55 % at the bounds.
	if m, v, c := sum/n, sq/n, clipped/n; math.Abs(m) > 0.03 || math.Abs(v-0.9205) > 0.04 || math.Abs(c-0.0455) > 0.006 {
		t.Errorf("mean %v, variance %v, %v at the bounds; want 0, 0.92 and 0.0455", m, v, c)
	}
}

// An emitter ends once it has lived Patience steps and over the last of them neither the median nor
// the greatest of its members' rewards has risen.
func TestOver(t *testing.T) {
	o := options(t, false, false, true)
	o.Members, o.Patience = 2, 30
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	history := func(steps int, reward func(step, member int) float32) *Emitter {
		e := &Emitter{Steps: steps}
		for i := range steps + 1 {
			e.Values = append(e.Values, reward(i, 0), reward(i, 1))
		}
		return e
	}
	for _, c := range []struct {
		name   string
		steps  int
		reward func(step, member int) float32
		over   bool
	}{
		{"young", 30, func(int, int) float32 { return 1 }, false},
		{"rising", 31, func(i, m int) float32 { return float32(i) }, false},
		{"flat", 31, func(int, int) float32 { return 1 }, true},
		{"flat for long, rising now", 60, func(i, m int) float32 { return float32(max(i, 35)) }, false},
		{"only the worst rises", 40, func(i, m int) float32 { return []float32{100, float32(i)}[m] }, true},
		{"only the best rises", 40, func(i, m int) float32 { return []float32{float32(i), 0}[m] }, false},
		{"fell", 40, func(i, m int) float32 { return float32(-i) }, true},
	} {
		if over := s.over(history(c.steps, c.reward)); over != c.over {
			t.Errorf("%s: over is %v", c.name, over)
		}
	}
}

// Trainings come after 1, 3, 6, 10, ... chunks of exploration.
func TestTrainingSchedule(t *testing.T) {
	s, err := New(options(t, true, true, false))
	if err != nil {
		t.Fatal(err)
	}
	var at []int
	for s.Chunks < 11 {
		before := s.Version
		if err := s.Step(); err != nil {
			t.Fatal(err)
		}
		if s.Version > before {
			at = append(at, s.Chunks)
		}
	}
	if !slices.Equal(at, []int{1, 3, 6, 10}) {
		t.Errorf("trained after chunks %v, want 1, 3, 6, 10", at)
	}
}

// A search that is saved and loaded goes on to the same bits, retraining on old data included.
func TestResume(t *testing.T) {
	whole := run(t, options(t, true, true, true), 4000)
	part := run(t, options(t, true, true, true), 1500)
	data, err := part.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := New(options(t, true, true, true))
	if err != nil {
		t.Fatal(err)
	}
	if err := again.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	trained := again.Version
	for again.Evaluations < 4000 {
		if err := again.Step(); err != nil {
			t.Fatal(err)
		}
	}
	if again.Stats() != whole.Stats() || again.Version == trained || len(again.Rewards) == 0 {
		t.Fatalf("%+v, want %+v with another training", again.Stats(), whole.Stats())
	}
	for i, a := range whole.kept() {
		if b := again.kept()[i]; !slices.Equal(a.Sol, b.Sol) || !slices.Equal(a.Descriptor, b.Descriptor) || a.Reward != b.Reward {
			t.Fatalf("solution %d is %+v, want %+v", i, b, a)
		}
	}
	if err := again.UnmarshalBinary(data[:len(data)/2]); err == nil {
		t.Error("a state that is cut off was accepted")
	}
	other, _ := New(options(t, false, false, true))
	if err := other.UnmarshalBinary(data); err == nil || !strings.Contains(err.Error(), "describer of") {
		t.Errorf("a state of another describer: error %v", err)
	}
}

func TestErrors(t *testing.T) {
	o := options(t, false, false, false)
	o.Evaluate = func(_ []float32, _ int, obs, _ []float32) error { obs[3] = float32(math.NaN()); return nil }
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Step(); err == nil || !strings.Contains(err.Error(), "observation 3 of solution 0 is NaN") {
		t.Errorf("error %v", err)
	}
	o.Describer = nil
	if _, err := New(o); err == nil {
		t.Error("a search without describer was accepted")
	}
}
