package explore

import (
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// What saturates is told wherever it is in an expression, and goes on being told after loading.
func TestDegradations(t *testing.T) {
	const expr = "norm(count(cell=0.001, max_keys=64)) * e3b(embed=none) + clip(decay(noveld(cell=0.5), 1000), 0, 1) + 0.1 * ride(embed=none)"
	v, s := setup(t, false)
	x := parse(t, expr, s)
	var dst [rows]float32
	walk(t, v, 100, func(_ int, b *env.Batch) {
		x.Score(dst[:], b)
		update(t, x, b)
	})
	got := Degradations(x)
	if len(got) != 1 || got[0].Bonus != "count" || got[0].Count < 100 || !strings.Contains(got[0].What, "raise max_keys") {
		t.Fatalf("%+v", got)
	}
	state, err := x.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	y := parse(t, expr, s)
	if err := y.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	if again := Degradations(y); len(again) != 1 || again[0] != got[0] {
		t.Errorf("after loading %+v, want %+v", again, got)
	}
	if d := Degradations(parse(t, expr, s)); d != nil {
		t.Errorf("before the first step: %+v", d)
	}
}

// Codes of simhash that are all in use are told, and a bonus that never pays.
func TestSilentBonuses(t *testing.T) {
	v, s := setup(t, false)
	x := parse(t, "count(hash=simhash, bits=2) + count(hash=simhash, bits=30) + 0.1 * norm(episodic_count(hash=simhash, bits=1))", s)
	walk(t, v, 100, func(_ int, b *env.Batch) {
		x.Score(make([]float32, rows), b)
		if err := x.Update(b, nil); err != nil {
			t.Fatal(err)
		}
	})
	got := Degradations(x)
	zero := newLeaf(constant(0), "zero")
	never := &clip{Bonus: zero, lo: -1, hi: 1}
	for range 2 {
		never.Score(make([]float32, rows), &env.Batch{N: rows})
	}
	got = append(got, Degradations(never)...)
	want := []struct {
		bonus, what string
		count       uint64
	}{{"count", "raise bits", 4}, {"episodic_count", "raise bits", 2}, {"zero", "rows scored 0", 2 * rows}}
	for _, w := range want {
		found := false
		for _, g := range got {
			found = found || g.Bonus == w.bonus && strings.Contains(g.What, w.what) && g.Count == w.count
		}
		if !found {
			t.Errorf("%+v is not told: %+v", w, got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("told %+v, want %+v", got, want)
	}
}

// A bonus that rounding has made negative is mended from the covariance, and counted.
func TestRepairs(t *testing.T) {
	const d = 12
	e, clean, inv := newEllipse(d, 0.1), newEllipse(d, 0.1), newInverter(d)
	r := rng.New(8).Stream(0, 0, 0)
	phi := make([]float32, padded(d))
	for step := range 20 {
		for i := range d {
			phi[i] = r.Norm()
		}
		if _, err := clean.add(clean.quad(phi), inv); err != nil {
			t.Fatal(err)
		}
		b := e.quad(phi)
		if step == 13 {
			for i := range e.inv { // as drift would
				e.inv[i] = -e.inv[i]
			}
			b = e.quad(phi)
		}
		repaired, err := e.add(b, inv)
		if err != nil || repaired != (step == 13) {
			t.Fatalf("step %d: repaired %v, error %v", step, repaired, err)
		}
	}
	a, b := e.quad(phi), clean.quad(phi)
	if math.Abs(float64(a-b)) > 1e-4*float64(b) {
		t.Errorf("bonus %v after the repair, %v without damage", a, b)
	}
	clear(e.cov)
	if err := inv.invert(e.inv, e.cov); err == nil || !strings.Contains(err.Error(), "singular: raise ridge") {
		t.Errorf("a singular covariance: %v", err)
	}
}

// States that no cell has a number for are an error, not a cell that they share.
func TestCountsBeyondTheGrid(t *testing.T) {
	_, s := setup(t, false)
	b := env.NewBatch(s.Spec, rows)
	b.Next[2*5] = 3e9
	var dst [rows]float32
	for expr, want := range map[string]string{
		"count": "bonus count: number 0 of the state of row 5 is 3e+09: not finite, or beyond 2^30 cells of 0.5", "count(hash=simhash)": "", "count(cell=100)": "",
	} {
		x := parse(t, expr, s)
		x.Score(dst[:], b)
		if err := x.Update(b, nil); want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: error %v, want %q", expr, err, want)
		}
	}
}

// What rounding has done to the inverse is undone when it is computed afresh, every reinvert steps.
func TestReinversion(t *testing.T) {
	const d = 8
	e, clean, inv := newEllipse(d, 0.1), newEllipse(d, 0.1), newInverter(d)
	r := rng.New(8).Stream(0, 0, 0)
	phi := make([]float32, d)
	for step := range reinvert + 10 {
		if step == 100 {
			for i := range e.inv {
				e.inv[i] *= 1.5
			}
		}
		for i := range phi {
			phi[i] = r.Norm()
		}
		want, got := clean.quad(phi), e.quad(phi)
		near := math.Abs(float64(got-want)) < 1e-3*float64(want)
		if near != (step < 100 || step >= reinvert) {
			t.Fatalf("step %d: bonus %v, without damage %v", step, got, want)
		}
		for _, x := range []*ellipse{&clean, &e} {
			if _, err := x.add(x.quad(phi), inv); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// NovelD pays for the first visit of a cell in an episode only.
func TestFirstVisits(t *testing.T) {
	v, s := setup(t, false)
	all, first := parse(t, "noveld(alpha=0, first_visit=false)", s), parse(t, "noveld(alpha=0, cell=0.3)", s)
	visit := parse(t, "episodic_count(cell=0.3, first_visit=true)", s)
	var x, y, z [rows]float32
	paid, not := 0, 0
	walk(t, v, 120, func(step int, b *env.Batch) {
		all.Score(x[:], b)
		first.Score(y[:], b)
		visit.Score(z[:], b)
		for i := range rows {
			if want := x[i] * z[i]; y[i] != want {
				t.Fatalf("step %d, row %d: %v, want %v", step, i, y[i], want)
			}
			if z[i] == 1 {
				paid++
			} else {
				not++
			}
		}
		for _, e := range []Bonus{all, first, visit} {
			update(t, e, b)
		}
	})
	if paid < 20 || not < 20 {
		t.Errorf("%d first visits and %d others: too few to tell", paid, not)
	}
}
