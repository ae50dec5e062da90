package prefmodel

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

// With so few worlds no test of significance is asked for; the signs are, and that the control is
// exactly what it stands in for.
func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "prefmodel")
	for _, at := range []string{"near/exact/300", "near/logistic/100", "near/logistic/300"} {
		regret, partial, off := r.Mean(at, "regret"), r.Mean(at, "partial"), r.Mean(at, "off")
		if regret <= partial {
			t.Errorf("%s: share of worlds by regret %.2f, by partial return %.2f", at, regret, partial)
		}
		if partial != off {
			t.Errorf("%s: the regret learner without values differs from the partial return: %v, %v", at, off, partial)
		}
	}
}

// corridor is a line of cells with the goal at its end.
func corridor() *world {
	w := &world{n: 6, cell: make([]int, 36)}
	for i := range w.cell {
		if w.cell[i] = -1; i < 5 {
			w.cell[i] = step
			w.starts = append(w.starts, i)
		}
	}
	w.cell[5] = goal
	return w
}

// (a) of the card: a constant on each step changes what is best where episodes end sooner or
// later. Segments of one length say nothing about it to the partial return; to regret they do.
func TestShiftOfReward(t *testing.T) {
	w := corridor()
	// Between two states of equal features, only the way to the goal differs.
	towards, away := walk{phi: make([]float64, features), start: 1}, walk{phi: make([]float64, features), start: 3}
	for _, x := range []struct {
		*walk
		move int
	}{{&towards, 0}, {&away, 2}} {
		x.end = x.start
		for range 2 {
			x.end = w.move(x.end, x.move, x.phi)
		}
	}
	var prefers [2][2]float64
	for i, reward := range []float64{-1, 1} { // hurry, or linger
		w.truth = []float64{reward, 0, 0, 0, 0, 0}
		_, psi, err := w.optimal(w.truth)
		if err != nil {
			t.Fatal(err)
		}
		for m, byRegret := range []bool{false, true} {
			prefers[m][i] = w.utility(towards, byRegret, psi) - w.utility(away, byRegret, psi)
		}
	}
	if prefers[0] != [2]float64{0, 0} {
		t.Errorf("by partial return %v, want ties", prefers[0])
	}
	if !(prefers[1][0] > 0.5 && prefers[1][1] < 1e-6) {
		t.Errorf("by regret %v: hurrying is right with -1 a step, no better with 1", prefers[1])
	}
}

// (b) of the card: a gamble. Its outcomes are preferred to safety or not, whatever their odds, by
// partial return; regret prefers the decision, and so tells a good gamble from a bad one.
func TestGamble(t *testing.T) {
	// Features: win, lose. Safety is worth 0; a gamble is won half of the time.
	gamble := [][]float64{{0.5, 0.5}}
	safe := [][]float64{{0, 0}}
	best := [][]float64{{0.5, 0.5}, {0, 0}}
	l := model.NewLinear([][][]float64{gamble, safe, best})
	var partial, regret [2]bool
	for i, w := range [][]float64{{2, -1}, {1, -2}} {
		u := l.Utilities([]model.Utility{
			model.PartialReturn([]float64{1, 0}), model.PartialReturn([]float64{0, 1}), model.PartialReturn([]float64{0, 0}),
			model.Advantage(2, []int{0}, []int{2}), model.Advantage(2, []int{1}, []int{2}),
		}, w)
		if !(u[0] > u[2] && u[2] > u[1]) {
			t.Errorf("win, lose, safe by partial return: %v", u[:3])
		}
		partial[i], regret[i] = u[0] > u[2] && u[2] > u[1], u[3] > u[4]
	}
	if partial[0] != partial[1] || !regret[0] || regret[1] {
		t.Errorf("preferences of a good and a bad gamble: by partial return %v, by regret %v", partial, regret)
	}
}

// Policy iteration must find what sweeps of value iteration do.
func TestOptimalAgainstValueIteration(t *testing.T) {
	for seed := range uint64(5) {
		w := newWorld(seed)
		_, psi, err := w.optimal(w.truth)
		if err != nil {
			t.Fatal(err)
		}
		value := make([]float64, len(w.cell))
		for range 8_000 {
			for _, s := range w.starts {
				best := math.Inf(-1)
				for m := range moves {
					phi := make([]float64, features)
					to := w.move(s, m, phi)
					q := mat.Dot(mat.NewVecDense(features, phi), mat.NewVecDense(features, w.truth))
					if to >= 0 {
						q += discount * value[to]
					}
					best = max(best, q)
				}
				value[s] = best
			}
		}
		for _, s := range w.starts {
			got := mat.Dot(psi.RowView(s), mat.NewVecDense(features, w.truth))
			if math.Abs(got-value[s]) > 1e-4*(1+math.Abs(value[s])) {
				t.Fatalf("seed %d: cell %d is worth %v, want %v", seed, s, got, value[s])
			}
		}
	}
}
