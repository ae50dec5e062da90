package explore

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// every is one expression for each bonus and function there is.
var every = []string{
	"count(cell=0.3)", "episodic_count(cell=0.3)", "episodic_count(first_visit=true)", "count(fields=[distance], cell=0.1)",
	"rnd(lr=0.001)", "noveld(alpha=0.5, cell=0.2)", "noveld(first_visit=false, alpha=0)",
	"e3b(embed=none)", "e3b(embed=random, dim=8)", "e3b(dim=8, ridge=0.5)",
	"count(hash=simhash, bits=16)", "icm(dim=4, keep=1)", "icm(embed=none)", "disagreement(dim=4, models=3)", "progress(embed=none, lr=0.001)",
	"ride(dim=4, cell=0.2)", "re3(dim=4, k=2, memory=100)", "apt(dim=4, k=2, memory=100)", "ngu(embed=none, k=3)", "ngu(dim=4)",
	"0.5 * norm(noveld * e3b(embed=none)) + clip(count, 0, 0.3) + decay(rnd, 1000)",
}

const rows = 8

func setup(t testing.TB, continuous bool) (env.Vec, Setup) {
	t.Helper()
	c := envtest.NewFast()
	c.Continuous = continuous
	v, err := env.NewVec(c, env.VecOptions{Worlds: rows})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v, Setup{Spec: v.Spec(), Rows: rows, Key: rng.New(11)}
}

func parse(t testing.TB, expr string, s Setup) Bonus {
	t.Helper()
	b, err := Parse(expr, s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// walk plays random actions and hands each batch to f, with the number of the step.
func walk(t testing.TB, v env.Vec, steps int, f func(step int, b *env.Batch)) {
	t.Helper()
	b := env.NewBatch(v.Spec(), v.Len())
	v.Reset(1)
	for step := range steps {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		envtest.RandomActions(v.Spec(), b, rng.New(5), step)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		f(step, b)
	}
}

func update(t testing.TB, x Bonus, b *env.Batch) {
	t.Helper()
	if err := x.Update(b, nil); err != nil {
		t.Fatal(err)
	}
}

// A bonus that is saved and loaded goes on to the same bits, one of another seed does not.
func TestSaveAndLoad(t *testing.T) {
	for _, expr := range every {
		v, s := setup(t, strings.Contains(expr, "e3b"))
		a, c := parse(t, expr, s), parse(t, expr, s)
		var x, y [rows]float32
		walk(t, v, 90, func(step int, b *env.Batch) {
			a.Score(x[:], b)
			update(t, a, b)
			if step == 50 {
				state, err := a.AppendBinary(nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := c.UnmarshalBinary(state[:len(state)/2]); err == nil && len(state) > 0 {
					t.Errorf("%s: half a state is accepted", expr)
				}
				if err := c.UnmarshalBinary(state); err != nil {
					t.Fatalf("%s: %v", expr, err)
				}
			}
			if step > 50 {
				c.Score(y[:], b)
				update(t, c, b)
				if x != y {
					t.Fatalf("%s: step %d: %v before, %v after loading", expr, step, x, y)
				}
			}
		})
	}
}

// What a bonus pays does not depend on the number of workers.
func TestWorkers(t *testing.T) {
	for _, expr := range every {
		v, err := env.NewVec(envtest.NewFast(), env.VecOptions{Worlds: 70})
		if err != nil {
			t.Fatal(err)
		}
		s := Setup{Spec: v.Spec(), Rows: 70, Key: rng.New(11), Workers: 1}
		a := parse(t, expr, s)
		s.Workers = 3
		c := parse(t, expr, s)
		x, y := make([]float32, 70), make([]float32, 70)
		walk(t, v, 40, func(step int, b *env.Batch) {
			a.Score(x, b)
			c.Score(y, b)
			if !slices.Equal(x, y) {
				t.Fatalf("%s: step %d differs with 3 workers", expr, step)
			}
			update(t, a, b)
			update(t, c, b)
		})
		v.Close()
	}
}

func TestNoAllocs(t *testing.T) {
	for _, expr := range every {
		v, s := setup(t, false)
		x := parse(t, expr, s)
		var dst [rows]float32
		b := env.NewBatch(v.Spec(), rows)
		walk(t, v, 200, func(_ int, last *env.Batch) {
			x.Score(dst[:], last)
			update(t, x, last)
			copy(b.Obs, last.Obs)
			copy(b.Next, last.Next)
		})
		if n := testing.AllocsPerRun(50, func() { x.Score(dst[:], b); x.Update(b, nil) }); n != 0 {
			t.Errorf("%s: %v allocations a step, want 0", expr, n)
		}
	}
}

// history keeps the states of each row's episode so far.
type history [rows][][]float32

func (h *history) add(b *env.Batch) {
	for i := range rows {
		h[i] = append(h[i], append([]float32(nil), b.Next[2*i:2*i+2]...))
		if b.End[i] != env.Running {
			h[i] = nil
		}
	}
}

// E3B equals its definition, computed from the whole episode by a general matrix inverse:
// over episodes, over the borders of any rollout, and zero at first steps.
func TestE3BAgainstItsDefinition(t *testing.T) {
	v, s := setup(t, false)
	x := parse(t, "e3b(embed=none, ridge=0.1)", s)
	var h history
	var dst [rows]float32
	walk(t, v, 130, func(step int, b *env.Batch) {
		x.Score(dst[:], b)
		for i := range rows {
			c := mat.NewSymDense(2, []float64{0.1, 0, 0, 0.1})
			for _, phi := range h[i] {
				c.SymRankOne(c, 1, mat.NewVecDense(2, []float64{float64(phi[0]), float64(phi[1])}))
			}
			var inv mat.Dense
			if err := inv.Inverse(c); err != nil {
				t.Fatal(err)
			}
			phi := mat.NewVecDense(2, []float64{float64(b.Next[2*i]), float64(b.Next[2*i+1])})
			want := mat.Inner(phi, &inv, phi)
			if len(h[i]) == 0 {
				want = 0
			}
			if math.Abs(float64(dst[i])-want) > 1e-3*math.Max(1, want) {
				t.Fatalf("step %d, row %d: bonus %v, want %v", step, i, dst[i], want)
			}
		}
		update(t, x, b)
		h.add(b)
	})
}

// Over 10^5 rank-one updates the inverse stays that of the covariance.
func TestShermanMorrison(t *testing.T) {
	const d = 16
	e := newEllipse(d, 0.1)
	r := rng.New(1).Stream(0, 0, 0)
	want := mat.NewSymDense(d, nil)
	for i := range d {
		want.SetSym(i, i, 0.1)
	}
	phi, scratch := make([]float32, d), newInverter(d)
	for range 100_000 {
		common := r.Norm() // correlated features are the harder case
		for i := range phi {
			phi[i] = common + 0.3*r.Norm()
		}
		b := e.quad(phi)
		if _, err := e.add(b, scratch); err != nil {
			t.Fatal(err)
		}
		v := mat.NewVecDense(d, nil)
		for i, x := range phi {
			v.SetVec(i, float64(x))
		}
		want.SymRankOne(want, 1, v)
	}
	var inv mat.Dense
	if err := inv.Inverse(want); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		for i := range phi {
			phi[i] = r.Norm()
		}
		v := mat.NewVecDense(d, nil)
		for i, x := range phi {
			v.SetVec(i, float64(x))
		}
		got, w := float64(e.quad(phi)), mat.Inner(v, &inv, v)
		if math.Abs(got-w) > 0.01*w {
			t.Fatalf("phi' C^-1 phi = %g, want %g within 1 %%", got, w)
		}
	}
}

// Counts equal those of a map, global over all rows and episodes, episodic within one.
func TestCountsAgainstAMap(t *testing.T) {
	v, s := setup(t, false)
	global, episodic, first := parse(t, "count(cell=0.3)", s), parse(t, "episodic_count(cell=0.3)", s), parse(t, "episodic_count(cell=0.3, first_visit=true)", s)
	seen := map[[2]int]int{}
	var h history
	cell := func(x []float32) [2]int {
		return [2]int{int(math.Floor(float64(x[0] / float32(0.3)))), int(math.Floor(float64(x[1] / float32(0.3))))}
	}
	var g, e, f [rows]float32
	walk(t, v, 130, func(step int, b *env.Batch) {
		global.Score(g[:], b)
		episodic.Score(e[:], b)
		first.Score(f[:], b)
		for i := range rows {
			c, n := cell(b.Next[2*i:2*i+2]), 0
			for _, x := range h[i] {
				if cell(x) == c {
					n++
				}
			}
			visit := float32(0)
			if n == 0 {
				visit = 1
			}
			wantG, wantE := float32(1/math.Sqrt(float64(seen[c]+1))), float32(1/math.Sqrt(float64(n+1)))
			if math.Abs(float64(g[i]-wantG)) > 1e-6 || math.Abs(float64(e[i]-wantE)) > 1e-6 || f[i] != visit {
				t.Fatalf("step %d, row %d: %v %v %v, want %v %v %v", step, i, g[i], e[i], f[i], wantG, wantE, visit)
			}
		}
		for i := range rows {
			seen[cell(b.Next[2*i:2*i+2])]++
		}
		h.add(b)
		update(t, global, b)
		update(t, episodic, b)
		update(t, first, b)
	})
	if len(seen) < 20 {
		t.Errorf("only %d cells were visited", len(seen))
	}
}

// A table that is full shares counts, says so, and never under-counts.
func TestTableSaturates(t *testing.T) {
	tab := newTable(256)
	want := map[uint64]uint32{}
	r := rng.New(1).Stream(0, 0, 0)
	for range 3000 {
		k := uint64(r.IntN(150))
		if len(want) > 100 {
			k = uint64(r.IntN(2000))
		}
		want[k]++
		tab.add(k)
	}
	if tab.collisions == 0 {
		t.Error("no collision was counted")
	}
	for k, n := range want {
		if got := tab.count(k); got < n {
			t.Fatalf("key %d counts %d, want at least %d", k, got, n)
		}
	}
	tab = newTable(1 << 16)
	clear(want)
	for range 20_000 {
		k := uint64(r.IntN(5000))
		want[k]++
		tab.add(k)
	}
	for k, n := range want {
		if got := tab.count(k); got != n {
			t.Fatalf("key %d counts %d, want %d", k, got, n)
		}
	}
	tab.clear()
	if tab.count(7) != 0 || len(tab.used) != 0 {
		t.Error("clear leaves counts behind")
	}
}

// What is logged of a bonus is its mean before the functions around it change the scores in place.
func TestMeansBeforeFunctions(t *testing.T) {
	v, s := setup(t, false)
	for _, expr := range []string{"norm(count(cell=0.3))", "clip(count(cell=0.3), 0, 0.1)", "3 * count(cell=0.3)"} {
		raw, around := parse(t, "count(cell=0.3)", s), parse(t, expr, s)
		var x, y [rows]float32
		walk(t, v, 20, func(step int, b *env.Batch) {
			raw.Score(x[:], b)
			around.Score(y[:], b)
			want, got := 0.0, math.NaN()
			for _, a := range x {
				want += float64(a)
			}
			if err := raw.Update(b, nil); err != nil {
				t.Fatal(err)
			}
			if err := around.Update(b, func(name string, v float64) {
				if strings.HasSuffix(name, "count/mean") {
					got = v
				}
			}); err != nil {
				t.Fatal(err)
			}
			if got != want/rows {
				t.Fatalf("%s, step %d: a mean of %v is logged, want %v", expr, step, got, want/rows)
			}
		})
	}
}

// norm divides by the standard deviation over all rows and steps so far: CleanRL's RND iterates
// over the wrong axis here (vwxyzjn/cleanrl#360) and torchbeast's E3B counts rows where it sums
// values.
func TestNormAxes(t *testing.T) {
	v, s := setup(t, false)
	raw, normed := parse(t, "e3b(embed=none)", s), parse(t, "norm(e3b(embed=none))", s)
	var all []float64
	var x, y [rows]float32
	walk(t, v, 60, func(step int, b *env.Batch) {
		raw.Score(x[:], b)
		normed.Score(y[:], b)
		mean, sq := 0.0, 0.0
		for _, a := range all {
			mean += a / float64(len(all))
		}
		for _, a := range all {
			sq += (a - mean) * (a - mean) / float64(len(all))
		}
		if step > 1 {
			for i := range rows {
				if want := float64(x[i]) / math.Sqrt(sq); math.Abs(float64(y[i])-want) > 1e-4*math.Abs(want) {
					t.Fatalf("step %d, row %d: %v, want %v", step, i, y[i], want)
				}
			}
		}
		for _, a := range x {
			all = append(all, float64(a))
		}
		update(t, raw, b)
		update(t, normed, b)
	})
}

// Worlds are exchangeable: turning the rows around turns the bonuses around.
func TestPermutation(t *testing.T) {
	for _, expr := range every {
		// Networks are trained on rows in order, so that only the first step is the same.
		learns := !strings.HasPrefix(expr, "count") && !strings.HasPrefix(expr, "episodic") &&
			!strings.Contains(expr, "embed=random") && !strings.HasPrefix(expr, "e3b(embed=none") && !strings.HasPrefix(expr, "re3")
		expr = strings.Replace(expr, "memory=100", "memory=1000", 1) // the oldest depends on the order of rows
		v, s := setup(t, false)
		a, c := parse(t, expr, s), parse(t, expr, s)
		turned := env.NewBatch(v.Spec(), rows)
		var x, y [rows]float32
		walk(t, v, 90, func(step int, b *env.Batch) {
			for i := range rows {
				j := rows - 1 - i
				copy(turned.Obs[2*j:2*j+2], b.Obs[2*i:2*i+2])
				copy(turned.Next[2*j:2*j+2], b.Next[2*i:2*i+2])
				turned.Act[j] = b.Act[i]
				copy(turned.Facts[2*j:2*j+2], b.Facts[2*i:2*i+2])
				turned.End[j] = b.End[i]
			}
			if learns && step > 0 {
				return
			}
			a.Score(x[:], b)
			c.Score(y[:], turned)
			for i := range rows {
				if x[i] != y[rows-1-i] {
					t.Fatalf("%s: step %d, row %d: %v, turned around %v", expr, step, i, x[i], y[rows-1-i])
				}
			}
			update(t, a, b)
			update(t, c, turned)
		})
	}
}

// A state that comes again and again is worth less and less.
func TestVanishesOnRepetition(t *testing.T) {
	for _, expr := range []string{
		"count", "count(hash=simhash)", "episodic_count", "rnd(lr=0.003)", "noveld(alpha=0, first_visit=false, lr=0.003)",
		"e3b(embed=random)", "e3b", "icm(embed=none, lr=0.003)", "icm(embed=random, lr=0.003)", "disagreement(lr=0.003)",
		"progress(embed=none, gamma=0.9, lr=0.003)",
	} {
		v, s := setup(t, false)
		x := parse(t, expr, s)
		b := env.NewBatch(v.Spec(), rows)
		for i := range b.Next {
			b.Obs[i], b.Next[i] = 0.7, 0.7
		}
		var dst [rows]float32
		var early, late float32
		for step := range 500 {
			x.Score(dst[:], b)
			if step == 2 {
				early = dst[0]
			}
			late = dst[0]
			update(t, x, b)
		}
		if !(early > 0) || late > 0.2*early {
			t.Errorf("%s: %v at first, %v after 500 repetitions", expr, early, late)
		}
	}
}

// RND tells seen states from unseen ones; the alpha of NovelD compares with the state before.
func TestDistillation(t *testing.T) {
	v, s := setup(t, false)
	x := parse(t, "rnd(lr=0.003, keep=1)", s)
	var dst [rows]float32
	near := env.NewBatch(v.Spec(), rows)
	walk(t, v, 1500, func(_ int, b *env.Batch) {
		x.Score(dst[:], b)
		update(t, x, b)
		copy(near.Next, b.Next)
	})
	x.Score(dst[:], near)
	seen := dst
	for i := range near.Next {
		near.Next[i] = -near.Next[i] + 5
	}
	x.Score(dst[:], near)
	for i := range rows {
		if dst[i] < 2*seen[i] {
			t.Errorf("row %d: novelty %v far away, %v where it has been", i, dst[i], seen[i])
		}
	}

	plain, half := parse(t, "noveld(alpha=0, first_visit=false)", s), parse(t, "noveld(alpha=0.5, first_visit=false)", s)
	before := env.NewBatch(v.Spec(), rows)
	var n1, n0, d [rows]float32
	walk(t, v, 5, func(_ int, b *env.Batch) {
		copy(before.Next, b.Obs)
		plain.Score(n1[:], b)
		half.Score(d[:], b)
		plain.Score(n0[:], before)
		for i := range rows {
			if want := max(n1[i]-0.5*n0[i], 0); math.Abs(float64(d[i]-want)) > 1e-6 {
				t.Fatalf("NovelD %v, want max(%v - 0.5*%v, 0)", d[i], n1[i], n0[i])
			}
		}
	})
}

// The inverse model of E3B learns to tell the actions of the toy environment apart. Without
// looking at the states, its loss is at best the entropy ln 3 of three choices, or 0.87 for the
// best normal density of uniform numbers.
func TestInverseModelLearns(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		v, s := setup(t, continuous)
		x := parse(t, "e3b(lr=0.01, keep=1)", s)
		loss, reports := 0.0, 0.0
		var dst [rows]float32
		walk(t, v, 1500, func(step int, b *env.Batch) {
			x.Score(dst[:], b)
			err := x.Update(b, func(name string, value float64) {
				if name == "bonus/e3b/inverse_loss" && step >= 1300 {
					loss += value
					reports++
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		})
		if mean := loss / reports; !(mean < 0.35) {
			t.Errorf("continuous %v: loss of the inverse model is %v after training", continuous, mean)
		}
	}
}

func TestParseErrors(t *testing.T) {
	_, s := setup(t, false)
	for expr, want := range map[string]string{
		"":                          "column 1: the end where",
		"cuont":                     `unknown bonus "cuont"; did you mean "count"?`,
		"count(cel=1)":              `unknown option "cel"; did you mean "cell"?`,
		"count(cell=-1)":            "cell is -1, want a positive length",
		"count(cell=word)":          "cannot unmarshal string",
		"count + ":                  "the end where",
		"count count":               `column 7: unexpected "count"`,
		"clip(count, 1, 0)":         "clip from 1 to 0",
		"decay(count, 0)":           "decay over 0 rows",
		"norm(count":                "the end where \")\" was due",
		"e3b(embed=learned)":        `embed is "learned", want none, random or inverse`,
		"e3b(fields=[distance])":    "sees observation fields only",
		"rnd(keep=0)":               "want above 0",
		"noveld(alpha=2)":           "alpha is 2, want 0 to 1",
		"count(fields=[offfset])":   `did you mean "offset"?`,
		"1e39 * count":              "at most 3.4e+38",
		"count(first_visit=true)":   "first_visit is for episodic_count",
		"0.5 * (count + 2 * count)": "",
	} {
		_, err := Parse(expr, s)
		switch {
		case want == "" && err != nil:
			t.Errorf("Parse(%q) = %v", expr, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("Parse(%q) = %v, want an error about %q", expr, err, want)
		}
	}
}

// Moments taken in by batches are those of a pass over all numbers.
func TestMomentsOfBatches(t *testing.T) {
	r := rng.New(2).Stream(0, 0, 0)
	var one, all moments
	for range 50 {
		n, s1, s2 := 1+r.IntN(9), 0.0, 0.0
		for range n {
			x := 1000 + 3*float64(r.Norm())
			one.add(x)
			s1, s2 = s1+x-all.mean, s2+(x-all.mean)*(x-all.mean)
		}
		all.addSums(float64(n), s1, s2)
		if math.Abs(one.mean-all.mean) > 1e-9 || math.Abs(one.sq-all.sq) > 1e-6*one.sq+1e-6 || one.n != all.n {
			t.Fatalf("%+v by batches, want %+v", all, one)
		}
	}
}

func TestNotFinite(t *testing.T) {
	v, s := setup(t, false)
	for _, expr := range every {
		x := parse(t, expr, s)
		b := env.NewBatch(v.Spec(), rows)
		nan := float32(math.NaN())
		b.Next[3], b.Facts[2], b.Facts[3] = nan, nan, nan
		var dst [rows]float32
		x.Score(dst[:], b)
		err := x.Update(b, nil)
		if err == nil || !strings.Contains(err.Error(), "of row ") || !strings.Contains(err.Error(), " is NaN") {
			t.Errorf("%s: a NaN gives the error %v, which names no row", expr, err)
		}
	}
}

// Where the numbers of a bonus itself grow beyond all bounds, the error says what to do.
func TestDiverging(t *testing.T) {
	for _, expr := range []string{"rnd(lr=1e20)", "e3b(lr=1e30)", "icm(lr=1e20)", "noveld(lr=1e20)", "disagreement(lr=1e30)"} {
		v, s := setup(t, false)
		x := parse(t, expr, s)
		var dst [rows]float32
		var err error
		walk(t, v, 40, func(_ int, b *env.Batch) {
			if err == nil {
				x.Score(dst[:], b)
				err = x.Update(b, nil)
			}
		})
		if err == nil || !strings.Contains(err.Error(), "lower lr") {
			t.Errorf("%s: error %v, want one that says to lower lr", expr, err)
		}
	}
}

func ExampleParse() {
	spec, _ := envtest.NewFast().Spec()
	bonus, err := Parse("0.5 * count(fields=[offset], cell=1)", Setup{Spec: spec, Rows: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	b := env.NewBatch(spec, 1)
	var dst [1]float32
	for range 4 {
		bonus.Score(dst[:], b)
		if err := bonus.Update(b, nil); err != nil {
			fmt.Println(err)
		}
		fmt.Printf("%.3f ", dst[0])
	}
	// Output: 0.500 0.354 0.289 0.250
}
