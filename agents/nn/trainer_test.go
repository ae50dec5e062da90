package nn

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// update is a PPO update in small: what the tests and benchmarks of a Trainer run.
type update struct {
	net        *ActorCritic
	t          *Trainer
	rows       int
	obs, act   []float32
	old        []float32 // log-probabilities of act when it was chosen
	adv, ret   []float32
	workers    []scratch
	onGradient Loss
}

type scratch struct {
	tape   *ActorCriticTape
	head   *HeadTape
	dl, de []float32
	dp, dv []float32
}

func newUpdate(shared bool, rows int, pool *Pool, parts ...Part) *update {
	if parts == nil {
		parts = []Part{{Categorical, 4}}
	}
	return newUpdateOf(ActorCriticConfig{
		Obs: 24, Head: NewHead(parts...), Hidden: []int{64, 64}, Shared: shared, LogStd: -0.5,
	}, rows, pool)
}

func newUpdateOf(c ActorCriticConfig, rows int, pool *Pool) *update {
	net := NewActorCritic(c)
	p := make([]float32, net.NumParams())
	net.Init(p, rng.New(7))
	u := &update{net: net, t: NewTrainer(p, rows, pool), rows: rows}
	u.t.MaxNorm = 0.5
	u.obs, u.adv, u.ret = random(1, rows*24, 1), random(2, rows, 1), random(3, rows, 1)
	h := net.Head()
	u.act, u.old = make([]float32, rows*h.Actions()), random(4, rows, 0.1)
	tape, head := net.NewTape(rows), h.NewTape(rows)
	net.Forward(p, tape, u.obs, rows)
	h.Sample(u.act, tape.Policy, net.Free(p), rng.New(8), 0)
	h.Forward(head, tape.Policy, net.Free(p), u.act)
	for i, v := range head.LogProb {
		u.old[i] += v
	}
	for range pool.Workers() {
		f := func(n int) []float32 { return make([]float32, n*BlockRows) }
		u.workers = append(u.workers, scratch{
			tape: net.NewTape(BlockRows), head: h.NewTape(BlockRows),
			dl: f(1), de: f(1), dp: f(h.Inputs()), dv: f(1),
		})
	}
	u.onGradient = u.gradient
	return u
}

func (u *update) step() {
	u.t.Gradient(u.rows, u.onGradient)
	if _, err := u.t.Step(3e-4); err != nil {
		panic(err)
	}
}

func (u *update) gradient(worker, _, lo, hi int, grad []float32) {
	const clip, valueCoef, entropyCoef = 0.2, 0.5, 0.01
	w, n, h := &u.workers[worker], hi-lo, u.net.Head()
	p := u.t.Params
	u.net.Forward(p, w.tape, u.obs[lo*24:], n)
	h.Forward(w.head, w.tape.Policy, u.net.Free(p), u.act[lo*h.Actions():])
	inv := 1 / float32(u.rows)
	for i := range n {
		ratio, a := geom.Exp(w.head.LogProb[i]-u.old[lo+i]), u.adv[lo+i]
		w.dl[i] = -inv * ratio * a
		if a > 0 && ratio > 1+clip || a < 0 && ratio < 1-clip {
			w.dl[i] = 0
		}
		w.de[i] = -inv * entropyCoef
		w.dv[i] = inv * valueCoef * (w.tape.Value[i] - u.ret[lo+i])
	}
	h.Backward(w.head, w.dl, w.de, w.dp, u.net.Free(grad))
	u.net.Backward(p, grad, w.tape, w.dp, w.dv)
}

var allParts = []Part{{Categorical, 4}, {Gaussian, 2}, {Categorical, 3}, {SquashedGaussian, 2}}

// Parameters after some updates must have the same bits for any number of workers.
func TestTrainerWorkers(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for _, shared := range []bool{true, false} {
			var want []float32
			for _, workers := range []int{1, 2, 3, 7, 16} {
				pool := NewPool(workers)
				u := newUpdate(shared, 700, pool, allParts[:3]...)
				for range 2 {
					u.step()
				}
				pool.Close()
				if want == nil {
					want = u.t.Params
				} else if !slices.Equal(u.t.Params, want) {
					t.Errorf("%d workers give other parameters than one (shared %v)", workers, shared)
				}
			}
		}
	})
}

// The gradient by blocks must be that of the rows taken as one batch.
func TestTrainerGradientIsTheSum(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	u := newUpdate(true, 300, pool)
	u.t.Gradient(u.rows, u.onGradient)
	want := make([]float64, len(u.t.Grad))
	for row := range u.rows {
		g := make([]float32, len(want))
		u.gradient(0, 0, row, row+1, g)
		for i, v := range g {
			want[i] += float64(v)
		}
	}
	for i, w := range want {
		if math.Abs(float64(u.t.Grad[i])-w) > 1e-6 {
			t.Fatalf("gradient of %s = %v, want %v", u.net.Where(i), u.t.Grad[i], w)
		}
	}
}

func TestTrainerClips(t *testing.T) {
	p := make([]float32, 2)
	tr := NewTrainer(p, 1, NewPool(1))
	tr.MaxNorm = 1
	tr.Adam.Beta1, tr.Adam.Beta2, tr.Adam.Eps = 0, 0, 1
	tr.Gradient(1, func(_, _, _, _ int, g []float32) { g[0], g[1] = 30, 40 })
	norm, err := tr.Step(1)
	if err != nil || math.Abs(norm-50) > 1e-9 {
		t.Fatalf("norm %v, error %v, want 50", norm, err)
	}
	// With these coefficients a step is g/(|g|+1), and g is (0.6, 0.8) after clipping.
	for i, want := range []float32{-0.6 / 1.6, -0.8 / 1.8} {
		if geom.Abs(p[i]-want) > 1e-6 {
			t.Errorf("parameter %d = %v, want %v", i, p[i], want)
		}
	}
}

func TestTrainerNonFinite(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(-1)} {
		p := []float32{1, 2, 3}
		tr := NewTrainer(p, 1, NewPool(1))
		tr.Gradient(1, func(_, _, _, _ int, g []float32) { g[0], g[1] = 1, float32(bad) })
		_, err := tr.Step(1)
		if e := (*NonFiniteError)(nil); !errors.As(err, &e) || e.Index != 1 {
			t.Errorf("gradient %v: error %v, want one that names parameter 1", bad, err)
		}
		if !slices.Equal(p, []float32{1, 2, 3}) || tr.Adam.Steps() != 0 {
			t.Errorf("gradient %v: a step was taken", bad)
		}
	}
}

func TestNoAllocs(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for _, workers := range []int{1, 3} {
			pool := NewPool(workers)
			defer pool.Close()
			u := newUpdate(false, 300, pool, allParts...)
			h, w := u.net.Head(), &u.workers[0]
			free, kl := u.net.Free(u.t.Params), make([]float32, 300)
			if n := testing.AllocsPerRun(5, func() {
				u.step()
				u.net.ForwardPolicy(u.t.Params, w.tape, u.obs, 100)
				u.net.ForwardValue(u.t.Params, w.tape, u.obs, 100)
				h.Sample(u.act, w.tape.Policy, free, rng.New(1), 0)
				h.Mode(u.act, w.tape.Policy, free)
				h.KL(kl, w.tape.Policy, free, w.tape.Policy, free)
			}); n != 0 {
				t.Errorf("%v allocations an update with %d workers, want 0", n, workers)
			}
		}
	})
}

func TestPool(t *testing.T) {
	for _, workers := range []int{0, 1, 2, 5} {
		p := NewPool(workers)
		if p.Workers() != max(workers, 1) {
			t.Errorf("NewPool(%d) has %d workers", workers, p.Workers())
		}
		for _, n := range []int{0, 1, 2, 3, 100} {
			count := make([]int, n)
			busy := make([]int, p.Workers()) // written without locks: the race detector checks that calls of a worker do not overlap
			for range 20 {
				p.Do(n, func(w, i int) { count[i]++; busy[w]++ })
			}
			for i, c := range count {
				if c != 20 {
					t.Fatalf("%d workers: task %d of %d ran %d times, want 20", workers, i, n, c)
				}
			}
		}
		p.Close()
	}
}
