package eval

import (
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
)

// A chain of states 0..4, in which action 1 goes up, action 0 down, as one-hot observations.
const states = 5

func chainSpec() *env.Spec {
	return &env.Spec{
		ID: "chain-v0", Agents: 1,
		Obs:   []env.Field{{Name: "state", Len: states, Lo: 0, Hi: 1}},
		Act:   []env.Field{{Name: "up", Len: 1, Choices: 2}},
		Facts: []env.Field{{Name: "fact", Len: 1, Lo: 0, Hi: 1}},
	}
}

func follow(s, a int) int { return max(0, min(states-1, s+2*a-1)) }

func oneHot(dst []float32, s int) {
	clear(dst)
	dst[s] = 1
}

func state(row []float32) int {
	for i, x := range row {
		if x == 1 {
			return i
		}
	}
	return 0
}

// table is a reward of state, action and successor.
type table [states][2][states]float64

func (t *table) Score(dst []float32, b *env.Batch) {
	for i := range b.N {
		dst[i] = float32(t[state(b.Obs[i*states:(i+1)*states])][int(b.Act[i])][state(b.Next[i*states:(i+1)*states])])
	}
}

func randomTable(seed uint64) *table {
	r := rng.New(seed).Stream(1, 0, 0)
	t := new(table)
	for s := range t {
		for a := range t[s] {
			for n := range t[s][a] {
				t[s][a][n] = math.Round(float64(r.Range(-4, 4))*64) / 64
			}
		}
	}
	return t
}

// walk records random play, in trajectories of 20 steps.
func walk(n int) *Data {
	d := &Data{Spec: chainSpec()}
	d.Rows = env.NewBatch(d.Spec, n)
	r := rng.New(5).Stream(2, 0, 0)
	s := 0
	for i := range n {
		if i%20 == 0 {
			d.Starts = append(d.Starts, i)
			s = r.IntN(states)
		}
		a := r.IntN(2)
		oneHot(d.Rows.Obs[i*states:(i+1)*states], s)
		d.Rows.Act[i] = float32(a)
		s = follow(s, a)
		oneHot(d.Rows.Next[i*states:(i+1)*states], s)
	}
	return d
}

// chain is the exact model.
type chain struct{}

func (chain) Predict(next, obs, act []float32) {
	for i, a := range act {
		oneHot(next[i*states:(i+1)*states], follow(state(obs[i*states:(i+1)*states]), int(a)))
	}
}

func distances(t *testing.T, a, b rewards.Func, d *Data) map[string]Distance {
	t.Helper()
	o := Options{Gamma: 0.9, Seed: 3}
	out := map[string]Distance{}
	for name, f := range map[string]func() (Distance, error){
		"STARC": func() (Distance, error) { return STARC(a, b, d, o) },
		"EPIC":  func() (Distance, error) { return EPIC(a, b, d, o) },
		"DARD":  func() (Distance, error) { return DARD(a, b, d, chain{}, o) },
	} {
		x, err := f()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !(x.Lo <= x.Value+1e-9 && x.Value <= x.Hi+1e-9) {
			t.Errorf("%s: %v is outside of %v to %v", name, x.Value, x.Lo, x.Hi)
		}
		out[name] = x
	}
	return out
}

func TestClosedForms(t *testing.T) {
	d, r := walk(2000), randomTable(1)
	shaped, opposite, other := new(table), new(table), randomTable(2)
	phi := [states]float64{3, -1, 0.5, 7, -2}
	for s := range r {
		for a := range r[s] {
			for n := range r[s][a] {
				shaped[s][a][n] = 2.5*r[s][a][n] + 0.9*phi[n] - phi[s]
				opposite[s][a][n] = -0.5*r[s][a][n] + 0.9*phi[n] - phi[s]
			}
		}
	}
	for name, x := range distances(t, r, r, d) {
		if x.Value > 1e-6 {
			t.Errorf("%s of a reward to itself is %v", name, x.Value)
		}
	}
	for name, x := range distances(t, r, shaped, d) {
		if x.Value > 1e-3 || x.Hi > 1e-3 {
			t.Errorf("%s: scaling and potential shaping make %v", name, x)
		}
	}
	for name, x := range distances(t, r, opposite, d) {
		if x.Value < 0.999 || x.Lo < 0.999 {
			t.Errorf("%s: negation and shaping make %v", name, x)
		}
	}
	for name, x := range distances(t, r, other, d) {
		if x.Value < 0.2 || x.Value > 0.95 || x.Hi-x.Lo > 0.3 {
			t.Errorf("%s: another reward is %v away", name, x)
		}
		if back := distances(t, other, r, d)[name]; math.Abs(back.Value-x.Value) > 1e-9 {
			t.Errorf("%s is not symmetric: %v, %v", name, x.Value, back.Value)
		}
	}
	// A potential alone is no reward at all: as far from one as zero is.
	pure, zero := new(table), new(table)
	for s := range pure {
		for a := range pure[s] {
			for n := range pure[s][a] {
				pure[s][a][n] = 0.9*phi[n] - phi[s]
			}
		}
	}
	if x, err := STARC(pure, zero, d, Options{Gamma: 0.9}); err != nil || x.Value != 0 {
		t.Errorf("a pure potential and zero: %v, %v", x, err)
	}
	for name, x := range distances(t, pure, zero, d) {
		if x.Value != 0 {
			t.Errorf("%s: a pure potential and zero are %v apart", name, x.Value)
		}
	}
	if x, err := STARC(pure, r, d, Options{Gamma: 0.9}); err != nil || x.Value != 0.5 {
		t.Errorf("a pure potential and a reward: %v, %v", x, err)
	}
}

// direct computes a distance by the book: canonical forms with every expectation a plain sum,
// then the correlation.
func direct(d *Data, a, b *table, form func(r *table, s, act, n int) float64, centred bool) float64 {
	var x, y []float64
	for i := range d.Rows.N {
		s, act, n := state(d.Rows.Obs[i*states:(i+1)*states]), int(d.Rows.Act[i]), state(d.Rows.Next[i*states:(i+1)*states])
		x, y = append(x, form(a, s, act, n)), append(y, form(b, s, act, n))
	}
	mx, my := 0.0, 0.0
	if centred {
		for i := range x {
			mx, my = mx+x[i]/float64(len(x)), my+y[i]/float64(len(x))
		}
	}
	xx, yy, xy := 0.0, 0.0, 0.0
	for i := range x {
		u, v := x[i]-mx, y[i]-my
		xx, yy, xy = xx+u*u, yy+v*v, xy+u*v
	}
	return math.Sqrt((1 - xy/math.Sqrt(xx*yy)) / 2)
}

// TestAgainstBruteForce compares with the definitions on the chain, where every sum can be
// written out.
func TestAgainstBruteForce(t *testing.T) {
	const gamma = 0.9
	d, a, b := walk(400), randomTable(1), randomTable(2)
	o := Options{Gamma: gamma, Samples: 400, Rows: 400}
	N := float64(d.Rows.N)
	rows := func(f func(s, act, n int)) {
		for i := range d.Rows.N {
			f(state(d.Rows.Obs[i*states:(i+1)*states]), int(d.Rows.Act[i]), state(d.Rows.Next[i*states:(i+1)*states]))
		}
	}
	epic := func(r *table, s, act, n int) float64 {
		x := r[s][act][n]
		rows(func(_, u, v int) { x += (gamma*r[n][u][v] - r[s][u][v]) / N })
		return x // the last term is the same for all
	}
	dard := func(r *table, s, act, n int) float64 {
		x := r[s][act][n]
		rows(func(_, u, _ int) {
			s1, s2 := follow(s, u), follow(n, u)
			x += (gamma*r[n][u][s2] - r[s][u][s1] - gamma*r[s1][u][s2]) / N
		})
		return x
	}
	values := map[*table][]float64{}
	for _, r := range []*table{a, b} { // V = (I - gamma P)^-1 R, of the empirical chain
		p, rew, count := mat.NewDense(states, states, nil), mat.NewVecDense(states, nil), [states]float64{}
		rows(func(s, _, _ int) { count[s]++ })
		rows(func(s, act, n int) {
			p.Set(s, n, p.At(s, n)-gamma/count[s])
			rew.SetVec(s, rew.AtVec(s)+r[s][act][n]/count[s])
		})
		for s := range states {
			p.Set(s, s, p.At(s, s)+1)
		}
		var v mat.VecDense
		if err := v.SolveVec(p, rew); err != nil {
			t.Fatal(err)
		}
		values[r] = v.RawVector().Data
	}
	starc := func(r *table, s, act, n int) float64 {
		return r[s][act][n] - values[r][s] + gamma*values[r][n]
	}
	for name, c := range map[string]struct {
		got  func() (Distance, error)
		want float64
	}{
		"EPIC":  {func() (Distance, error) { return EPIC(a, b, d, o) }, direct(d, a, b, epic, true)},
		"DARD":  {func() (Distance, error) { return DARD(a, b, d, chain{}, o) }, direct(d, a, b, dard, true)},
		"STARC": {func() (Distance, error) { return STARC(a, b, d, o) }, direct(d, a, b, starc, false)},
	} {
		if got, err := c.got(); err != nil || math.Abs(got.Value-c.want) > 1e-4 {
			t.Errorf("%s is %v, %v; by the definition %v", name, got.Value, err, c.want)
		}
	}
}

// TestTermination: nothing follows the end of an episode, so the potential there is zero.
func TestTermination(t *testing.T) {
	d, r := walk(2000), randomTable(1)
	for i := 19; i < d.Rows.N; i += 20 {
		d.Rows.End[i] = env.Terminated
	}
	phi := [states]float64{3, -1, 0.5, 7, -2}
	shaped := rewards.FuncOf(func(dst []float32, b *env.Batch) {
		r.Score(dst, b)
		for i := range b.N {
			dst[i] -= float32(phi[state(b.Obs[i*states:(i+1)*states])])
			if b.End[i] != env.Terminated {
				dst[i] += float32(0.9 * phi[state(b.Next[i*states:(i+1)*states])])
			}
		}
	})
	if x, err := STARC(r, shaped, d, Options{Gamma: 0.9}); err != nil || x.Value > 1e-3 {
		t.Errorf("shaping that ends with the episode makes %v, %v", x, err)
	}
}

func TestFactsAndErrors(t *testing.T) {
	d := walk(100)
	fact := rewards.FuncOf(func(dst []float32, b *env.Batch) { copy(dst, b.Facts) })
	for i := range d.Rows.Facts {
		d.Rows.Facts[i] = float32(i % 7)
	}
	if _, err := EPIC(fact, randomTable(1), d, Options{}); !errors.Is(err, ErrFacts) {
		t.Errorf("EPIC of a reward of facts: %v", err)
	}
	if _, err := DARD(randomTable(1), fact, d, chain{}, Options{}); !errors.Is(err, ErrFacts) {
		t.Errorf("DARD of a reward of facts: %v", err)
	}
	if x, err := STARC(fact, fact, d, Options{}); err != nil || x.Value > 1e-6 {
		t.Errorf("STARC of a reward of facts: %v, %v", x, err)
	}
	nan := rewards.FuncOf(func(dst []float32, b *env.Batch) { dst[b.N-1] = float32(math.NaN()) })
	if _, err := STARC(nan, fact, d, Options{}); err == nil {
		t.Error("NaN is no error")
	}
	if _, err := STARC(fact, fact, &Data{Spec: d.Spec}, Options{}); err == nil {
		t.Error("no data is no error")
	}
	if _, err := STARC(fact, fact, d, Options{Gamma: 1.5}); err == nil {
		t.Error("gamma 1.5 is no error")
	}
}

func TestReadings(t *testing.T) {
	d := walk(200)
	f := rewards.FuncOf(func(dst []float32, b *env.Batch) {
		for i := range b.N {
			dst[i] = b.Obs[i*states+2] + 3*b.Facts[i]
		}
	})
	list := Readings(f, d.Spec, d.Rows)
	if len(list) != 2 || list[0].Part != "obs" || list[0].Index != 2 || list[1].Part != "fact" || !list[1].Constant() || list[0].Constant() {
		t.Errorf("readings %+v", list)
	}
	if g := list[1].Growth; g < 1 || g > 4 {
		t.Errorf("the fact is at most 1, yet the reward grows %v-fold", g)
	}
	d.Spec.Facts[0].Hi = float32(math.Inf(1))
	if list := Readings(f, d.Spec, d.Rows); list[1].Growth < 1e4 {
		t.Errorf("the fact has no bound, and the reward grows %v-fold only", list[1].Growth)
	}
	if list := Readings(rewards.FuncOf(func(dst []float32, b *env.Batch) { clear(dst) }), d.Spec, d.Rows); len(list) != 0 {
		t.Errorf("zero reads %v", list)
	}
}

func TestLinearModel(t *testing.T) {
	d := walk(2000)
	// A chain with walls is not linear in one-hot states; without them it is not bounded. What
	// is linear is a point that moves as it is pushed.
	d.Spec.Obs = []env.Field{{Name: "x", Len: 2}}
	b := env.NewBatch(d.Spec, d.Rows.N)
	r := rng.New(1).Stream(1, 0, 0)
	for i := range b.N {
		x, v, a := r.Range(-1, 1), r.Range(-1, 1), r.IntN(2)
		b.Obs[2*i], b.Obs[2*i+1], b.Act[i] = x, v, float32(a)
		b.Next[2*i], b.Next[2*i+1] = x+0.1*v, 0.9*v+float32(a)-0.5
	}
	d.Rows = b
	m, err := FitLinear(d)
	if err != nil || m.R2 < 0.9999 {
		t.Fatalf("R2 %v, %v", m.R2, err)
	}
	next := make([]float32, 2)
	if m.Predict(next, []float32{0.5, -1}, []float32{1}); math.Abs(float64(next[0])-0.4) > 1e-3 || math.Abs(float64(next[1])+0.4) > 1e-3 {
		t.Errorf("predicts %v, want 0.4 and -0.4", next)
	}
}
