package explore

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// Every registered bonus is in the table of the property tests.
func TestEveryBonusIsTested(t *testing.T) {
	for _, name := range Names() {
		if !slices.ContainsFunc(every, func(e string) bool { return strings.HasPrefix(e, name) }) {
			t.Errorf("no expression for %s", name)
		}
	}
}

func distance(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += math.Pow(float64(a[i])-float64(b[i]), 2)
	}
	return math.Sqrt(sum)
}

// The bonuses of nearest neighbours equal their definitions over all states that there were,
// those of NGU over those of the episode.
func TestNearAgainstDefinition(t *testing.T) {
	v, s := setup(t, false)
	const k = 3
	entropy, mean, episodic := parse(t, "re3(embed=none, k=3)", s), parse(t, "apt(embed=none, k=3)", s), parse(t, "ngu(embed=none, k=3)", s)
	var all [][]float32
	var h history
	kth, n := 0.0, 0.0 // of the squared distances to the third
	var a, b, c [rows]float32
	walk(t, v, 100, func(step int, batch *env.Batch) {
		entropy.Score(a[:], batch)
		mean.Score(b[:], batch)
		episodic.Score(c[:], batch)
		var seen []float64
		for i := range rows {
			x := batch.Next[2*i : 2*i+2]
			sorted := func(states [][]float32) (d []float64) {
				for _, y := range states {
					d = append(d, distance(x, y))
				}
				slices.Sort(d)
				return d[:min(len(d), k)]
			}
			wantA, wantB, wantC := 0.0, 0.0, 0.0
			if d := sorted(all); len(d) == k {
				wantA, wantB = math.Log(1+d[k-1]), math.Log(1+(d[0]+d[1]+d[2])/3)
			}
			if d := sorted(h[i]); len(d) > 0 {
				seen = append(seen, d[len(d)-1]*d[len(d)-1])
				m := 1.0
				if n > 0 {
					m = kth / n
				}
				sum := 0.0
				for _, x := range d {
					sum += 1e-3 / (math.Max(x*x/m-0.008, 0) + 1e-3)
				}
				wantC = 1 / (math.Sqrt(sum) + 1e-3)
			}
			for _, one := range []struct{ got, want float64 }{{float64(a[i]), wantA}, {float64(b[i]), wantB}, {float64(c[i]), wantC}} {
				if math.Abs(one.got-one.want) > 1e-3*math.Max(1, one.want) {
					t.Fatalf("step %d, row %d: re3 %v, apt %v, ngu %v, want %v, %v, %v", step, i, a[i], b[i], c[i], wantA, wantB, wantC)
				}
			}
		}
		for _, x := range seen {
			kth, n = kth+x, n+1
		}
		for i := range rows {
			all = append(all, slices.Clone(batch.Next[2*i:2*i+2]))
		}
		h.add(batch)
		update(t, entropy, batch)
		update(t, mean, batch)
		update(t, episodic, batch)
	})
}

// The memory of states is a ring: the oldest go.
func TestMemoryForgets(t *testing.T) {
	_, s := setup(t, false)
	x := parse(t, "re3(embed=none, k=1, memory=16)", s)
	b := env.NewBatch(s.Spec, rows)
	var dst [rows]float32
	score := func(at float32) float32 {
		for i := range b.Next {
			b.Next[i] = at
		}
		x.Score(dst[:], b)
		return dst[0]
	}
	score(1)
	update(t, x, b)
	if got := score(1); got != 0 {
		t.Fatalf("a remembered state is worth %v", got)
	}
	for range 2 { // 16 states of another place
		score(5)
		update(t, x, b)
	}
	if got, want := score(1), math.Log(1+math.Sqrt(32)); math.Abs(float64(got)-want) > 1e-5 {
		t.Errorf("a forgotten state is worth %v, want %v", got, want)
	}
}

// RIDE equals its definition.
func TestRIDEAgainstDefinition(t *testing.T) {
	v, s := setup(t, false)
	x := parse(t, "ride(embed=none, cell=0.3)", s)
	var h history
	cell := func(x []float32) [2]float64 {
		return [2]float64{math.Floor(float64(x[0] / float32(0.3))), math.Floor(float64(x[1] / float32(0.3)))}
	}
	var dst [rows]float32
	walk(t, v, 100, func(step int, b *env.Batch) {
		x.Score(dst[:], b)
		for i := range rows {
			next, n := b.Next[2*i:2*i+2], 1.0
			for _, y := range h[i] {
				if cell(y) == cell(next) {
					n++
				}
			}
			if want := distance(next, b.Obs[2*i:2*i+2]) / math.Sqrt(n); math.Abs(float64(dst[i])-want) > 1e-5 {
				t.Fatalf("step %d, row %d: %v, want %v", step, i, dst[i], want)
			}
		}
		h.add(b)
		update(t, x, b)
	})
}

// SimHash counts states on one side of all planes alike: equal states share a count, and
// opposite ones do not.
func TestSimHash(t *testing.T) {
	_, s := setup(t, false)
	x := parse(t, "count(hash=simhash, bits=64)", s)
	b := env.NewBatch(s.Spec, rows)
	var dst [rows]float32
	state := func(sign float32) {
		for i := range b.Next {
			b.Next[i] = sign * float32(1+i%2)
		}
	}
	for n := range 5 {
		state(1)
		x.Score(dst[:], b)
		if want := 1 / math.Sqrt(float64(n*rows+1)); math.Abs(float64(dst[0])-want) > 1e-6 {
			t.Fatalf("visit %d: %v, want %v", n, dst[0], want)
		}
		update(t, x, b)
	}
	state(-1)
	if x.Score(dst[:], b); dst[0] != 1 {
		t.Errorf("the opposite state is worth %v, want 1", dst[0])
	}
}

// The noisy television: where the next state is noise, curiosity about errors goes on, while
// the variance of an ensemble and the progress of learning vanish.
func TestNoisyTelevision(t *testing.T) {
	// late returns what the last 100 steps pay on average, as a share of what the first do.
	late := func(expr string, begin int) float64 {
		_, s := setup(t, false)
		x := parse(t, expr, s)
		b := env.NewBatch(s.Spec, rows)
		r := rng.New(4).Stream(0, 0, 0)
		var dst [rows]float32
		first, last := 0.0, 0.0
		const steps = 3000
		for step := range steps {
			for i := range b.Next {
				b.Obs[i], b.Next[i] = 0.5, r.Norm()
			}
			x.Score(dst[:], b)
			for _, v := range dst {
				if step < begin {
					first += float64(v) / float64(begin)
				} else if step >= steps-100 {
					last += float64(v) / 100
				}
			}
			update(t, x, b)
		}
		return last / first
	}
	const options = "(embed=none, keep=0.5, lr=0.0005"
	errors, variance, learning := late("icm"+options+")", 20), late("disagreement"+options+")", 5), late("progress"+options+", gamma=0.95)", 100)
	if errors < 0.7 || variance > 0.2 || learning > 0.5 {
		t.Errorf("left of icm %.2f, disagreement %.2f, progress %.2f; want most, little, little", errors, variance, learning)
	}
}

// In an episode longer than what the ellipse keeps apart, the state is complete too, and the
// bonus stays that of the definition.
func TestE3BOfLongEpisodes(t *testing.T) {
	_, s := setup(t, false)
	const expr = "e3b(embed=none, ridge=0.5)"
	x := parse(t, expr, s)
	var copies []Bonus
	b := env.NewBatch(s.Spec, rows)
	r := rng.New(6).Stream(0, 0, 0)
	c := mat.NewSymDense(2, []float64{0.5, 0, 0, 0.5}) // of row 0
	var dst, other [rows]float32
	for step := range 3 * reinvert {
		for i := range b.Next {
			b.Next[i] = r.Norm()
		}
		x.Score(dst[:], b)
		for _, y := range copies {
			if y.Score(other[:], b); other != dst {
				t.Fatalf("step %d: %v after loading, want %v", step, other, dst)
			}
			update(t, y, b)
		}
		var inv mat.Dense
		if err := inv.Inverse(c); err != nil {
			t.Fatal(err)
		}
		phi := mat.NewVecDense(2, []float64{float64(b.Next[0]), float64(b.Next[1])})
		if want := mat.Inner(phi, &inv, phi); step > 0 && math.Abs(float64(dst[0])-want) > 1e-3*want {
			t.Fatalf("step %d: %v, want %v", step, dst[0], want)
		}
		c.SymRankOne(c, 1, phi)
		update(t, x, b)
		if step == reinvert-2 || step == reinvert-1 || step == 2*reinvert+100 {
			state, err := x.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			y := parse(t, expr, s)
			if err := y.UnmarshalBinary(state[:len(state)-1]); err == nil {
				t.Error("a state cut short is accepted")
			}
			if err := y.UnmarshalBinary(state); err != nil {
				t.Fatal(err)
			}
			copies = append(copies, y)
		}
	}
	// All of it is forgotten at the end of the episode.
	for i := range b.End {
		b.End[i] = env.Terminated
	}
	x.Score(dst[:], b)
	update(t, x, b)
	fresh := parse(t, expr, s)
	clear(b.End)
	for range 3 {
		x.Score(dst[:], b)
		if fresh.Score(other[:], b); other != dst {
			t.Fatal("a new episode is not as the first")
		}
		update(t, x, b)
		update(t, fresh, b)
	}
}

// An expression is worth what its parts are, row by row, and each of its parts learns.
func TestAlgebra(t *testing.T) {
	v, s := setup(t, false)
	all := parse(t, "0.5 * count(cell=0.3) * e3b(embed=none) + clip(episodic_count(cell=0.3), 0.6, 0.8) + decay(count(cell=1), 800)", s)
	parts := []Bonus{parse(t, "count(cell=0.3)", s), parse(t, "e3b(embed=none)", s), parse(t, "episodic_count(cell=0.3)", s), parse(t, "count(cell=1)", s)}
	var got [rows]float32
	x := make([][rows]float32, len(parts))
	low, high := 0, 0
	walk(t, v, 120, func(step int, b *env.Batch) {
		all.Score(got[:], b)
		for k, p := range parts {
			p.Score(x[k][:], b)
		}
		left := math.Max(0, 1-float64(step*rows)/800)
		for i := range rows {
			c := math.Min(math.Max(float64(x[2][i]), float64(float32(0.6))), float64(float32(0.8)))
			switch {
			case float64(x[2][i]) < c:
				low++
			case float64(x[2][i]) > c:
				high++
			}
			want := 0.5*float64(x[0][i])*float64(x[1][i]) + c + left*float64(x[3][i])
			if math.Abs(float64(got[i])-want) > 1e-5*(1+want) {
				t.Fatalf("step %d, row %d: %v, want %v", step, i, got[i], want)
			}
		}
		for _, p := range append(parts, all) {
			update(t, p, b)
		}
	})
	if low < 20 || high < 20 {
		t.Errorf("clipped from below %d times and from above %d: too few to tell", low, high)
	}
}
